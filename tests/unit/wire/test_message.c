// SPDX-License-Identifier: Apache-2.0
#include "unit/wire/requests.h"

static void splits_every_form_of_target(void **state)
{
    static const struct {
        const char *target, *authority, *path, *query;
    } cases[] = {
        {"/", "peer.example.com", "/", NULL},
        {"/a/b", "peer.example.com", "/a/b", NULL},
        {"/a?", "peer.example.com", "/a", "?"},
        {"/a?b=c&d", "peer.example.com", "/a", "?b=c&d"},
        {"/a?b?c", "peer.example.com", "/a", "?b?c"},
        {"//a", "peer.example.com", "//a", NULL},
        {"/a%2Fb", "peer.example.com", "/a%2Fb", NULL},
        {"/a..b/...", "peer.example.com", "/a..b/...", NULL},
        {"/a?x=../..", "peer.example.com", "/a", "?x=../.."},
        {"/rooms/room-1!a:b~c/x", "peer.example.com", "/rooms/room-1!a:b~c/x", NULL},
        {"http://h.example/a?b", "h.example", "/a", "?b"},
        {"HTTPS://h.example:1/a", "h.example:1", "/a", NULL},
        {"http://h.example", "h.example", "/", NULL},
        {"http://h.example?b", "h.example", "/", "?b"},
        {"*", "peer.example.com", "/", NULL},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_message message = made_request("GET", cases[i].target, "");

        if (!wg_str_is(message.target, cases[i].target) ||
            !wg_str_is(message.authority, cases[i].authority) ||
            !wg_str_is(message.path, cases[i].path) ||
            !wg_str_equal(message.query, wg_str(cases[i].query)) ||
            !message.query.at != !cases[i].query)
            fail_msg("%s: authority '%.*s' path '%.*s' query '%.*s'", cases[i].target,
                     WG_STR_F(message.authority), WG_STR_F(message.path),
                     WG_STR_F(message.query));
    }
}

static void refuses_targets_that_signers_would_rewrite(void **state)
{
    static const char *const targets[] = {
        "",          "a",     "/a#b",        "/a b",      "/a\tb",     "/a\x7f",
        "/\xc3\xa9", "/{a}",  "/a|b",        "/\"a\"",    "/<a>",      "/a\\b",
        "/a^b",      "/a`b",  "/a?{",        "/a/../b",   "/..",       "/.",
        "/a/.",      "/./a",  "/a/%2e%2E",   "/a/.%2e/b", "/%2e",      "/%",
        "/a%4",      "/a%zz", "/a?%4g",      "http:/h/a", "http:///a", "http://u@h/a",
        "ftp://h/a", "h:80",  "http://h/..", "http://",   "http",      "?a",
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(targets); i++) {
        struct wg_message message = {.path = WG_STR("untouched")};
        struct wg_err err = {0};

        if (wg_message_set_target(&message, wg_str(targets[i]), &err) != WG_INVALID)
            fail_msg("accepted '%s'", targets[i]);
        assert_true(wg_str_is(message.path, "untouched"));
        assert_true(err.text[0]);
    }
}

static void joins_fields_of_one_name(void **state)
{
    struct wg_headers headers = {0};
    struct wg_arena arena;

    (void)state;
    wg_arena_init(&arena);
    for (int i = 0; i < 40; i++)
        wg_headers_add(&headers, &arena, WG_STR("filler"), WG_STR("x"));
    wg_headers_add(&headers, &arena, WG_STR("a"), WG_STR("1"));
    wg_headers_add(&headers, &arena, WG_STR("b"), (struct wg_str){0});
    wg_headers_add(&headers, &arena, WG_STR("a"), WG_STR(""));
    wg_headers_add(&headers, &arena, WG_STR("a"), WG_STR("2, 3"));

    assert_true(wg_str_is(wg_headers_joined(&headers, "a", &arena), "1, , 2, 3"));
    assert_true(wg_str_is(wg_headers_get(&headers, "a"), "1"));
    assert_int_equal(wg_headers_count(&headers, "a"), 3);
    assert_non_null(wg_headers_joined(&headers, "b", &arena).at);
    assert_null(wg_headers_joined(&headers, "c", &arena).at);
    assert_null(wg_headers_get(&headers, "A").at);

    wg_headers_remove(&headers, "a");
    assert_int_equal(headers.count, 41);
    assert_null(wg_headers_get(&headers, "a").at);
    assert_non_null(wg_headers_get(&headers, "b").at);
    wg_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_every_form_of_target),
        cmocka_unit_test(refuses_targets_that_signers_would_rewrite),
        cmocka_unit_test(joins_fields_of_one_name),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
