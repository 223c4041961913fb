// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/utf8.h"

static void only_well_formed_characters_have_a_width(void **state)
{
    static const struct {
        const char *why, *text;
        size_t width;
        uint32_t point;
    } cases[] = {
        {"ASCII", "a", 1, 'a'},
        {"the last of one byte", "\x7f", 1, 0x7f},
        {"the first of two bytes", "\xc2\x80", 2, 0x80},
        {"the last of two bytes", "\xdf\xbf", 2, 0x7ff},
        {"the first of three bytes", "\xe0\xa0\x80", 3, 0x800},
        {"before the surrogates", "\xed\x9f\xbf", 3, 0xd7ff},
        {"behind the surrogates", "\xee\x80\x80", 3, 0xe000},
        {"the last of three bytes", "\xef\xbf\xbf", 3, 0xffff},
        {"the first of four bytes", "\xf0\x90\x80\x80", 4, 0x10000},
        {"the last of all", "\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"past the last", "\xf4\x90\x80\x80", 0, 0},
        {"far past the last", "\xf5\x80\x80\x80", 0, 0},
        {"overlong '/'", "\xc0\xaf", 0, 0},
        {"overlong in three bytes", "\xe0\x80\xaf", 0, 0},
        {"overlong in four bytes", "\xf0\x80\x80\xaf", 0, 0},
        {"a surrogate", "\xed\xa0\x80", 0, 0},
        {"the last surrogate", "\xed\xbf\xbf", 0, 0},
        {"a continuation alone", "\x80", 0, 0},
        {"no continuation", "\xc3\x28", 0, 0},
        {"cut short", "\xe2\x82", 0, 0},
        {"five bytes", "\xf8\x88\x80\x80\x80", 0, 0},
        {"0xff", "\xff", 0, 0},
        {"nothing", "", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        size_t len = strlen(cases[i].text);
        uint32_t point = 0;
        size_t width = wg_utf8_decode(cases[i].text, len, &point);

        if (width != cases[i].width || point != cases[i].point)
            fail_msg("%s: width %zu, point %x", cases[i].why, width, point);
        assert_int_equal(wg_utf8_width(cases[i].text, len), cases[i].width);
        assert_int_equal(wg_utf8_is_valid(wg_str(cases[i].text)), cases[i].width == len);
    }
}

static void one_bad_byte_makes_a_text_invalid(void **state)
{
    (void)state;
    assert_true(wg_utf8_is_valid(WG_STR("gr\xc3\xbc\xc3\x9f \xf0\x9f\x99\x82")));
    assert_true(wg_utf8_is_valid(wg_str_of("a\0b", 3)));
    assert_true(wg_utf8_is_valid((struct wg_str){NULL, 0}));
    assert_false(wg_utf8_is_valid(WG_STR("gr\xc3\xbc\xc3")));
    assert_false(wg_utf8_is_valid(WG_STR("a\xff"
                                         "b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_well_formed_characters_have_a_width),
        cmocka_unit_test(one_bad_byte_makes_a_text_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
