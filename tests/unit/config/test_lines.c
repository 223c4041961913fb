// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "config/lines.h"

#define E "\x1f"

static void each_field_of_the_returned_table_has_its_line(void **state)
{
    static const struct {
        const char *why, *source, *path;
        int line;
    } cases[] = {
        {"a name", "return {\n a = 1,\n b = 2 }", "b" E, 3},
        {"a text in brackets", "return {\n ['a.b'] = {\n x = 1 } }", "a.b" E "x" E, 3},
        {"a long text in brackets", "return {\n [ [==[a]]b]==] ] = 1 }", "a]]b" E, 2},
        {"items count", "return { 'x',\n'y'; 'z',\n{ a = 1 } }", "4" E "a" E, 3},
        {"named fields do not count", "return { 1, a = 2,\n3 }", "2" E, 2},
        {"a line comment", "return { -- a = 1\n-- }\na = 1 }", "a" E, 3},
        {"a long comment", "return { --[[ a = 1\n\n}]] a = 1 }", "a" E, 3},
        {"a comment with level", "return { --[=[ ]]\n ]=] a = 1 }", "a" E, 2},
        {"a brace in a text", "return { b = '}',\na = 1 }", "a" E, 2},
        {"an escaped quote", "return { b = '\\'}',\na = 1 }", "a" E, 2},
        {"a text over two lines", "return { b = 'x\\\ny',\na = 1 }", "a" E, 3},
        {"a text with \\z", "return { b = 'x\\z\n\n  y',\na = 1 }", "a" E, 4},
        {"a text with \\z of two bytes a line", "return { b = 'x\\z\r\n\r\n  y',\r\na = 1 }",
         "a" E, 4},
        {"two-byte line ends", "return {\r\n\r\na = 1 }", "a" E, 3},
        {"a comparison is no field", "return { a == 1,\nb = 2 }", "b" E, 2},
        {"a comparison as a value", "return { c = x ~= 1,\nb = 2 }", "b" E, 2},
        {"a function with commas inside",
         "return { f = function(a, b)\n local x, y = 1, 2\n if x then y = {} end\n"
         "for i = 1, 2 do x = i end\nwhile y do y = nil end\nrepeat local z = 1, 2 until z\n"
         "return x, y end,\nb = 1 }",
         "b" E, 8},
        {"a call with a table", "return { a = f { b = 1,\nc = 2 },\nd = 3 }", "d" E, 3},
        {"its inside is not ours", "return { a = f { b = 1 } }", "a" E "b" E, 0},
        {"numbers", "return { a = 1e+5, b = 0x1p-3, c = .5, d = 1 ..\n'x', e = 2 }", "e" E, 2},
        {"a return in a function before",
         "local function f() return { a = 1 } end\nreturn {\na = 2 }", "a" E, 3},
        {"semicolons behind", "return {\na = 2 };", "a" E, 2},
        {"a returned name", "local c = { a = 1 }\nreturn c", "a" E, 0},
        {"a returned call", "return f { a = 1 }", "a" E, 0},
        {"more behind the table", "return { a = 1 } .. x", "a" E, 0},
        {"a computed key", "return { [x] = 1, a = 1 }", "x" E, 0},
        {"behind a computed key", "return { ['a' .. 'b'] = { 1, 2 },\nb = 1 }", "b" E, 2},
        {"not Lua", "return { a = ) , b = 1 }", "b" E, 0},
        {"no end", "return { a = { b = 1,", "a" E "b" E, 1},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_config_lines lines;
        int line;

        wg_config_lines_init(&lines, wg_str(cases[i].source));
        line = wg_config_lines_find(&lines, wg_str(cases[i].path));
        if (line != cases[i].line)
            fail_msg("%s: line %d, not %d", cases[i].why, cases[i].line, line);
        wg_config_lines_done(&lines);
    }
}

static void a_field_given_twice_is_remembered(void **state)
{
    struct wg_config_lines lines;

    (void)state;
    wg_config_lines_init(&lines, WG_STR("return { a = { b = 1 },\nb = 2,\n['b'] = 3 }"));
    assert_non_null(lines.twice);
    assert_null(lines.twice->next);
    assert_memory_equal(lines.twice->path.at, "b" E, 2);
    assert_int_equal(lines.twice->first, 2);
    assert_int_equal(lines.twice->second, 3);
    wg_config_lines_done(&lines);
}

static void a_mention_is_a_token_not_a_part_of_one(void **state)
{
    struct wg_config_lines lines;

    (void)state;
    wg_config_lines_init(
        &lines, WG_STR("-- port\nlocal ports = 'a port'\nlocal x = \"port\"\nreturn port"));
    assert_int_equal(wg_config_lines_mention(&lines, WG_STR("port")), 3);
    assert_int_equal(wg_config_lines_mention(&lines, WG_STR("por")), 0);
    assert_int_equal(lines.return_line, 4);
    wg_config_lines_done(&lines);
}

static void very_deep_nesting_ends(void **state)
{
    struct wg_config_lines lines;
    struct wg_buf source;

    (void)state;
    wg_buf_init(&source, 1 << 20);
    wg_buf_addf(&source, "return ");
    for (int i = 0; i < 100000; i++)
        wg_buf_addf(&source, "{a=");
    wg_config_lines_init(&lines, wg_buf_str(&source));
    wg_config_lines_done(&lines);
    for (int i = 0; i < 100000; i++)
        wg_buf_addf(&source, "}");
    wg_config_lines_init(&lines, wg_buf_str(&source));
    assert_int_equal(wg_config_lines_find(&lines, WG_STR("a" E "a" E)), 1);
    wg_config_lines_done(&lines);
    wg_buf_done(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_of_the_returned_table_has_its_line),
        cmocka_unit_test(a_field_given_twice_is_remembered),
        cmocka_unit_test(a_mention_is_a_token_not_a_part_of_one),
        cmocka_unit_test(very_deep_nesting_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
