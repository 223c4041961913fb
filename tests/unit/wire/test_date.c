// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wire/date.h"

static void reads_the_form_that_is_sent_today(void **state)
{
    static const struct {
        const char *text;
        int64_t at_s;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
        {"Fri, 01 Mar 2024 00:00:00 GMT", 1709251200},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        int64_t at_s;

        assert_true(wg_http_date_parse(wg_str(cases[i].text), &at_s));
        assert_int_equal(at_s, cases[i].at_s);
    }
}

static void refuses_every_other(void **state)
{
    static const char *const cases[] = {
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
    };
    int64_t at_s;

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++)
        assert_false(wg_http_date_parse(wg_str(cases[i]), &at_s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_form_that_is_sent_today),
        cmocka_unit_test(refuses_every_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
