// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"
#include "federation/key_keeper.h"

enum { PAGE_MAX = 1000, DAY_S = 24 * 3600 };

struct key_change {
    const char *action;
    struct wg_err err;
};

static const char *state_of(const struct wg_own_keys *keys, const struct wg_own_key *key,
                            int64_t now_s)
{
    if (key == wg_own_keys_signer(keys, now_s))
        return "signs";
    if (key == wg_own_keys_next(keys, now_s))
        return "next";
    return key->until_s > now_s ? "published" : "former";
}

static json_t *describe_key(const struct wg_own_keys *keys, const struct wg_own_key *key,
                            int64_t now_s)
{
    char text[WG_PUBLIC_KEY_TEXT];

    wg_public_key_write(&key->key, text);
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:b}", "kid", key->key.kid, "public_key", text,
                     "state", state_of(keys, key, now_s), "signs_from", (json_int_t)key->from_s,
                     "published_until",
                     key->until_s == INT64_MAX ? json_null() : json_integer(key->until_s),
                     "in_signing_key", wg_public_key_equal(&key->key, &keys->file));
}

/* Newest first. */
static json_t *describe(const struct wg_instance *instance, int64_t now_s)
{
    json_t *rows = json_array();
    const struct wg_own_key *next;
    struct wg_own_keys keys;
    json_t *json;

    wg_identity_keys(instance->identity, &keys);
    for (size_t i = keys.count; i-- > 0;)
        json_array_append_new(rows, describe_key(&keys, &keys.at[i], now_s));
    next = wg_own_keys_next(&keys, now_s);
    json = json_pack(
        "{s:o, s:s, s:I, s:o, s:o}", "server_name", wg_admin_string(instance->server_name),
        "kid", wg_own_keys_signer(&keys, now_s)->key.kid, "age_days",
        (json_int_t)((now_s - wg_own_keys_signer(&keys, now_s)->from_s) / DAY_S), "rotation",
        next ? json_pack("{s:s, s:I}", "next", next->key.kid, "signs_from",
                         (json_int_t)next->from_s)
             : json_null(),
        "keys", rows);
    wg_own_keys_done(&keys);
    return json;
}

void wg_admin_key_list(struct wg_admin_request *request)
{
    const struct wg_gateway *gateway = request->gateway;
    struct wg_str cursor, name, next = {NULL, 0};
    size_t limit, at;
    uint64_t start = 0;
    json_t *rows = NULL;

    if (!wg_admin_page(request, PAGE_MAX, 100, &limit, &cursor) ||
        !wg_admin_query(request, "server_name", &name))
        return;
    if (cursor.at && !wg_str_to_uint(cursor, gateway->instance_count, &start)) {
        wg_admin_fail(request, WG_INVALID, "query: this cursor is not from this list");
        return;
    }
    rows = json_array();
    if (name.at)
        limit = gateway->instance_count;
    for (at = (size_t)start; at < gateway->instance_count && at < start + limit; at++) {
        if (!name.at || &gateway->instances[at] == request->instance)
            json_array_append_new(
                rows, describe(&gateway->instances[at], wg_clock_wall_s(gateway->clock)));
    }
    if (at < gateway->instance_count && !name.at)
        next = wg_str(wg_arena_format(request->arena, "%zu", at));
    wg_admin_answer(request, 200, wg_admin_list("instances", rows, next));
}

static void on_audited(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    const struct key_change *change = request->state;

    if (change->err.code == WG_EXISTS || change->err.code == WG_FULL ||
        change->err.code == WG_NOT_FOUND)
        wg_admin_refuse(request, 409, "SW_CONFLICT", "%s", change->err.text);
    else if (change->err.code != WG_OK)
        wg_admin_fail(request, change->err.code,
                      "nothing was changed: %s: let the user that runs wavegate write there",
                      change->err.text);
    else if (err->code != WG_OK)
        wg_admin_fail(request, err->code, "it is done, but the audit does not say so: %s",
                      err->text);
    else
        wg_admin_answer(request, 200,
                        describe(request->instance, wg_clock_wall_s(request->gateway->clock)));
}

/* An attempt is an act as well. */
static void on_changed(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    struct key_change *change = request->state;
    struct wg_audit_row row = wg_admin_audit(request, change->action);

    change->err.code = err->code;
    if (err->code == WG_OK) {
        row.extra = wg_admin_text(
            request, describe(request->instance, wg_clock_wall_s(request->gateway->clock)));
    } else {
        change->err = *err;
        row.verdict = WG_STR("failed");
        row.reason = wg_str(change->err.text);
    }
    wg_store_audit_append(request->gateway->store, request->worker->loop, &row, 1, on_audited,
                          request);
}

static struct key_change *start(struct wg_admin_request *request, const char *action)
{
    struct key_change *change = wg_arena_new(request->arena, struct key_change);

    change->action = action;
    request->state = change;
    if (request->gateway->key_keeper)
        return change;
    wg_admin_fail(request, WG_UPSTREAM_UNAVAILABLE, "the gateway is stopping");
    return NULL;
}

/* @return false after having answered. */
static bool take_seconds(struct wg_admin_request *request, const char *member, int64_t most,
                         int64_t *seconds)
{
    const json_t *value = json_object_get(request->body, member);

    if (!value)
        return true;
    if (wg_json_integer(request->body, member, seconds) && *seconds >= 0 && *seconds <= most)
        return true;
    wg_admin_fail(request, WG_INVALID, "%s: must be whole seconds from 0 to %lld", member,
                  (long long)most);
    return false;
}

void wg_admin_key_rotate(struct wg_admin_request *request)
{
    static const char *const members[] = {"overlap_s", "keep_s", NULL};
    int64_t overlap_s = WG_KEY_OVERLAP_S, keep_s = wg_key_keep_s(request->gateway->config);

    if (request->body &&
        (!wg_admin_members(request, members) ||
         !take_seconds(request, "overlap_s", WG_KEY_OVERLAP_MAX_S, &overlap_s) ||
         !take_seconds(request, "keep_s", WG_KEY_KEEP_MAX_S, &keep_s)))
        return;
    if (start(request, "federation.key.rotate"))
        wg_key_keeper_rotate(request->gateway->key_keeper, request->instance->index, overlap_s,
                             keep_s, on_changed, request);
}

void wg_admin_key_cancel(struct wg_admin_request *request)
{
    if (start(request, "federation.key.cancel"))
        wg_key_keeper_cancel(request->gateway->key_keeper, request->instance->index, on_changed,
                             request);
}
