// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "wire/json.h"

static void accepts_one_value_of_any_kind(void **state)
{
    static const char *const cases[] = {
        "{}",
        "[]",
        "1",
        "-0",
        "\"a\"",
        "true",
        "null",
        " [1, 2 ] \n",
        "{\"a\":{\"b\":[]}}",
        "\"\\u0000\"",
        "\"\\ud83d\\ude02\"",
        "9223372036854775808",
        "1e308",
        "1e-400",
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err;
        json_t *json;

        if (wg_json_parse(wg_str(cases[i]), &json, &err) != WG_OK)
            fail_msg("%s: %s", cases[i], err.text);
        json_decref(json);
    }
}

static void refuses_what_two_parsers_could_read_differently(void **state)
{
    static const struct {
        const char *why;
        struct wg_str text;
    } cases[] = {
        {"nothing", {"", 0}},
        {"only space", {" \n", 2}},
        {"a byte order mark", {"\xef\xbb\xbf{}", 5}},
        {"a NUL behind the value", {"123\0", 4}},
        {"a NUL in a string", {"\"a\0b\"", 5}},
        {"trailing bytes", {"{} x", 4}},
        {"two values", {"1 2", 3}},
        {"a duplicate name", {"{\"a\":1,\"a\":2}", 13}},
        {"a duplicate name, escaped", {"{\"a\":1,\"\\u0061\":2}", 18}},
        {"a duplicate name far down", {"[{\"b\":{\"a\":1,\"c\":2,\"a\":2}}]", 27}},
        {"a trailing comma", {"[1,]", 4}},
        {"a comment", {"/**/1", 5}},
        {"single quotes", {"'a'", 3}},
        {"NaN", {"NaN", 3}},
        {"a leading zero", {"01", 2}},
        {"a leading plus", {"+1", 2}},
        {"a number over a double", {"1e400", 5}},
        {"a number under a double", {"-1e400", 6}},
        {"a raw control in a string", {"\"\n\"", 3}},
        {"an overlong UTF-8 form", {"\"\xc0\xaf\"", 4}},
        {"a surrogate in UTF-8", {"\"\xed\xa0\x80\"", 5}},
        {"past U+10FFFF", {"\"\xf4\x90\x80\x80\"", 6}},
        {"UTF-8 broken off", {"\"\xe2\x82\"", 4}},
        {"a lone high surrogate", {"\"\\ud800\"", 8}},
        {"a lone low surrogate", {"\"\\udc00\"", 8}},
        {"surrogates inverted", {"\"\\udc00\\ud800\"", 14}},
        {"an unfinished string", {"\"a", 2}},
        {"an unfinished escape", {"\"\\", 2}},
        {"an unfinished object", {"{\"a\":1", 6}},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err = {WG_OK, ""};
        json_t *json = NULL;

        if (wg_json_parse(cases[i].text, &json, &err) != WG_INVALID)
            fail_msg("%s: accepted", cases[i].why);
        assert_null(json);
        assert_true(err.text[0]);
    }
}

static enum wg_code parse_nested(size_t depth, char open, char close, struct wg_err *err)
{
    char text[4096];
    size_t len = 0;
    json_t *json;

    for (size_t i = 0; i < depth; i++) {
        text[len++] = open;
        if (open == '{')
            len += (size_t)snprintf(text + len, 5, "\"a\":");
    }
    text[len++] = '1';
    for (size_t i = 0; i < depth; i++)
        text[len++] = close;
    if (wg_json_parse(wg_str_of(text, len), &json, err) != WG_OK)
        return err->code;
    json_decref(json);
    return WG_OK;
}

static void nests_64_deep_and_no_deeper(void **state)
{
    struct wg_err err;

    (void)state;
    assert_int_equal(parse_nested(64, '[', ']', &err), WG_OK);
    assert_int_equal(parse_nested(65, '[', ']', &err), WG_INVALID);
    assert_int_equal(parse_nested(64, '{', '}', &err), WG_OK);
    assert_int_equal(parse_nested(65, '{', '}', &err), WG_INVALID);
    assert_non_null(strstr(err.text, "deeper than 64"));
}

static void brackets_in_strings_are_no_nesting(void **state)
{
    char text[300] = "\"\\\"\\\\";
    size_t len = strlen(text);
    struct wg_err err;
    json_t *json;

    (void)state;
    memset(text + len, '[', 200);
    text[len + 200] = '"';
    assert_int_equal(wg_json_parse(wg_str(text), &json, &err), WG_OK);
    json_decref(json);
}

static void an_error_names_line_and_column(void **state)
{
    struct wg_err err;
    json_t *json;

    (void)state;
    assert_int_equal(wg_json_parse(WG_STR("{\n \"a\": x}"), &json, &err), WG_INVALID);
    assert_non_null(strstr(err.text, "line 2"));
    assert_int_equal(wg_json_parse(WG_STR("[1,\n\"\xc3\xa9\",\0]"), &json, &err), WG_INVALID);
    assert_string_equal(err.text, "JSON, line 2, column 5: a NUL byte");
}

static void reads_members_of_the_wanted_kind_only(void **state)
{
    const struct wg_str text =
        WG_STR("{\"s\":\"a\\u0000b\",\"i\":1778939467,\"r\":1.5,\"big\":9007199254740992,"
               "\"most\":-9007199254740991,\"n\":null}");
    struct wg_err err;
    int64_t value = 7;
    json_t *json;

    (void)state;
    assert_int_equal(wg_json_parse(text, &json, &err), WG_OK);
    assert_int_equal(wg_json_string(json, "s").len, 3);
    assert_null(wg_json_string(json, "i").at);
    assert_null(wg_json_string(json, "absent").at);
    assert_false(wg_json_integer(json, "r", &value));
    assert_false(wg_json_integer(json, "big", &value));
    assert_false(wg_json_integer(json, "n", &value));
    assert_false(wg_json_integer(json, "absent", &value));
    assert_int_equal(value, 7);
    assert_true(wg_json_integer(json, "i", &value));
    assert_int_equal(value, 1778939467);
    assert_true(wg_json_integer(json, "most", &value));
    assert_true(value == -9007199254740991);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_one_value_of_any_kind),
        cmocka_unit_test(refuses_what_two_parsers_could_read_differently),
        cmocka_unit_test(nests_64_deep_and_no_deeper),
        cmocka_unit_test(brackets_in_strings_are_no_nesting),
        cmocka_unit_test(an_error_names_line_and_column),
        cmocka_unit_test(reads_members_of_the_wanted_kind_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
