// SPDX-License-Identifier: Apache-2.0
#include "http/query.h"

#include "http/escape_impl.h"

static enum wg_code find(struct wg_str query, const char *name, struct wg_arena *arena,
                         struct wg_str *ret_value, struct wg_err *err)
{
    struct wg_str rest = query, found = {NULL, 0};

    if (wg_str_starts(rest, WG_STR("?")))
        rest = wg_str_of(rest.at + 1, rest.len - 1);
    while (rest.at) {
        struct wg_str value = wg_str_split(&rest, '&');
        struct wg_str key = wg_str_split(&value, '='), decoded;

        if (wg_http_unescape(key, true, false, arena, &decoded, err) != WG_OK)
            return wg_while(err, "a parameter's name");
        if (!wg_str_is(decoded, name))
            continue;
        if (found.at)
            return wg_fail(err, WG_INVALID, "it stands more than once");
        if (wg_http_unescape(value, true, false, arena, &found, err) != WG_OK)
            return err->code;
    }
    *ret_value = found;
    return WG_OK;
}

enum wg_code wg_http_query_get(struct wg_str query, const char *name, struct wg_arena *arena,
                               struct wg_str *ret_value, struct wg_err *err)
{
    if (find(query, name, arena, ret_value, err) != WG_OK)
        return wg_while(err, "query parameter '%s'", name);
    return WG_OK;
}

enum wg_code wg_http_query_next(struct wg_str *rest, struct wg_arena *arena,
                                struct wg_str *ret_name, struct wg_err *err)
{
    struct wg_str value;
    struct wg_str key;

    value = wg_str_split(rest, '&');
    key = wg_str_split(&value, '=');
    if (wg_http_unescape(key, true, false, arena, ret_name, err) != WG_OK)
        return wg_while(err, "a parameter's name");
    return WG_OK;
}

enum wg_code wg_http_query_uint(struct wg_str query, const char *name, uint64_t max,
                                uint64_t fallback, uint64_t *ret_value, struct wg_err *err)
{
    struct wg_arena arena;
    struct wg_str text;
    uint64_t value = fallback;
    enum wg_code code;

    wg_arena_init(&arena);
    code = wg_http_query_get(query, name, &arena, &text, err);
    if (code == WG_OK && text.at && !wg_str_to_uint(text, max, &value))
        code = wg_fail(err, WG_INVALID, "query parameter '%s' is not a number up to %llu", name,
                       (unsigned long long)max);
    wg_arena_done(&arena);
    if (code == WG_OK)
        *ret_value = value;
    return code;
}
