// SPDX-License-Identifier: Apache-2.0
#include "unit/wire/requests.h"

enum kind { ITEM, LIST, DICTIONARY };

/** Parses and writes again into out. */
static enum wg_code rewrite(enum kind kind, struct wg_str text, struct wg_buf *out,
                            struct wg_err *err)
{
    struct wg_sf_members members;
    struct wg_sf_item item;
    struct wg_arena arena;
    enum wg_code code;

    wg_arena_init(&arena);
    if (kind == ITEM)
        (void)((code = wg_sf_parse_item(text, &arena, &item, err)) == WG_OK &&
               (code = wg_sf_write_item(&item, out, err)) == WG_OK);
    else if (kind == LIST)
        (void)((code = wg_sf_parse_list(text, &arena, &members, err)) == WG_OK &&
               (code = wg_sf_write_list(&members, out, err)) == WG_OK);
    else
        (void)((code = wg_sf_parse_dictionary(text, &arena, &members, err)) == WG_OK &&
               (code = wg_sf_write_dictionary(&members, out, err)) == WG_OK);
    wg_arena_done(&arena);
    return code;
}

static void writes_one_text_for_one_value(void **state)
{
    static const struct {
        const char *why;
        enum kind kind;
        const char *in, *out;
    } cases[] = {
        {"RFC 8941 3.1: list of strings", LIST,
         "\"foo\", \"bar\", \"It was the best of times.\"",
         "\"foo\", \"bar\", \"It was the best of times.\""},
        {"3.1: list of tokens", LIST, "foo, bar", "foo, bar"},
        {"3.1.1: inner lists", LIST, "(\"foo\" \"bar\"), (\"baz\"), (\"bat\" \"one\"), ()",
         "(\"foo\" \"bar\"), (\"baz\"), (\"bat\" \"one\"), ()"},
        {"3.1.1: parameters at both levels", LIST,
         "(\"foo\"; a=1;b=2);lvl=5, (\"bar\" \"baz\");lvl=1",
         "(\"foo\";a=1;b=2);lvl=5, (\"bar\" \"baz\");lvl=1"},
        {"3.1.2: parameters", LIST, "abc;a=1;b=2; cde_456, (ghi;jk=4 l);q=\"9\";r=w",
         "abc;a=1;b=2;cde_456, (ghi;jk=4 l);q=\"9\";r=w"},
        {"3.1.2: true and false", ITEM, "1; a; b=?0", "1;a;b=?0"},
        {"3.2: dictionary", DICTIONARY,
         "en=\"Applepie\", da=:w4ZibGV0w6ZydGU=:", "en=\"Applepie\", da=:w4ZibGV0w6ZydGU=:"},
        {"3.2: true is not written", DICTIONARY, "a=?0, b, c; foo=bar", "a=?0, b, c;foo=bar"},
        {"3.2: mixed", DICTIONARY, "rating=1.5, feelings=(joy sadness)",
         "rating=1.5, feelings=(joy sadness)"},
        {"3.2: lists in it", DICTIONARY, "a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid",
         "a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid"},
        {"3.2: several lines", DICTIONARY, "foo=1, bar=2", "foo=1, bar=2"},
        {"3.3.1", ITEM, "42", "42"},
        {"3.3.2", ITEM, "4.5", "4.5"},
        {"3.3.3", ITEM, "\"hello world\"", "\"hello world\""},
        {"3.3.4", ITEM, "foo123/456", "foo123/456"},
        {"3.3.5", ITEM, ":cHJldGVuZCB0aGlzIGlzIGJpbmFyeSBjb250ZW50Lg==:",
         ":cHJldGVuZCB0aGlzIGlzIGJpbmFyeSBjb250ZW50Lg==:"},
        {"3.3.6", ITEM, "?1", "?1"},
        {"RFC 9651 3.3.7: date", ITEM, "@1659578233", "@1659578233"},
        {"RFC 9651 3.3.8: display string", ITEM,
         "%\"This is intended for display to %c3%bcsers.\"",
         "%\"This is intended for display to %c3%bcsers.\""},
        {"the last value, in the first place", DICTIONARY, "a=1, b=2, a=(3);x", "a=(3);x, b=2"},
        {"the same for parameters", ITEM, "a;x=1;y;x=2", "a;x=2;y"},
        {"no negative zero", ITEM, "-0.0", "0.0"},
        {"a small negative decimal keeps its sign", ITEM, "-0.050", "-0.05"},
        {"white space goes", LIST, "  1 \t,\t 2 ", "1, 2"},
        {"an empty list is no text", LIST, "  ", ""},
        {"escapes", ITEM, "\"a\\\"b\\\\\"", "\"a\\\"b\\\\\""},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err = {0};
        struct wg_buf out;

        wg_buf_init(&out, 4096);
        if (rewrite(cases[i].kind, wg_str(cases[i].in), &out, &err) != WG_OK ||
            !wg_str_is(wg_buf_str(&out), cases[i].out))
            fail_msg("%s: '%.*s' instead of '%s' %s", cases[i].why, WG_STR_F(wg_buf_str(&out)),
                     cases[i].out, err.text);
        wg_buf_done(&out);
    }
}

