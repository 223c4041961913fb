// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>

#include "admin/admin_impl.h"
#include "wire/name.h"

static void add_text(json_t *json, const char *name, struct wg_str text)
{
    if (text.len)
        json_object_set_new(json, name, wg_admin_string(text));
}

static void add_number(json_t *json, const char *name, int64_t value, int64_t absent)
{
    if (value != absent)
        json_object_set_new(json, name, json_integer(value));
}

json_t *wg_admin_audit_json(const struct wg_audit_row *row)
{
    json_t *json = json_object();
    json_t *extra = wg_admin_stored(row->extra);

    add_number(json, "number", row->number, 0);
    json_object_set_new(json, "at", wg_admin_time(row->at_ms));
    add_number(json, "at_ms", row->at_ms, -1);
    add_text(json, "action", row->action);
    add_text(json, "server", row->server);
    add_text(json, "peer", row->peer);
    add_text(json, "direction", row->direction);
    add_text(json, "room_id", row->room_id);
    add_text(json, "event_id", row->event_id);
    add_text(json, "verdict", row->verdict);
    add_text(json, "code", row->code);
    add_text(json, "reason", row->reason);
    add_text(json, "policy", row->policy);
    add_number(json, "generation", row->generation, 0);
    add_number(json, "latency_us", row->latency_us, -1);
    add_text(json, "request_id", row->request_id);
    add_text(json, "actor", row->actor);
    if (extra)
        json_object_set_new(json, "extra", extra);
    return json;
}

static void on_page(void *owner, const struct wg_err *err, const struct wg_audit_page *page)
{
    struct wg_admin_request *request = owner;
    json_t *rows;
    json_t *json;

    if (!page) {
        wg_admin_fail_err(request, err);
        return;
    }
    rows = json_array();
    for (size_t i = 0; i < page->count; i++)
        json_array_append_new(rows, wg_admin_audit_json(&page->rows[i]));
    json = wg_admin_list("rows", rows, page->next_cursor);
    json_object_set_new(json, "end", json_boolean(page->is_end));
    wg_admin_answer(request, 200, json);
}

/* @return false after having answered. */
static bool take_time(struct wg_admin_request *request, const char *name, int64_t *ret_ms)
{
    struct wg_str text;
    uint64_t value;

    if (!wg_admin_query(request, name, &text))
        return false;
    if (!text.at)
        return true;
    if (wg_str_to_uint(text, INT64_MAX, &value)) {
        *ret_ms = (int64_t)value;
        return true;
    }
    wg_admin_fail(request, WG_INVALID, "query: %s is a time in Unix milliseconds", name);
    return false;
}

static bool take_order(struct wg_admin_request *request, bool *ret_is_oldest_first)
{
    struct wg_str order;

    if (!wg_admin_query(request, "order", &order))
        return false;
    *ret_is_oldest_first = wg_str_is(order, "oldest");
    if (!order.at || *ret_is_oldest_first || wg_str_is(order, "newest"))
        return true;
    wg_admin_fail(request, WG_INVALID, "query: order is 'newest' or 'oldest'");
    return false;
}

/* Rows have event ids bare and in lower case. */
static struct wg_str bare_id(struct wg_admin_request *request, struct wg_str id)
{
    struct wg_err ignored;
    struct wg_str uuid, copy;

    if (!id.at || wg_event_id_parse(id, &uuid, &ignored) != WG_OK)
        return id;
    copy = wg_arena_copy(request->arena, uuid);
    for (size_t i = 0; i < copy.len; i++)
        ((char *)(uintptr_t)copy.at)[i] = (char)tolower((unsigned char)copy.at[i]);
    return copy;
}

void wg_admin_audit_search(struct wg_admin_request *request)
{
    struct wg_audit_search search = {0};
    const struct {
        const char *name;
        struct wg_str *to;
    } filters[] = {
        {"action", &search.action},
        {"server", &search.server},
        {"peer", &search.peer},
        {"direction", &search.direction},
        {"room_id", &search.room_id},
        {"event_id", &search.event_id},
        {"verdict", &search.verdict},
        {"code", &search.code},
        {"request_id", &search.request_id},
        {"actor", &search.actor},
    };

    for (size_t i = 0; i < WG_COUNT(filters); i++) {
        if (!wg_admin_query(request, filters[i].name, filters[i].to))
            return;
    }
    search.event_id = bare_id(request, search.event_id);
    if (!take_time(request, "since_ms", &search.since_ms) ||
        !take_time(request, "until_ms", &search.until_ms) ||
        !take_order(request, &search.is_oldest_first) ||
        !wg_admin_page(request, WG_AUDIT_PAGE_MAX, 100, &search.limit, &search.cursor))
        return;
    wg_store_audit_search(request->gateway->store, request->worker->loop, &search, on_page,
                          request);
}

static void on_checked(void *owner, const struct wg_err *err,
                       const struct wg_audit_check *check)
{
    struct wg_admin_request *request = owner;
    json_t *json;

    if (!check) {
        wg_admin_fail_err(request, err);
        return;
    }
    json = json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "rows", (json_int_t)check->rows,
                     "checkpoints", (json_int_t)check->checkpoints, "first",
                     (json_int_t)check->first, "last", (json_int_t)check->last, "end",
                     check->is_end, "broken", check->is_broken);
    if (check->is_broken) {
        add_number(json, "broken_number", check->broken_number, 0);
        add_text(json, "finding", check->finding);
    }
    add_text(json, "next_cursor", check->next_cursor);
    wg_admin_answer(request, 200, json);
}

/* One piece of the walk: the caller asks again with next_cursor until "end". */
void wg_admin_audit_verify(struct wg_admin_request *request)
{
    struct wg_str cursor;

    if (!wg_admin_query(request, "cursor", &cursor))
        return;
    wg_store_audit_verify(request->gateway->store, request->worker->loop, cursor, on_checked,
                          request);
}
