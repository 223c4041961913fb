// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "admin/admin_impl.h"
#include "policy/list.h"

/* The lists that policies have open, and what they say of a name. */

enum { PAGE_MAX = 1000 };

/* A walk that wants the rows behind the first skip, and one more to know whether there are. */
struct walk {
    const struct wg_instance *instance; /* NULL: of all */
    uint64_t skip, seen;
    size_t limit;
    json_t *rows;
    struct wg_str name; /* looked up */
    int64_t now_s;
};

static json_t *kinds_of(const struct wg_list_info *info)
{
    json_t *kinds = json_object();

    for (int i = 0; i < WG_LIST_KIND_COUNT; i++)
        if (info->by_kind[i])
            json_object_set_new(kinds, wg_list_kind_name((enum wg_list_kind)i),
                                json_integer(info->by_kind[i]));
    return kinds;
}

static void add_content(json_t *row, const struct wg_policy_list *list)
{
    struct wg_list_info info;

    wg_list_info(list->list, &info);
    json_object_set_new(row, "kinds", kinds_of(&info));
    json_object_set_new(row, "memory_bytes", json_integer((json_int_t)info.memory_bytes));
    if (info.broken) {
        json_object_set_new(row, "broken", json_integer(info.broken));
        json_object_set_new(row, "first_broken", wg_admin_string(wg_str(info.first_broken)));
    }
}

static json_t *describe(const struct wg_policy_list *list)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "server", list->server_name,
                            "where", list->where, "source", list->is_remote ? "https" : "file",
                            "entries", (json_int_t)list->entries, "lookups",
                            (json_int_t)list->lookups, "hits", (json_int_t)list->hits, "state",
                            !list->list        ? "never_fetched"
                            : list->is_failing ? "failing"
                                               : "current");

    if (list->age_s >= 0)
        json_object_set_new(row, "age_s", json_integer(list->age_s));
    if (list->is_failing)
        json_object_set_new(row, "problem", wg_admin_string(wg_str(list->problem)));
    if (list->list)
        add_content(row, list);
    return row;
}

static bool is_wanted(const struct walk *walk, const struct wg_policy_list *list)
{
    return !walk->instance || wg_str_is(walk->instance->server_name, list->server_name);
}

static void on_list(void *owner, const struct wg_policy_list *list)
{
    struct walk *walk = owner;

    if (!is_wanted(walk, list) || walk->seen++ < walk->skip ||
        json_array_size(walk->rows) > walk->limit)
        return;
    json_array_append_new(walk->rows, describe(list));
}

/* Of one instance when the query names one. @return false after having answered. */
static bool take_instance(struct wg_admin_request *request, struct walk *walk)
{
    struct wg_str name;

    if (!wg_admin_query(request, "server_name", &name))
        return false;
    if (!name.at)
        return true;
    walk->instance = wg_gateway_instance(request->gateway, name);
    if (walk->instance)
        return true;
    wg_admin_fail(request, WG_SERVER_UNKNOWN, "no instance here is called '%.*s'",
                  WG_STR_F(name));
    return false;
}

bool wg_admin_offset(struct wg_admin_request *request, struct wg_str cursor, uint64_t *ret_skip)
{
    *ret_skip = 0;
    if (!cursor.at || wg_str_to_uint(cursor, INT32_MAX, ret_skip))
        return true;
    wg_admin_fail(request, WG_INVALID, "the cursor is none of this list");
    return false;
}

json_t *wg_admin_offset_list(struct wg_admin_request *request, const char *name, json_t *rows,
                             size_t limit, uint64_t skip)
{
    struct wg_str next = {NULL, 0};

    if (json_array_size(rows) > limit) {
        json_array_remove(rows, limit);
        next = wg_str(wg_arena_format(request->arena, "%" PRIu64, skip + limit));
    }
    return wg_admin_list(name, rows, next);
}

void wg_admin_list_list(struct wg_admin_request *request)
{
    struct walk walk = {0};
    struct wg_str cursor;

    if (!wg_admin_page(request, PAGE_MAX, 100, &walk.limit, &cursor) ||
        !wg_admin_offset(request, cursor, &walk.skip) || !take_instance(request, &walk))
        return;
    walk.rows = json_array();
    wg_policy_each_list(request->gateway->policy, on_list, &walk);
    wg_admin_answer(request, 200,
                    wg_admin_offset_list(request, "lists", walk.rows, walk.limit, walk.skip));
}

/* ---- lookup ---- */

static void add_text(json_t *json, const char *member, struct wg_str text)
{
    if (text.at)
        json_object_set_new(json, member, wg_admin_string(text));
}

static void on_list_asked(void *owner, const struct wg_policy_list *list)
{
    struct walk *walk = owner;
    struct wg_list_match match;
    json_t *row;

    if (!is_wanted(walk, list) || !list->list ||
        !wg_list_peek(list->list, walk->name, walk->now_s, &match))
        return;
    row = json_pack("{s:s, s:s, s:o, s:s, s:i, s:I}", "server", list->server_name, "where",
                    list->where, "entry", wg_admin_string(match.text), "kind",
                    wg_list_kind_name(match.kind), "line", (int)match.line, "hits",
                    (json_int_t)match.hits);
    add_text(row, "source", wg_str(match.source));
    add_text(row, "reason", match.reason);
    add_text(row, "severity", match.severity);
    if (match.expires_at_s)
        json_object_set_new(row, "expires_at", json_integer(match.expires_at_s));
    json_array_append_new(walk->rows, row);
}

void wg_admin_list_lookup(struct wg_admin_request *request)
{
    struct walk walk = {.now_s = wg_clock_wall_s(request->gateway->clock)};

    if (!wg_admin_query(request, "name", &walk.name) || !take_instance(request, &walk))
        return;
    if (walk.name.len == 0) {
        wg_admin_fail(request, WG_INVALID,
                      "name is needed: a server name, an address, or @user:server");
        return;
    }
    walk.rows = json_array();
    wg_policy_each_list(request->gateway->policy, on_list_asked, &walk);
    wg_admin_answer(
        request, 200,
        json_pack("{s:o, s:o}", "name", wg_admin_string(walk.name), "matches", walk.rows));
}

/* ---- refresh ---- */

static void on_audited(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    json_t *json = request->state;

    if (err->code == WG_OK) {
        wg_admin_answer(request, 202, json);
    } else {
        json_decref(json);
        wg_admin_fail(request, err->code, "it is done, but the audit does not say so: %s",
                      err->text);
    }
}

void wg_admin_list_refresh(struct wg_admin_request *request)
{
    struct wg_audit_row row = wg_admin_audit(request, "federation.policy.lists_refresh");

    request->state = json_pack("{s:I}", "asked",
                               (json_int_t)wg_policy_refresh_lists(request->gateway->policy));
    wg_store_audit_append(request->gateway->store, request->worker->loop, &row, 1, on_audited,
                          request);
}
