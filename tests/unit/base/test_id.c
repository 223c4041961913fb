// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/id.h"

static void a_uuid_has_version_variant_and_time(void **state)
{
    char text[WG_UUID_TEXT];

    (void)state;
    /* 0x0190f2b83c1e milliseconds, the time of the profile's example id. */
    wg_uuid_make(0x0190f2b83c1e, text);
    assert_int_equal(strlen(text), 36);
    assert_memory_equal(text, "0190f2b8-3c1e-7", 15);
    assert_non_null(strchr("89ab", text[19]));
    for (size_t i = 0; i < 36; i++)
        assert_non_null(strchr(
            i == 8 || i == 13 || i == 18 || i == 23 ? "-" : "0123456789abcdef", text[i]));
}

static void a_later_uuid_sorts_behind_and_no_two_are_the_same(void **state)
{
    char earlier[WG_UUID_TEXT], later[WG_UUID_TEXT];

    (void)state;
    wg_uuid_make(1000, earlier);
    for (int64_t now = 1001; now < 2000; now++) {
        wg_uuid_make(now, later);
        assert_true(strcmp(earlier, later) < 0);
        memcpy(earlier, later, sizeof later);
    }
    wg_uuid_make(5, earlier);
    wg_uuid_make(5, later);
    assert_string_not_equal(earlier, later);
}

static void random_bytes_fill_all_that_was_asked_and_no_more(void **state)
{
    unsigned char a[4096] = {0}, b[4096] = {0};

    (void)state;
    wg_random(a, sizeof a - 1);
    wg_random(b, sizeof b - 1);
    assert_memory_not_equal(a, b, sizeof a);
    /* 16 zero bytes at the end by chance: once in 2^128. */
    assert_memory_not_equal(a + sizeof a - 17, b + sizeof b - 17, 16);
    assert_int_equal(a[sizeof a - 1], 0);
    wg_random(a, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uuid_has_version_variant_and_time),
        cmocka_unit_test(a_later_uuid_sorts_behind_and_no_two_are_the_same),
        cmocka_unit_test(random_bytes_fill_all_that_was_asked_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
