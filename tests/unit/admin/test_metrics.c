// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "admin/metrics_impl.h"
#include "base/log.h"
#include "federation/exchange.h"
#include "federation/peers.h"

/* ctest starts unit tests in the root of the tree. */
static void the_reference_in_docs_is_the_one_made_from_the_table(void **state)
{
    const char *path = "docs/metrics.md";
    struct wg_buf made, kept;
    FILE *file;

    (void)state;
    wg_buf_init(&made, 1 << 20);
    wg_buf_init(&kept, 1 << 20);
    wg_metrics_reference(&made);
    if (getenv("WAVEGATE_WRITE_REFERENCE")) {
        assert_non_null(file = fopen(path, "w"));
        fwrite(made.at, 1, made.len, file);
        fclose(file);
    }
    assert_non_null(file = fopen(path, "r"));
    for (int c; (c = getc(file)) != EOF;)
        wg_buf_addc(&kept, (char)c);
    fclose(file);
    if (!wg_str_equal(wg_buf_str(&made), wg_buf_str(&kept)))
        fail_msg("%s is not what metrics.def says; make it anew by running this test with "
                 "WAVEGATE_WRITE_REFERENCE=1",
                 path);
    wg_buf_done(&made);
    wg_buf_done(&kept);
}

static const char *word(enum wg_label label, unsigned place)
{
    static char text[WG_METRIC_VALUE];

    return wg_metric_value(label, place, text);
}

/* A label is counted by its owner's enum and written by the words of the table. */
static void words_are_those_of_their_owners(void **state)
{
    (void)state;
    assert_int_equal(wg_metric_label(WG_LABEL_HOOK)->places, WG_HOOK_COUNT);
    for (unsigned i = 0; i < WG_HOOK_COUNT; i++)
        assert_string_equal(word(WG_LABEL_HOOK, i), wg_hook_name((enum wg_hook)i));
    assert_int_equal(wg_metric_label(WG_LABEL_VERDICT)->places, WG_VERDICT_QUARANTINE + 1);
    for (unsigned i = 0; i <= WG_VERDICT_QUARANTINE; i++)
        assert_string_equal(word(WG_LABEL_VERDICT, i), wg_verdict_name((enum wg_verdict)i));
    assert_int_equal(wg_metric_label(WG_LABEL_ENDPOINT)->places, WG_ENDPOINT_COUNT + 1);
    for (unsigned i = 0; i < WG_ENDPOINT_COUNT; i++)
        assert_string_equal(word(WG_LABEL_ENDPOINT, i), wg_endpoint_name((enum wg_endpoint)i));
    assert_int_equal(wg_metric_label(WG_LABEL_PEER_EVENT)->places, WG_PEER_TRAFFIC);
    assert_string_equal(word(WG_LABEL_DIRECTION, WG_INBOUND), "inbound");
    assert_string_equal(word(WG_LABEL_OUTCOME, WG_EXCHANGE_QUEUED), "queued");
    assert_string_equal(word(WG_LABEL_PEER_EVENT, WG_PEER_SENT), "sent");
    assert_string_equal(word(WG_LABEL_LEVEL, WG_LOG_WARN), "warn");
    assert_string_equal(word(WG_LABEL_LOOP, WG_LOOP_FIRST_WORKER), "0");
}

static void every_code_that_is_answered_has_a_place_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(word(WG_LABEL_CODE, WG_OK), "none");
    for (unsigned i = 1; i <= WG_IO; i++)
        assert_string_equal(word(WG_LABEL_CODE, wg_metric_code((enum wg_code)i)),
                            wg_code_answer((enum wg_code)i));
    assert_int_equal(wg_metric_label(WG_LABEL_CODE)->places, WG_INTERNAL + 1);
}

static void every_family_says_what_it_tells(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WG_METRICS; i++) {
        const struct wg_metric_family *family = wg_metric_family((enum wg_metric)i);
        size_t len = strlen(family->help);
        bool is_counter = family->kind == WG_METRIC_KIND_COUNTER ||
                          family->kind == WG_METRIC_KIND_READ_COUNTER;

        if (len < 10 || family->help[len - 1] != '.' || strpbrk(family->help, "|\\\n"))
            fail_msg("%s: '%s' is no sentence for a table", family->name, family->help);
        assert_int_equal(is_counter,
                         strcmp(family->name + strlen(family->name) - 6, "_total") == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_in_docs_is_the_one_made_from_the_table),
        cmocka_unit_test(words_are_those_of_their_owners),
        cmocka_unit_test(every_code_that_is_answered_has_a_place_of_its_own),
        cmocka_unit_test(every_family_says_what_it_tells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
