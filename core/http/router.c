// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include "base/buf.h"
#include "http/escape_impl.h"

enum { ALLOW_LIMIT = 256 };

static bool is_capture(struct wg_str part)
{
    return part.len > 2 && part.at[0] == '{' && part.at[part.len - 1] == '}';
}

/* Captures are noted as they stand on the wire; decode_captures() follows for the row chosen.
 */
static bool matches(const char *pattern, struct wg_str path, struct wg_route_match *match)
{
    struct wg_str pattern_rest = wg_str(pattern), path_rest = path;

    match->capture_count = 0;
    while (pattern_rest.at && path_rest.at) {
        struct wg_str part = wg_str_split(&pattern_rest, '/');
        struct wg_str segment = wg_str_split(&path_rest, '/');

        if (!is_capture(part)) {
            if (!wg_str_equal(part, segment))
                return false;
            continue;
        }
        if (segment.len == 0 || !WG_CHECK(match->capture_count < WG_ROUTE_CAPTURES_LIMIT))
            return false;
        match->captures[match->capture_count++] =
            (struct wg_route_capture){wg_str_of(part.at + 1, part.len - 2), segment};
    }
    return !pattern_rest.at && !path_rest.at;
}

static enum wg_code decode_captures(struct wg_route_match *match, struct wg_arena *arena,
                                    struct wg_err *err)
{
    for (size_t i = 0; i < match->capture_count; i++) {
        struct wg_route_capture *capture = &match->captures[i];

        if (wg_http_unescape(capture->value, false, true, arena, &capture->value, err) != WG_OK)
            return wg_while(err, "the path's %.*s", WG_STR_F(capture->name));
    }
    return WG_OK;
}

static bool lists(const struct wg_buf *allow, const char *method)
{
    struct wg_str rest = wg_buf_str(allow);

    while (rest.at)
        if (wg_str_is(wg_str_trim(wg_str_split(&rest, ',')), method))
            return true;
    return false;
}

static void allow_method(struct wg_buf *allow, const char *method)
{
    if (!lists(allow, method))
        wg_buf_addf(allow, "%s%s", allow->len ? ", " : "", method);
    if (wg_str_is(wg_str(method), "GET"))
        allow_method(allow, "HEAD");
}

static const struct wg_route *find_row(const struct wg_route *routes, size_t count,
                                       struct wg_str method, struct wg_str path,
                                       struct wg_route_match *match)
{
    for (size_t i = 0; i < count; i++)
        if (wg_str_is(method, routes[i].method) && matches(routes[i].pattern, path, match))
            return &routes[i];
    return NULL;
}

enum wg_code wg_route_find(const struct wg_route *routes, size_t count, struct wg_str method,
                           struct wg_str path, struct wg_arena *arena,
                           struct wg_route_match *ret_match, struct wg_err *err)
{
    struct wg_route_match match = {0};
    struct wg_buf allow;

    match.route = find_row(routes, count, method, path, &match);
    if (!match.route && wg_str_is(method, "HEAD"))
        match.route = find_row(routes, count, WG_STR("GET"), path, &match);
    if (match.route) {
        if (decode_captures(&match, arena, err) != WG_OK)
            return err->code;
        *ret_match = match;
        return WG_OK;
    }
    wg_buf_init(&allow, ALLOW_LIMIT);
    for (size_t i = 0; i < count; i++)
        if (matches(routes[i].pattern, path, &match))
            allow_method(&allow, routes[i].method);
    match.capture_count = 0;
    if (allow.len)
        match.allow = wg_arena_copy(arena, wg_buf_str(&allow));
    wg_buf_done(&allow);
    *ret_match = match;
    if (match.allow.at)
        return wg_fail(err, WG_METHOD_NOT_ALLOWED, "this path takes %.*s",
                       WG_STR_F(match.allow));
    return wg_fail(err, WG_NOT_FOUND, "nothing is at this path");
}

struct wg_str wg_route_capture(const struct wg_route_match *match, const char *name)
{
    for (size_t i = 0; i < match->capture_count; i++)
        if (wg_str_is(match->captures[i].name, name))
            return match->captures[i].value;
    return (struct wg_str){NULL, 0};
}
