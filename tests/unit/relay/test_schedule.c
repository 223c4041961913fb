// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "relay/schedule.h"

static void reads_a_schedule_as_people_write_it(void **state)
{
    static const int64_t expected_s[] = {1, 1, 1, 5, 5, 5, 60, 60, 60, 60, 60, 900, 900, 900};
    struct wg_schedule schedule;
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_schedule_parse(WG_STR("1s*3, 5s*3, 1m*5, 15m"), &schedule, &err),
                     WG_OK);
    for (size_t i = 0; i < WG_COUNT(expected_s); i++) {
        int64_t attempt = (int64_t)i + 1, exact = expected_s[i] * 1000;

        assert_int_equal(wg_schedule_delay_ms(&schedule, attempt, 0), exact);
        for (uint64_t random = 1; random < 1000; random += 7)
            assert_in_range(
                wg_schedule_delay_ms(&schedule, attempt, random * 0x9e3779b97f4a7c15u), exact,
                exact + exact / 10);
    }
    assert_int_equal(wg_schedule_delay_ms(&schedule, 1000000, 0), 900000);
}

static void says_what_is_wrong_with_a_schedule(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "is no step"},
        {"1s,,2s", "is no step"},
        {"1s*", "how often"},
        {"1s*0", "how often"},
        {"1x", "is no step"},
        {"5", "is no step"},
        {"0s", "is no step"},
        {"-1s", "is no step"},
        {"2d", "up to a day"},
        {"1s*3x", "how often"},
        {"s", "is no step"},
        {"1.5s", "is no step"},
        {"99999999999999999999s", "is no step"},
    };
    struct wg_schedule schedule;
    struct wg_err err;
    char many[WG_SCHEDULE_STEPS * 3 + 4] = "1s";

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if (wg_schedule_parse(wg_str(cases[i].text), &schedule, &err) != WG_CONFIG ||
            !strstr(err.text, cases[i].words))
            fail_msg("'%s': %s", cases[i].text, err.text);
    }
    for (int i = 0; i < WG_SCHEDULE_STEPS; i++)
        strcat(many, ",1s");
    assert_int_equal(wg_schedule_parse(wg_str(many), &schedule, &err), WG_CONFIG);
}

static void without_a_text_the_bound_doubles_up_to_a_quarter_of_an_hour(void **state)
{
    (void)state;
    for (int64_t attempt = 1; attempt < 100; attempt++) {
        int64_t bound = attempt < 11 ? INT64_C(1000) << (attempt - 1) : 900000;
        int64_t largest = 0;

        if (bound > 900000)
            bound = 900000;
        for (uint64_t i = 0; i < 300; i++) {
            int64_t delay = wg_schedule_delay_ms(NULL, attempt, i * 0x9e3779b97f4a7c15u >> 8);

            assert_in_range(delay, 0, bound);
            largest = delay > largest ? delay : largest;
        }
        assert_true(largest > bound * 9 / 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_schedule_as_people_write_it),
        cmocka_unit_test(says_what_is_wrong_with_a_schedule),
        cmocka_unit_test(without_a_text_the_bound_doubles_up_to_a_quarter_of_an_hour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
