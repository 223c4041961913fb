// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/id.h"
#include "base/macros.h"
#include "wire/json.h"

static void assert_canonical(const char *why, struct wg_str in, const char *expected)
{
    struct wg_buf out;
    struct wg_err err = {WG_OK, ""};
    json_t *json;

    wg_buf_init(&out, 64 * 1024);
    if (wg_json_parse(in, &json, &err) != WG_OK)
        fail_msg("%s: %s", why, err.text);
    if (wg_jcs_write(json, &out, &err) != WG_OK)
        fail_msg("%s: %s", why, err.text);
    if (strcmp(out.at, expected) != 0)
        fail_msg("%s: %s, expected %s", why, out.at, expected);
    json_decref(json);
    wg_buf_done(&out);
}

static void writes_the_examples_of_rfc_8785(void **state)
{
    static const struct {
        const char *why, *in, *out;
    } cases[] = {
        {"section 3.2.2",
         "{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"
         "\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
         "\"literals\":[null,true,false]}",
         "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27]"
         ","
         "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
        {"section 3.2.3: keys by UTF-16 unit",
         "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter "
         "Dalet "
         "With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":"
         "\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
         "{\"\\r\":\"Carriage "
         "Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"Latin "
         "Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":"
         "\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++)
        assert_canonical(cases[i].why, wg_str(cases[i].in), cases[i].out);
}

static void keys_sort_as_utf_16_and_strings_keep_their_characters(void **state)
{
    static const struct {
        const char *why, *in, *out;
    } cases[] = {
        {"a prefix comes first", "{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}"},
        {"upper case before lower", "{\"a\":1,\"B\":2}", "{\"B\":2,\"a\":1}"},
        {"U+10000 sorts as D800, before U+E000",
         "{\"\xee\x80\x80\":1,\"\xf0\x90\x80\x80\":2,\"\xed\x9f\xbf\":3}",
         "{\"\xed\x9f\xbf\":3,\"\xf0\x90\x80\x80\":2,\"\xee\x80\x80\":1}"},
        {"the same behind a common beginning", "{\"x\xef\xbf\xbf\":1,\"x\xf0\x9f\x98\x82\":2}",
         "{\"x\xf0\x9f\x98\x82\":2,\"x\xef\xbf\xbf\":1}"},
        {"U+FFFF and U+E000 by themselves", "{\"\xef\xbf\xbf\":1,\"\xee\x80\x80\":2}",
         "{\"\xee\x80\x80\":2,\"\xef\xbf\xbf\":1}"},
        {"every level is sorted", "[{\"b\":{\"d\":1,\"c\":2},\"a\":[{\"f\":1,\"e\":2}]}]",
         "[{\"a\":[{\"e\":2,\"f\":1}],\"b\":{\"c\":2,\"d\":1}}]"},
        {"arrays keep their order", "[3, 1 ,\n2]", "[3,1,2]"},
        {"short escapes", "\"\\u0008\\u0009\\u000a\\u000c\\u000d\"", "\"\\b\\t\\n\\f\\r\""},
        {"other controls in lower case", "\"\\u000B\\u001F\\u0000\"",
         "\"\\u000b\\u001f\\u0000\""},
        {"no escape for slash and DEL", "\"\\/\\u007f\"", "\"/\x7f\""},
        {"characters, not escapes", "\"\\u00e9\\ud83d\\ude02\"",
         "\"\xc3\xa9\xf0\x9f\x98\x82\""},
        {"an escape in a key", "{\"a\\nb\":1}", "{\"a\\nb\":1}"},
        {"scalars", "null", "null"},
        {"empty containers", "[{},[ ]]", "[{},[]]"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++)
        assert_canonical(cases[i].why, wg_str(cases[i].in), cases[i].out);
}

static void sorts_objects_too_large_for_the_stack(void **state)
{
    json_t *object = json_object();
    struct wg_buf out;
    struct wg_err err;
    char key[16], *at;

    (void)state;
    for (int i = 999; i >= 0; i--) {
        snprintf(key, sizeof key, "k%03d", (i * 7) % 1000);
        json_object_set_new(object, key, json_integer(i));
    }
    wg_buf_init(&out, 64 * 1024);
    assert_int_equal(wg_jcs_write(object, &out, &err), WG_OK);
    at = out.at;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "\"k%03d\":", i);
        at = strstr(at, key);
        assert_non_null(at);
    }
    json_decref(object);
    wg_buf_done(&out);
}

static void numbers_print_as_ecmascript_prints_them(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"-0", "0"},
        {"0.0", "0"},
        {"1.0", "1"},
        {"9223372036854775807", "9223372036854776000"},
        {"9007199254740993", "9007199254740992"},
        {"9007199254740994", "9007199254740994"},
        {"-9007199254740991", "-9007199254740991"},
        {"1e20", "100000000000000000000"},
        {"123456789012345678901", "123456789012345680000"},
        {"1e21", "1e+21"},
        {"1.5e21", "1.5e+21"},
        {"0.000001", "0.000001"},
        {"0.00000123", "0.00000123"},
        {"0.0000001", "1e-7"},
        {"1.25e-7", "1.25e-7"},
        {"0.1", "0.1"},
        {"-0.3", "-0.3"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"1778939467.123", "1778939467.123"},
        {"5e-324", "5e-324"},
        {"1e-323", "1e-323"},
        {"2.2250738585072014e-308", "2.2250738585072014e-308"},
        {"2.225073858507201e-308", "2.225073858507201e-308"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"1e23", "1e+23"},
        {"9.5e-7", "9.5e-7"},
        {"4.35", "4.35"},
        {"2e-3", "0.002"},
        {"999999999999999.9", "999999999999999.9"},
        {"1e-400", "0"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++)
        assert_canonical(cases[i].in, wg_str(cases[i].in), cases[i].out);
}

static void the_note_of_rfc_8785_appendix_b_holds(void **state)
{
    static const struct {
        uint64_t bits;
        const char *out;
    } cases[] = {
        {0x0000000000000000, "0"},
        {0x8000000000000000, "0"},
        {0x0000000000000001, "5e-324"},
        {0x8000000000000001, "-5e-324"},
        {0x7fefffffffffffff, "1.7976931348623157e+308"},
        {0xffefffffffffffff, "-1.7976931348623157e+308"},
        {0x4340000000000000, "9007199254740992"},
        {0xc340000000000000, "-9007199254740992"},
        {0x4430000000000000, "295147905179352830000"},
        {0x7fffffffffffffff, ""},
        {0x7ff0000000000000, ""},
        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
        {0x44b52d02c7e14af6, "1e+23"},
        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
        {0x444b1ae4d6e2ef50, "1e+21"},
        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
        {0x3eb0c6f7a0b5ed8d, "0.000001"},
        {0x41b3de4355555553, "333333333.3333332"},
        {0x41b3de4355555554, "333333333.33333325"},
        {0x41b3de4355555555, "333333333.3333333"},
        {0x41b3de4355555556, "333333333.3333334"},
        {0x41b3de4355555557, "333333333.33333343"},
        {0xbecbf647612f3696, "-0.0000033333333333333333"},
        {0x43143ff3c1cb0959, "1424953923781206.2"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        char text[WG_JCS_NUMBER_TEXT] = "";
        double value;

        memcpy(&value, &cases[i].bits, sizeof value);
        assert_int_equal(wg_jcs_number(value, text), strlen(cases[i].out));
        assert_string_equal(text, cases[i].out);
    }
}

static void every_number_reads_back_as_itself(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[WG_JCS_NUMBER_TEXT];
        uint64_t bits;
        double value, again;

        wg_random(&bits, sizeof bits);
        if (i % 16 == 0)
            bits &= 0xfff0000000000000; /* powers of two: the spacing changes there */
        if (i % 16 == 1)
            bits &= 0x800fffffffffffff; /* subnormals */
        memcpy(&value, &bits, sizeof value);
        if (wg_jcs_number(value, text) == 0)
            continue;
        again = strtod(text, NULL);
        if (again < value || again > value)
            fail_msg("%016llx printed as %s", (unsigned long long)bits, text);
    }
}

static void refuses_what_json_cannot_say(void **state)
{
    json_t *array = json_array();
    json_t *deep = json_array();
    struct wg_buf out;
    struct wg_err err;

    (void)state;
    for (int i = 0; i < 64; i++) {
        json_t *outer = json_array();

        json_array_append_new(outer, deep);
        deep = outer;
    }
    wg_buf_init(&out, 1024);
    assert_int_equal(wg_jcs_write(deep, &out, &err), WG_INVALID);
    wg_buf_clear(&out);
    for (int i = 0; i < 1024; i++)
        json_array_append_new(array, json_null());
    assert_int_equal(wg_jcs_write(array, &out, &err), WG_TOO_LARGE);
    json_decref(array);
    json_decref(deep);
    wg_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_examples_of_rfc_8785),
        cmocka_unit_test(keys_sort_as_utf_16_and_strings_keep_their_characters),
        cmocka_unit_test(sorts_objects_too_large_for_the_stack),
        cmocka_unit_test(numbers_print_as_ecmascript_prints_them),
        cmocka_unit_test(the_note_of_rfc_8785_appendix_b_holds),
        cmocka_unit_test(every_number_reads_back_as_itself),
        cmocka_unit_test(refuses_what_json_cannot_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
