// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "admin/admin_impl.h"
#include "base/utf8.h"
#include "http/query.h"

enum { ROWS_AT_ONCE = 200 };

struct wg_str wg_admin_capture(const struct wg_admin_request *request, const char *name)
{
    return wg_route_capture(&request->match, name);
}

bool wg_admin_query(struct wg_admin_request *request, const char *name,
                    struct wg_str *ret_value)
{
    struct wg_err err;

    if (wg_http_query_get(request->message->query, name, request->arena, ret_value, &err) ==
        WG_OK)
        return true;
    wg_admin_fail(request, WG_INVALID, "query: %s", err.text);
    return false;
}

bool wg_admin_page(struct wg_admin_request *request, size_t most, size_t fallback,
                   size_t *ret_limit, struct wg_str *ret_cursor)
{
    struct wg_str text;
    uint64_t limit = fallback;

    if (!wg_admin_query(request, "limit", &text) ||
        !wg_admin_query(request, "cursor", ret_cursor))
        return false;
    if (text.at && (!wg_str_to_uint(text, most, &limit) || limit == 0)) {
        wg_admin_fail(request, WG_INVALID,
                      "query: limit is a whole number from 1 to %zu, "
                      "not '%.*s'",
                      most, WG_STR_F(text));
        return false;
    }
    if (ret_cursor->at && ret_cursor->len == 0)
        *ret_cursor = (struct wg_str){NULL, 0};
    /* A page may always be shorter: the loop that writes it serves others as well. */
    *ret_limit = limit < ROWS_AT_ONCE ? (size_t)limit : ROWS_AT_ONCE;
    return true;
}

bool wg_admin_members(struct wg_admin_request *request, const char *const *names)
{
    const char *name;
    json_t *value;

    json_object_foreach(request->body, name, value)
    {
        const char *nearest;
        size_t i = 0;

        while (names[i] && strcmp(names[i], name) != 0)
            i++;
        if (names[i])
            continue;
        nearest = wg_str_nearest(wg_str(name), names);
        wg_admin_fail(request, WG_INVALID, "unknown member '%.64s'%s%s%s", name,
                      nearest ? ", did you mean '" : "", nearest ? nearest : "",
                      nearest ? "'?" : "");
        return false;
    }
    return true;
}

struct wg_audit_row wg_admin_audit(struct wg_admin_request *request, const char *action)
{
    struct wg_audit_row row = {
        .action = wg_str(action),
        .verdict = WG_STR("done"),
        .request_id = wg_str(request->request_id),
        .actor = wg_str(wg_arena_format(request->arena, "token:%s", request->bearer.id)),
        .latency_us = -1,
    };

    if (request->instance)
        row.server = request->instance->server_name;
    return row;
}

json_t *wg_admin_stored(struct wg_str text)
{
    return text.len ? json_loadb(text.at, text.len, JSON_ALLOW_NUL, NULL) : NULL;
}

struct wg_str wg_admin_text(struct wg_admin_request *request, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    struct wg_str copy = wg_arena_copy(request->arena, wg_str(text));

    free(text);
    json_decref(json);
    return copy;
}

/* What was refused may hold anything: bytes that are no UTF-8 show as '?'. */
static json_t *repaired_string(struct wg_str text)
{
    char *copy = wg_strdup(text);
    json_t *json;

    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)copy[i] >= 0x80 || copy[i] == '\0')
            copy[i] = '?';
    }
    json = json_stringn(copy, text.len);
    wg_free(copy);
    return json;
}

json_t *wg_admin_string(struct wg_str text)
{
    json_t *json = text.at ? json_stringn(text.at, text.len) : json_null();

    return json ? json : repaired_string(text);
}

json_t *wg_admin_time(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    char text[64];
    struct tm parts;
    size_t len;

    if (wall_ms <= 0 || !gmtime_r(&seconds, &parts))
        return json_null();
    len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + len, sizeof text - len, ".%03dZ", (int)(wall_ms % 1000));
    return json_string(text);
}

json_t *wg_admin_list(const char *name, json_t *rows, struct wg_str next_cursor)
{
    json_t *json = json_object();

    json_object_set_new(json, name, rows);
    if (next_cursor.at)
        json_object_set_new(json, "next_cursor", wg_admin_string(next_cursor));
    return json;
}

bool wg_admin_member_fits(struct wg_admin_request *request, const json_t *object,
                          const char *name, enum wg_admin_kind kind)
{
    static const char *const words[] = {"a text", "a whole number", "true or false"};
    const json_t *value = json_object_get(object, name);
    int64_t number;

    if (!value || (kind == WG_ADMIN_TEXT && json_is_string(value)) ||
        (kind == WG_ADMIN_BOOLEAN && json_is_boolean(value)) ||
        (kind == WG_ADMIN_NUMBER && wg_json_integer(object, name, &number)))
        return true;
    wg_admin_fail(request, WG_INVALID, "%s: must be %s, or left out", name, words[kind]);
    return false;
}
