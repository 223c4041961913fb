// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static void what_was_added_stands_in_order_and_ends_with_nul(void **state)
{
    struct wg_buf buf;

    (void)state;
    wg_buf_init(&buf, 1000);
    assert_string_equal(wg_buf_str(&buf).at, "");
    wg_buf_addc(&buf, 'a');
    wg_buf_adds(&buf, WG_STR("bc"));
    wg_buf_adds(&buf, (struct wg_str){NULL, 0});
    wg_buf_addf(&buf, "%d%s", 12, "x");
    wg_buf_add(&buf, "\0y", 2);
    assert_int_equal(buf.len, 8);
    assert_memory_equal(buf.at, "abc12x\0y", 9);
    wg_buf_done(&buf);
}

static void exactly_the_limit_fits_and_one_more_is_remembered(void **state)
{
    struct wg_buf buf;
    struct wg_err err;

    (void)state;
    wg_buf_init(&buf, 5);
    wg_buf_add(&buf, "12345", 5);
    assert_int_equal(wg_buf_status(&buf, &err), WG_OK);
    wg_buf_addc(&buf, '6');
    wg_buf_add(&buf, "", 0);
    assert_int_equal(wg_buf_status(&buf, &err), WG_TOO_LARGE);
    assert_string_equal(err.text, "longer than the limit of 5 bytes");
    assert_string_equal(buf.at, "12345");
    wg_buf_done(&buf);
}

static void after_a_failure_nothing_is_added_until_cleared(void **state)
{
    struct wg_buf buf;
    struct wg_err err;

    (void)state;
    wg_buf_init(&buf, 3);
    wg_buf_addf(&buf, "%s", "four");
    wg_buf_addc(&buf, 'x');
    assert_int_equal(buf.len, 0);
    assert_null(wg_buf_room(&buf, 1));
    wg_buf_clear(&buf);
    wg_buf_addc(&buf, 'x');
    assert_int_equal(wg_buf_status(&buf, &err), WG_OK);
    assert_string_equal(buf.at, "x");
    wg_buf_done(&buf);
}

static void a_huge_length_does_not_wrap_around(void **state)
{
    struct wg_buf buf;

    (void)state;
    wg_buf_init(&buf, 100);
    wg_buf_add(&buf, "ab", 2);
    assert_null(wg_buf_room(&buf, SIZE_MAX));
    assert_true(buf.is_overflown);
    wg_buf_done(&buf);
}

static void a_buffer_grows_over_many_sizes(void **state)
{
    struct wg_buf buf;

    (void)state;
    wg_buf_init(&buf, 100000);
    for (size_t i = 0; i < 100000; i++)
        wg_buf_addc(&buf, (char)('a' + i % 26));
    assert_false(buf.is_overflown);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(buf.at[i], 'a' + i % 26);
    wg_buf_done(&buf);
}

static void dropping_takes_from_the_front(void **state)
{
    struct wg_buf buf;

    (void)state;
    wg_buf_init(&buf, 100);
    wg_buf_drop(&buf, 1);
    wg_buf_addf(&buf, "abcdef");
    wg_buf_drop(&buf, 2);
    assert_string_equal(buf.at, "cdef");
    wg_buf_drop(&buf, 100);
    assert_string_equal(buf.at, "");
    assert_int_equal(buf.len, 0);
    wg_buf_done(&buf);
}

static void foreign_text_becomes_the_inside_of_a_json_string(void **state)
{
    static const struct {
        const char *why, *text;
        size_t len;
        const char *out;
    } cases[] = {
        {"plain", "abc", 3, "abc"},
        {"what ends a string", "a\"b\\c", 5, "a\\\"b\\\\c"},
        {"what ends a line", "a\r\nb\tc", 6, "a\\r\\nb\\tc"},
        {"other controls", "\0\x1b\x7f", 3, "\\u0000\\u001b\\u007f"},
        {"UTF-8 stays", "\xc3\xa9\xf0\x9f\x99\x82", 6, "\xc3\xa9\xf0\x9f\x99\x82"},
        {"a byte alone", "a\xff", 2, "a\\ufffd"},
        {"half a character", "\xf0\x9f\x99", 3, "\\ufffd\\ufffd\\ufffd"},
        {"a surrogate", "\xed\xa0\x80", 3, "\\ufffd\\ufffd\\ufffd"},
        {"nothing", "", 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_buf buf;

        wg_buf_init(&buf, 100);
        wg_buf_add_json(&buf, wg_str_of(cases[i].text, cases[i].len));
        if (!wg_str_is(wg_buf_str(&buf), cases[i].out))
            fail_msg("%s: wanted %s, got %s", cases[i].why, cases[i].out, wg_buf_str(&buf).at);
        wg_buf_done(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_stands_in_order_and_ends_with_nul),
        cmocka_unit_test(exactly_the_limit_fits_and_one_more_is_remembered),
        cmocka_unit_test(after_a_failure_nothing_is_added_until_cleared),
        cmocka_unit_test(a_huge_length_does_not_wrap_around),
        cmocka_unit_test(a_buffer_grows_over_many_sizes),
        cmocka_unit_test(dropping_takes_from_the_front),
        cmocka_unit_test(foreign_text_becomes_the_inside_of_a_json_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
