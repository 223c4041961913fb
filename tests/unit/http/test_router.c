// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/router.h"

static const struct wg_route routes[] = {
    {"GET", "/", "root"},
    {"GET", "/v1/rooms/{room_id}/members", "members"},
    {"POST", "/v1/rooms/{room_id}/members", "join"},
    {"GET", "/v1/rooms/all", "all"},
    {"GET", "/v1/rooms/{room_id}", "room"},
    {"PUT", "/v1/rooms/{room_id}", "put room"},
    {"POST", "/v1/{a}/x/{b}", "two"},
};

static enum wg_code find(const char *method, const char *path, struct wg_arena *arena,
                         struct wg_route_match *ret_match)
{
    struct wg_err err;

    return wg_route_find(routes, WG_COUNT(routes), wg_str(method), wg_str(path), arena,
                         ret_match, &err);
}

static void finds_the_row_of_method_and_path(void **state)
{
    static const struct {
        const char *method, *path, *value, *capture, *captured;
    } cases[] = {
        {"GET", "/", "root", NULL, NULL},
        {"GET", "/v1/rooms/room-1/members", "members", "room_id", "room-1"},
        {"POST", "/v1/rooms/room-1/members", "join", "room_id", "room-1"},
        {"GET", "/v1/rooms/all", "all", NULL, NULL},
        {"GET", "/v1/rooms/All", "room", "room_id", "All"},
        {"GET", "/v1/rooms/%61ll", "room", "room_id", "all"},
        {"GET", "/v1/rooms/a%C3%A9%20b+c", "room", "room_id", "a\xc3\xa9 b+c"},
        {"HEAD", "/v1/rooms/all", "all", NULL, NULL},
        {"POST", "/v1/y/x/z", "two", "b", "z"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_route_match match;
        struct wg_arena arena;

        wg_arena_init(&arena);
        assert_int_equal(find(cases[i].method, cases[i].path, &arena, &match), WG_OK);
        assert_string_equal(match.route->value, cases[i].value);
        if (cases[i].capture)
            assert_true(
                wg_str_is(wg_route_capture(&match, cases[i].capture), cases[i].captured));
        assert_null(wg_route_capture(&match, "other").at);
        wg_arena_done(&arena);
    }
}

static void knows_no_row_for_other_paths(void **state)
{
    static const char *const paths[] = {
        "",
        "*",
        "//",
        "/v1",
        "/v1/rooms",
        "/v1/rooms/",
        "/v1/rooms//members",
        "/v1/rooms/a/members/",
        "/V1/rooms/all",
        "/v1/%72ooms/all",
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(paths); i++) {
        struct wg_route_match match;
        struct wg_arena arena;

        wg_arena_init(&arena);
        if (find("GET", paths[i], &arena, &match) != WG_NOT_FOUND)
            print_error("found: %s\n", paths[i]);
        assert_int_equal(find("GET", paths[i], &arena, &match), WG_NOT_FOUND);
        wg_arena_done(&arena);
    }
}

static void names_the_methods_a_path_takes(void **state)
{
    static const struct {
        const char *path, *allow;
    } cases[] = {
        {"/", "GET, HEAD"},
        {"/v1/rooms/r/members", "GET, HEAD, POST"},
        {"/v1/rooms/all", "GET, HEAD, PUT"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_route_match match;
        struct wg_arena arena;

        wg_arena_init(&arena);
        assert_int_equal(find("DELETE", cases[i].path, &arena, &match), WG_METHOD_NOT_ALLOWED);
        assert_true(wg_str_is(match.allow, cases[i].allow));
        wg_arena_done(&arena);
    }
}

static void refuses_segments_that_become_something_else(void **state)
{
    static const struct {
        const char *why, *path;
    } cases[] = {
        {"not hex", "/v1/rooms/%zz"},
        {"cut off", "/v1/rooms/a%4"},
        {"a slash", "/v1/rooms/a%2Fb"},
        {"a slash in lower case", "/v1/rooms/a%2fb"},
        {"NUL", "/v1/rooms/a%00"},
        {"a line break", "/v1/rooms/a%0d%0ab"},
        {"DEL", "/v1/rooms/%7f"},
        {"not UTF-8", "/v1/rooms/%c3%28"},
        {"a dot segment", "/v1/rooms/%2e%2E"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_route_match match;
        struct wg_arena arena;
        enum wg_code code;

        wg_arena_init(&arena);
        code = find("GET", cases[i].path, &arena, &match);
        if (code != WG_INVALID)
            print_error("%s: %s\n", cases[i].why, wg_code_name(code));
        assert_int_equal(code, WG_INVALID);
        wg_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_row_of_method_and_path),
        cmocka_unit_test(knows_no_row_for_other_paths),
        cmocka_unit_test(names_the_methods_a_path_takes),
        cmocka_unit_test(refuses_segments_that_become_something_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
