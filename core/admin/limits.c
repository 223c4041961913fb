// SPDX-License-Identifier: Apache-2.0
#include "policy/limits.h"

#include "admin/admin_impl.h"

/* The rate limiters that the policies of an instance have opened. */

enum { PAGE_MAX = 1000 };

struct walk {
    struct wg_str prefix; /* "server_name/" */
    uint64_t skip, seen;
    size_t limit;
    struct wg_str name; /* asked for; absent: all */
    bool is_found;
    json_t *rows;
};

static json_t *describe(const struct wg_limiter_info *info, const char *name)
{
    json_t *busiest = json_array();

    for (size_t i = 0; i < info->busiest_count; i++) {
        const struct wg_limiter_key *key = &info->busiest[i];

        json_array_append_new(busiest, json_pack("{s:o, s:I, s:I, s:f}", "key",
                                                 wg_admin_string(wg_str(key->key)), "asked",
                                                 (json_int_t)key->asked, "refused",
                                                 (json_int_t)key->refused, "left", key->left));
    }
    return json_pack("{s:o, s:f, s:f, s:I, s:I, s:I, s:I, s:o}", "name",
                     wg_admin_string(wg_str(name)), "per_second", info->rate.per_second,
                     "burst", info->rate.burst, "keys", (json_int_t)info->keys, "taken",
                     (json_int_t)info->taken, "refused", (json_int_t)info->refused, "evicted",
                     (json_int_t)info->evicted, "busiest", busiest);
}

static void on_limiter(void *owner, const struct wg_limiter_info *info)
{
    struct walk *walk = owner;
    const char *name = info->name + walk->prefix.len;

    if (!wg_str_starts(wg_str(info->name), walk->prefix))
        return;
    walk->is_found = walk->is_found || wg_str_is(walk->name, name);
    if (!walk->rows || walk->seen++ < walk->skip || json_array_size(walk->rows) > walk->limit)
        return;
    json_array_append_new(walk->rows, describe(info, name));
}

static struct wg_str prefix_of(struct wg_admin_request *request)
{
    return wg_str(
        wg_arena_format(request->arena, "%.*s/", WG_STR_F(request->instance->server_name)));
}

void wg_admin_limit_list(struct wg_admin_request *request)
{
    struct walk walk = {.prefix = prefix_of(request)};
    struct wg_str cursor;

    if (!wg_admin_page(request, PAGE_MAX, 100, &walk.limit, &cursor) ||
        !wg_admin_offset(request, cursor, &walk.skip))
        return;
    walk.rows = json_array();
    wg_policy_each_limiter(request->gateway->policy, on_limiter, &walk);
    wg_admin_answer(request, 200,
                    wg_admin_offset_list(request, "limits", walk.rows, walk.limit, walk.skip));
}

/* ---- forgive ---- */

static void on_audited(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    json_t *json = request->state;

    if (err->code == WG_OK) {
        wg_admin_answer(request, 200, json);
    } else {
        json_decref(json);
        wg_admin_fail(request, err->code, "it is done, but the audit does not say so: %s",
                      err->text);
    }
}

void wg_admin_limit_forgive(struct wg_admin_request *request)
{
    struct walk walk = {.prefix = prefix_of(request),
                        .name = wg_admin_capture(request, "name")};
    struct wg_str key = wg_admin_capture(request, "key");
    struct wg_audit_row row = wg_admin_audit(request, "federation.policy.limit_forgive");
    struct wg_str name;
    bool had_taken;

    wg_policy_each_limiter(request->gateway->policy, on_limiter, &walk);
    if (!walk.is_found) {
        wg_admin_fail(request, WG_NOT_FOUND,
                      "no policy of '%.*s' has opened a limiter called '%.*s'",
                      WG_STR_F(request->instance->server_name), WG_STR_F(walk.name));
        return;
    }
    name = wg_str(wg_arena_format(request->arena, "%.*s%.*s", WG_STR_F(walk.prefix),
                                  WG_STR_F(walk.name)));
    had_taken = wg_policy_forgive(request->gateway->policy, name, key);
    request->state = json_pack("{s:o, s:o, s:b}", "name", wg_admin_string(walk.name), "key",
                               wg_admin_string(key), "forgiven", had_taken);
    row.extra = wg_admin_text(request, json_incref(request->state));
    wg_store_audit_append(request->gateway->store, request->worker->loop, &row, 1, on_audited,
                          request);
}
