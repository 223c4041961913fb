// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "http/query.h"

static void reads_a_parameter_by_its_name(void **state)
{
    static const struct {
        const char *query, *value;
    } cases[] = {
        {"?limit=5", "5"},
        {"limit=5", "5"},
        {"?a=1&limit=5&b", "5"},
        {"?limit", ""},
        {"?limit=", ""},
        {"?limit=a=b", "a=b"},
        {"?limit=a%20b+c", "a b c"},
        {"?%6Cimit=x", "x"},
        {"?limits=5", NULL},
        {"?a=limit", NULL},
        {"?", NULL},
        {NULL, NULL},
        {"?&&limit=%C3%A9", "\xc3\xa9"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_arena arena;
        struct wg_str value;
        struct wg_err err;

        wg_arena_init(&arena);
        assert_int_equal(
            wg_http_query_get(wg_str(cases[i].query), "limit", &arena, &value, &err), WG_OK);
        if (!cases[i].value)
            assert_null(value.at);
        else
            assert_true(value.at && wg_str_is(value, cases[i].value));
        wg_arena_done(&arena);
    }
}

static void refuses_a_parameter_that_can_be_read_in_two_ways(void **state)
{
    static const char *const queries[] = {
        "?limit=1&limit=1", "?limit=1&%6cimit=2", "?limit=%", "?limit=%4",   "?limit=%00",
        "?limit=%0a",       "?limit=%ff",         "?%zz=1",   "?limit&limit"};

    (void)state;
    for (size_t i = 0; i < WG_COUNT(queries); i++) {
        struct wg_arena arena;
        struct wg_str value;
        struct wg_err err;

        wg_arena_init(&arena);
        assert_int_equal(wg_http_query_get(wg_str(queries[i]), "limit", &arena, &value, &err),
                         WG_INVALID);
        wg_arena_done(&arena);
    }
}

static void reads_numbers_within_their_limit(void **state)
{
    uint64_t value = 0;
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_http_query_uint(wg_str("?n=1000"), "n", 1000, 7, &value, &err), WG_OK);
    assert_int_equal(value, 1000);
    assert_int_equal(wg_http_query_uint(wg_str("?m=1"), "n", 1000, 7, &value, &err), WG_OK);
    assert_int_equal(value, 7);
    assert_int_equal(wg_http_query_uint(wg_str("?n=1001"), "n", 1000, 7, &value, &err),
                     WG_INVALID);
    assert_int_equal(wg_http_query_uint(wg_str("?n=-1"), "n", 1000, 7, &value, &err),
                     WG_INVALID);
    assert_int_equal(wg_http_query_uint(wg_str("?n="), "n", 1000, 7, &value, &err), WG_INVALID);
    assert_int_equal(value, 7);
}

static struct wg_str without_mark(const char *query)
{
    return wg_str(query && *query == '?' ? query + 1 : query);
}

static void walks_the_names_decoded(void **state)
{
    static const struct {
        const char *query, *names;
    } cases[] = {
        {"?a=1&b", "[a][b]"}, {"a", "[a]"}, {"?%61=x&a+b=%zz", "[a][a b]"}, {"?&", "[][]"},
        {"?", "[]"},          {NULL, ""},   {"a=1&?b=2", "[a][?b]"}, /* as wg_http_query_get()
                                                                        reads it: "b" is not
                                                                        there */
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_str rest = without_mark(cases[i].query);
        struct wg_arena arena;
        struct wg_str name;
        struct wg_err err;
        struct wg_buf names;

        wg_arena_init(&arena);
        wg_buf_init(&names, 256);
        while (rest.at) {
            assert_int_equal(wg_http_query_next(&rest, &arena, &name, &err), WG_OK);
            wg_buf_addf(&names, "[%.*s]", WG_STR_F(name));
        }
        assert_true(wg_str_is(wg_buf_str(&names), cases[i].names));
        wg_buf_done(&names);
        wg_arena_done(&arena);
    }
}

static void refuses_a_name_that_cannot_be_decoded(void **state)
{
    static const char *const queries[] = {"?%zz=1", "?%ff", "%00"};

    (void)state;
    for (size_t i = 0; i < WG_COUNT(queries); i++) {
        struct wg_str rest = without_mark(queries[i]);
        struct wg_arena arena;
        struct wg_str name;
        struct wg_err err;

        wg_arena_init(&arena);
        assert_int_equal(wg_http_query_next(&rest, &arena, &name, &err), WG_INVALID);
        wg_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_parameter_by_its_name),
        cmocka_unit_test(refuses_a_parameter_that_can_be_read_in_two_ways),
        cmocka_unit_test(reads_numbers_within_their_limit),
        cmocka_unit_test(walks_the_names_decoded),
        cmocka_unit_test(refuses_a_name_that_cannot_be_decoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
