// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/str.h"

static void comparisons_look_at_all_bytes(void **state)
{
    (void)state;
    assert_true(wg_str_equal(wg_str_of("a\0b", 3), wg_str_of("a\0b", 3)));
    assert_false(wg_str_equal(wg_str_of("a\0b", 3), wg_str_of("a\0c", 3)));
    assert_true(wg_str_equal((struct wg_str){NULL, 0}, WG_STR("")));
    assert_true(wg_str_equal_nocase(WG_STR("Content-Type"), WG_STR("content-TYPE")));
    assert_false(wg_str_equal_nocase(WG_STR("ab"), WG_STR("abc")));
    /* '@' and '`' differ in the bit that makes a letter lower-case. */
    assert_false(wg_str_equal_nocase(WG_STR("@"), WG_STR("`")));
    assert_true(wg_str_starts(WG_STR("abc"), WG_STR("ab")));
    assert_true(wg_str_starts(WG_STR("abc"), WG_STR("")));
    assert_false(wg_str_starts(WG_STR("ab"), WG_STR("abc")));
    assert_true(wg_str_ends(WG_STR("abc"), WG_STR("bc")));
    assert_false(wg_str_ends(WG_STR("bc"), WG_STR("abc")));
}

static void trimming_takes_spaces_and_tabs_only(void **state)
{
    (void)state;
    assert_true(wg_str_is(wg_str_trim(WG_STR(" \t a b\t ")), "a b"));
    assert_true(wg_str_is(wg_str_trim(WG_STR("\na\r")), "\na\r"));
    assert_true(wg_str_is(wg_str_trim(WG_STR(" \t ")), ""));
    assert_true(wg_str_is(wg_str_trim((struct wg_str){NULL, 0}), ""));
}

static void a_split_walks_all_parts_the_empty_ones_too(void **state)
{
    static const struct {
        const char *text;
        const char *parts[5];
    } cases[] = {
        {"a,b,c", {"a", "b", "c"}},
        {"a,,b", {"a", "", "b"}},
        {",a,", {"", "a", ""}},
        {"a", {"a"}},
        {"", {""}},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_str rest = wg_str(cases[i].text);
        size_t n = 0;

        while (rest.at) {
            struct wg_str part = wg_str_split(&rest, ',');

            assert_non_null(cases[i].parts[n]);
            assert_true(wg_str_is(part, cases[i].parts[n++]));
        }
        assert_null(cases[i].parts[n]);
    }
}

static void a_number_is_digits_up_to_its_limit(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool is_good;
        uint64_t value;
    } cases[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"65535", 65535, true, 65535},
        {"65536", 65535, false, 0},
        {"00042", 99, true, 42},
        {"5", 4, false, 0},
        {"9", 8, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999999", UINT64_MAX, false, 0},
        {"", 9, false, 0},
        {"-1", 9, false, 0},
        {"+1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"0x1", 9, false, 0},
        {"\xff", 9, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        uint64_t value = 7;
        bool is_good = wg_str_to_uint(wg_str(cases[i].text), cases[i].max, &value);

        if (is_good != cases[i].is_good || value != (is_good ? cases[i].value : 7))
            fail_msg("'%s' up to %llu gave %d, %llu", cases[i].text,
                     (unsigned long long)cases[i].max, is_good, (unsigned long long)value);
    }
}

static void distance_counts_changes_insertions_and_losses(void **state)
{
    static const struct {
        const char *a, *b;
        size_t limit, distance;
    } cases[] = {
        {"", "", 3, 0},
        {"abc", "abc", 3, 0},
        {"abc", "abd", 3, 1},
        {"abc", "abcd", 3, 1},
        {"abc", "bc", 3, 1},
        {"kitten", "sitting", 9, 3},
        {"ingres", "ingress", 3, 1},
        {"abc", "xyz", 2, 3},
        {"", "abcd", 9, 4},
    };
    static char longer[100];

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        size_t distance =
            wg_str_distance(wg_str(cases[i].a), wg_str(cases[i].b), cases[i].limit);

        if (distance != cases[i].distance)
            fail_msg("'%s' to '%s' is %zu, not %zu", cases[i].a, cases[i].b, cases[i].distance,
                     distance);
    }
    memset(longer, 'x', sizeof longer - 1);
    assert_int_equal(wg_str_distance(wg_str(longer), wg_str(longer), 2), 0);
    assert_int_equal(wg_str_distance(wg_str(longer), WG_STR("x"), 2), 3);
}

static void the_nearest_name_is_offered_only_when_it_is_near(void **state)
{
    static const char *const names[] = {"ingress", "egress", "admin", NULL};
    static const char *const none[] = {NULL};

    (void)state;
    assert_string_equal(wg_str_nearest(WG_STR("ingres"), names), "ingress");
    assert_string_equal(wg_str_nearest(WG_STR("gress"), names), "egress");
    assert_string_equal(wg_str_nearest(WG_STR("admn"), names), "admin");
    assert_string_equal(wg_str_nearest(WG_STR("admin"), names), "admin");
    assert_null(wg_str_nearest(WG_STR("upstream"), names));
    assert_null(wg_str_nearest(WG_STR("x"), names));
    assert_null(wg_str_nearest(WG_STR("admin"), none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_look_at_all_bytes),
        cmocka_unit_test(trimming_takes_spaces_and_tabs_only),
        cmocka_unit_test(a_split_walks_all_parts_the_empty_ones_too),
        cmocka_unit_test(a_number_is_digits_up_to_its_limit),
        cmocka_unit_test(distance_counts_changes_insertions_and_losses),
        cmocka_unit_test(the_nearest_name_is_offered_only_when_it_is_near),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