static void refuses_with_the_offset(void **state)
{
    static const struct {
        enum kind kind;
        const char *in;
        size_t offset;
    } cases[] = {
        {ITEM, "", 0},
        {ITEM, "1 2", 2},
        {ITEM, "(1)", 0},
        {ITEM, "\"a", 2},
        {ITEM, "\"a\\b\"", 3},
        {ITEM, "1.", 2},
        {ITEM, "1.2345", 6},
        {ITEM, ":YQ:", 1},
        {ITEM, ":YR==:", 1},
        {ITEM, "?2", 1},
        {ITEM, "a;A", 2},
        {ITEM, "@1.0", 4},
        {ITEM, "%\"%C3%BC\"", 3},
        {LIST, "1,", 2},
        {LIST, "1 2", 2},
        {LIST, "((1))", 1},
        {LIST, "(1", 2},
        {LIST, "(1,2)", 2},
        {DICTIONARY, "a=", 2},
        {DICTIONARY, "A=1", 0},
        {DICTIONARY, "a=1;", 4},
        {DICTIONARY, "a = 1", 2},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err = {0};
        struct wg_buf out;
        char start[64];

        wg_buf_init(&out, 4096);
        if (rewrite(cases[i].kind, wg_str(cases[i].in), &out, &err) != WG_INVALID)
            fail_msg("accepted '%s'", cases[i].in);
        snprintf(start, sizeof start, "structured field, byte %zu: ", cases[i].offset);
        if (!wg_str_starts(wg_str(err.text), wg_str(start)))
            fail_msg("'%s': '%s', expected '%s'", cases[i].in, err.text, start);
        wg_buf_done(&out);
    }
}

static void refuses_a_nul_byte(void **state)
{
    struct wg_err err;
    struct wg_buf out;

    (void)state;
    wg_buf_init(&out, 64);
    assert_int_equal(rewrite(ITEM, wg_str_of("a\0b", 3), &out, &err), WG_INVALID);
    assert_int_equal(rewrite(ITEM, wg_str_of("\"\0\"", 3), &out, &err), WG_INVALID);
    assert_int_equal(rewrite(DICTIONARY, wg_str_of("a;b\0=1", 6), &out, &err), WG_INVALID);
    wg_buf_done(&out);
}

static void refuses_to_write_what_has_no_text(void **state)
{
    static const struct wg_sf_bare values[] = {
        {.type = WG_SF_INTEGER, .integer = INT64_C(1000000000000000)},
        {.type = WG_SF_INTEGER, .integer = INT64_MIN},
        {.type = WG_SF_DECIMAL, .integer = INT64_C(-1000000000000000)},
        {.type = WG_SF_STRING, .text = {"a\n", 2}},
        {.type = WG_SF_TOKEN, .text = {"", 0}},
        {.type = WG_SF_TOKEN, .text = {"1a", 2}},
        {.type = WG_SF_TOKEN, .text = {"a b", 3}},
        {.type = WG_SF_DISPLAY_STRING, .text = {"\xff", 1}},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(values); i++) {
        struct wg_sf_item item = {.bare = values[i]};
        struct wg_err err;
        struct wg_buf out;

        wg_buf_init(&out, 4096);
        assert_int_equal(wg_sf_write_item(&item, &out, &err), WG_INVALID);
        wg_buf_done(&out);
    }
}

/* A field of many names must not cost the square of them. */
static void keeps_many_names_apart(void **state)
{
    struct wg_sf_members dictionary;
    struct wg_arena arena;
    struct wg_buf text;
    struct wg_err err;

    (void)state;
    wg_arena_init(&arena);
    wg_buf_init(&text, 1 << 20);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++)
            wg_buf_addf(&text, "%sk%d=%d;p%d", text.len ? ", " : "", i, i + round, i);
    assert_int_equal(wg_sf_parse_dictionary(wg_buf_str(&text), &arena, &dictionary, &err),
                     WG_OK);
    assert_int_equal(dictionary.count, 5000);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(dictionary.at[i].bare.integer, i + 1);
    assert_non_null(wg_sf_member(&dictionary, "k4999"));
    assert_null(wg_sf_member(&dictionary, "k5000"));
    wg_buf_done(&text);
    wg_arena_done(&arena);
}

static void says_when_the_text_does_not_fit(void **state)
{
    struct wg_err err;
    struct wg_buf out;

    (void)state;
    wg_buf_init(&out, 3);
    assert_int_equal(rewrite(ITEM, WG_STR("abcd"), &out, &err), WG_TOO_LARGE);
    wg_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_one_text_for_one_value),
        cmocka_unit_test(refuses_with_the_offset),
        cmocka_unit_test(refuses_a_nul_byte),
        cmocka_unit_test(refuses_to_write_what_has_no_text),
        cmocka_unit_test(keeps_many_names_apart),
        cmocka_unit_test(says_when_the_text_does_not_fit),
    };
    return cmocka_run_group_tests_name("sf", tests, start_crypto, NULL);
}
