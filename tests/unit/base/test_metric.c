// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/metric.h"

enum { THREADS = 40, ROUNDS = 1000 };

static int64_t cell(enum wg_metric metric, size_t at)
{
    int64_t *cells = wg_alloc(wg_metric_cell_count(metric) * sizeof *cells);
    int64_t value;

    wg_metric_read(metric, cells);
    value = cells[at];
    wg_free(cells);
    return value;
}

static void *count(void *owner)
{
    for (int i = 0; i < ROUNDS; i++) {
        wg_metric_count(SIGNATURES, WG_SIGNED_EVENT, WG_RESULT_FAILURE);
        wg_metric_move(CONNECTIONS_OPEN, 1, WG_DOOR_EGRESS);
    }
    for (int i = 0; i < ROUNDS; i++)
        wg_metric_move(CONNECTIONS_OPEN, -1, WG_DOOR_EGRESS);
    return owner;
}

/* More threads than there are cells of their own: those that share lose nothing either. */
static void what_all_threads_recorded_is_summed_up(void **state)
{
    const size_t at = WG_SIGNED_EVENT * 2 + WG_RESULT_FAILURE;
    int64_t before = cell(WG_METRIC_SIGNATURES, at);
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(cell(WG_METRIC_SIGNATURES, at) - before, THREADS * ROUNDS);
    assert_int_equal(cell(WG_METRIC_SIGNATURES, at - 1), 0);
    assert_int_equal(cell(WG_METRIC_CONNECTIONS_OPEN, WG_DOOR_EGRESS), 0);
}

static void a_duration_falls_into_the_first_bucket_that_holds_it(void **state)
{
    static const struct {
        int64_t ns;
        size_t bucket;
    } cases[] = {
        {-5, 0}, /* a clock that stood still */
        {0, 0},
        {10000, 0}, /* bounds belong to their bucket */
        {10001, 1},
        {1000000, 6},
        {30 * INT64_C(1000000000), WG_METRIC_BUCKETS - 1},
        {31 * INT64_C(1000000000), WG_METRIC_BUCKETS},
    };
    int64_t sum = 0;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        int64_t before = cell(WG_METRIC_STORE_COMMIT_TIME, cases[i].bucket);

        wg_metric_time(STORE_COMMIT_TIME, cases[i].ns);
        assert_int_equal(cell(WG_METRIC_STORE_COMMIT_TIME, cases[i].bucket), before + 1);
        sum += cases[i].ns > 0 ? cases[i].ns : 0;
        assert_int_equal(cell(WG_METRIC_STORE_COMMIT_TIME, WG_METRIC_BUCKETS + 1), sum);
    }
}

static void bounds_grow(void **state)
{
    (void)state;
    assert_int_equal(wg_metric_bounds_ns[0], 10000);
    for (size_t i = 1; i < WG_METRIC_BUCKETS; i++)
        assert_true(wg_metric_bounds_ns[i] > wg_metric_bounds_ns[i - 1]);
}

static void a_word_and_its_place_are_one(void **state)
{
    char text[WG_METRIC_VALUE];
    unsigned place;

    (void)state;
    assert_true(wg_metric_place(WG_LABEL_STAGE, "judge", &place));
    assert_string_equal(wg_metric_value(WG_LABEL_STAGE, place, text), "judge");
    assert_false(wg_metric_place(WG_LABEL_STAGE, "jud", &place));
    assert_string_equal(wg_metric_value(WG_LABEL_LOOP, 0, text), "control");
    assert_string_equal(wg_metric_value(WG_LABEL_LOOP, 3, text), "2");
    assert_string_equal(wg_metric_value(WG_LABEL_ANSWER, wg_metric_answer(404), text), "4xx");
    assert_string_equal(wg_metric_value(WG_LABEL_ANSWER, wg_metric_answer(0), text), "none");
}

/* Every place of every label has a word: a family whose row says too many would show numbers.
 */
static void labels_have_as_many_words_as_places(void **state)
{
    (void)state;
    for (unsigned i = WG_LABEL_NONE + 1; i < WG_LABELS; i++) {
        const struct wg_metric_label *label = wg_metric_label((enum wg_label)i);
        struct wg_str rest = wg_str(label->words);
        unsigned words = 0;

        if (i == WG_LABEL_CODE || i == WG_LABEL_LOOP || label->places == 0)
            continue;
        for (; rest.at && rest.len; words++)
            wg_str_split(&rest, ' ');
        if (words != label->places)
            fail_msg("%s: %u words, %u places", label->name, words, label->places);
    }
}

static void the_log_counts_its_lines(void **state)
{
    int64_t before = cell(WG_METRIC_LOG_LINES, WG_LOG_WARN);

    (void)state;
    wg_log(WG_LOG_WARN, "test.line", "one");
    wg_log(WG_LOG_DEBUG, "test.line", "not written, so not counted");
    assert_int_equal(cell(WG_METRIC_LOG_LINES, WG_LOG_WARN), before + 1);
    assert_int_equal(cell(WG_METRIC_LOG_LINES, WG_LOG_DEBUG), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_all_threads_recorded_is_summed_up),
        cmocka_unit_test(a_duration_falls_into_the_first_bucket_that_holds_it),
        cmocka_unit_test(bounds_grow),
        cmocka_unit_test(a_word_and_its_place_are_one),
        cmocka_unit_test(labels_have_as_many_words_as_places),
        cmocka_unit_test(the_log_counts_its_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
