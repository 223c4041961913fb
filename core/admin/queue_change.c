// SPDX-License-Identifier: Apache-2.0
#include "admin/queue_impl.h"
#include "wire/name.h"

/* Acts on the queue, a piece at a time: the caller asks again with next_cursor, and sees how
 * far it is. */

static const struct {
    const char *name;
    enum wg_queue_verb verb;
    enum wg_queue_state state; /**< when the filter names none */
} verbs[] = {
    {"retry", WG_QUEUE_RETRY, WG_QUEUE_WAITING},  {"drop", WG_QUEUE_DROP, WG_QUEUE_WAITING},
    {"release", WG_QUEUE_RELEASE, WG_QUEUE_HELD}, {"reject", WG_QUEUE_REJECT, WG_QUEUE_HELD},
    {"requeue", WG_QUEUE_REQUEUE, WG_QUEUE_DEAD},
};

static void on_changed(void *owner, const struct wg_err *err,
                       const struct wg_queue_changed *changed)
{
    struct wg_admin_request *request = owner;
    const struct wg_queue_change *change = request->state;
    json_t *json;

    if (!changed) {
        wg_admin_fail_err(request, err);
        return;
    }
    for (size_t i = 0; i < changed->touched_count && !change->is_dry_run; i++)
        wg_queue_wake(request->gateway, changed->touched[i].is_outbound,
                      changed->touched[i].name, WG_RELAY_CHANGED);
    json = json_pack("{s:I, s:b}", "changed", (json_int_t)changed->changed, "dry_run",
                     change->is_dry_run);
    if (changed->next_cursor.at)
        json_object_set_new(json, "next_cursor", wg_admin_string(changed->next_cursor));
    wg_admin_answer(request, 200, json);
}

/* What is released or requeued may be for an instance: its events then wait in the queue again.
 */
static void mark_instances(struct wg_admin_request *request)
{
    for (size_t i = 0; i < request->gateway->instance_count; i++)
        wg_queue_will_wait(request->gateway, &request->gateway->instances[i]);
}

static bool take_change(struct wg_admin_request *request, struct wg_queue_change *change,
                        enum wg_queue_state state)
{
    static const char *const names[] = {"filter", "dry_run", "reason", "cursor", "limit", NULL};
    json_t *filter = json_object_get(request->body, "filter");
    json_t *given = filter ? json_copy(filter) : json_object();
    int64_t limit = 0;
    bool is_good;

    if (!wg_admin_members(request, names)) {
        json_decref(given);
        return false;
    }
    if (!filter || !json_is_object(given)) {
        json_decref(given);
        wg_admin_fail(request, WG_INVALID,
                      "filter: say which deliveries, {} stands for all of them");
        return false;
    }
    if (!json_object_get(given, "state"))
        json_object_set_new(given, "state", json_string(wg_admin_queue_state(state)));
    is_good = wg_admin_queue_filter(request, given, &change->filter);
    json_decref(given);
    if (!is_good ||
        !wg_admin_member_fits(request, request->body, "dry_run", WG_ADMIN_BOOLEAN) ||
        !wg_admin_member_fits(request, request->body, "reason", WG_ADMIN_TEXT) ||
        !wg_admin_member_fits(request, request->body, "cursor", WG_ADMIN_TEXT) ||
        !wg_admin_member_fits(request, request->body, "limit", WG_ADMIN_NUMBER))
        return false;
    change->is_dry_run = json_is_true(json_object_get(request->body, "dry_run"));
    change->reason = wg_json_string(request->body, "reason");
    change->cursor = wg_json_string(request->body, "cursor");
    if (wg_json_integer(request->body, "limit", &limit) && limit > 0)
        change->limit = (size_t)limit;
    return true;
}

void wg_admin_queue_change(struct wg_admin_request *request)
{
    struct wg_queue_change *change = wg_arena_new(request->arena, struct wg_queue_change);
    struct wg_str name = wg_admin_capture(request, "verb");
    struct wg_audit_row audit;
    size_t i = 0;

    while (i < WG_COUNT(verbs) && !wg_str_is(name, verbs[i].name))
        i++;
    if (i == WG_COUNT(verbs)) {
        wg_admin_fail(
            request, WG_NOT_FOUND,
            "the queue knows no '%.*s': there are retry, drop, release, reject, requeue, "
            "suspend and resume",
            WG_STR_F(name));
        return;
    }
    request->state = change;
    change->verb = verbs[i].verb;
    if (!take_change(request, change, verbs[i].state))
        return;
    audit = wg_admin_audit(
        request, wg_arena_format(request->arena, "federation.queue.%s", verbs[i].name));
    audit.reason = change->reason;
    audit.extra = wg_admin_text(request, json_incref(request->body));
    change->audit = &audit;
    change->audit_count = change->is_dry_run ? 0 : 1;
    if (!change->is_dry_run &&
        (change->verb == WG_QUEUE_RELEASE || change->verb == WG_QUEUE_REQUEUE))
        mark_instances(request);
    wg_store_queue_change(request->gateway->store, request->worker->loop, change, on_changed,
                          request);
}

/* --- suspend and resume --- */

static void on_suspended(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    const struct wg_suspend *suspend = request->state;
    json_t *json;

    if (err->code != WG_OK) {
        wg_admin_fail_err(request, err);
        return;
    }
    wg_queue_wake(request->gateway, suspend->destination.is_outbound, suspend->destination.name,
                  WG_RELAY_CHANGED);
    json = json_object();
    wg_admin_queue_destination(json, &suspend->destination);
    json_object_set_new(json, "room_id", wg_admin_string(suspend->room_id));
    json_object_set_new(json, "suspended", json_boolean(!suspend->is_resume));
    wg_admin_answer(request, 200, json);
}

static bool take_suspend(struct wg_admin_request *request, struct wg_suspend *suspend)
{
    static const char *const names[] = {"destination", "direction", "room_id",
                                        "for_ms",      "reason",    NULL};
    struct wg_str direction = wg_json_string(request->body, "direction");
    struct wg_err err;

    if (!wg_admin_members(request, names) ||
        !wg_admin_member_fits(request, request->body, "destination", WG_ADMIN_TEXT) ||
        !wg_admin_member_fits(request, request->body, "direction", WG_ADMIN_TEXT) ||
        !wg_admin_member_fits(request, request->body, "room_id", WG_ADMIN_TEXT) ||
        !wg_admin_member_fits(request, request->body, "for_ms", WG_ADMIN_NUMBER) ||
        !wg_admin_member_fits(request, request->body, "reason", WG_ADMIN_TEXT))
        return false;
    if (direction.at && !wg_str_is(direction, "outbound") && !wg_str_is(direction, "inbound")) {
        wg_admin_fail(request, WG_INVALID, "direction: must be 'inbound' or 'outbound'");
        return false;
    }
    suspend->destination.name = wg_json_string(request->body, "destination");
    suspend->destination.is_outbound =
        direction.at ? wg_str_is(direction, "outbound")
                     : !wg_gateway_instance(request->gateway, suspend->destination.name);
    suspend->room_id = wg_json_string(request->body, "room_id");
    suspend->reason = wg_json_string(request->body, "reason");
    suspend->actor = wg_str(request->bearer.id);
    (void)wg_json_integer(request->body, "for_ms", &suspend->for_ms);
    if (!suspend->destination.name.at ||
        wg_server_name_check(suspend->destination.name, true, &err) != WG_OK) {
        wg_admin_fail(request, WG_INVALID, "destination: the server name of a peer is needed");
        return false;
    }
    if (!suspend->is_resume && !suspend->reason.len) {
        wg_admin_fail(request, WG_INVALID,
                      "reason: say why, so that whoever finds it suspended at night knows");
        return false;
    }
    if (suspend->for_ms < 0) {
        wg_admin_fail(request, WG_INVALID,
                      "for_ms: a number of milliseconds; 0: until resumed");
        return false;
    }
    return true;
}

static void change_suspension(struct wg_admin_request *request, bool is_resume,
                              const char *action)
{
    struct wg_suspend *suspend = wg_arena_new(request->arena, struct wg_suspend);
    struct wg_audit_row audit;

    request->state = suspend;
    suspend->is_resume = is_resume;
    if (!take_suspend(request, suspend))
        return;
    audit = wg_admin_audit(request, action);
    audit.peer = suspend->destination.name;
    audit.room_id = suspend->room_id;
    audit.reason = suspend->reason;
    suspend->audit = &audit;
    suspend->audit_count = 1;
    wg_store_suspend(request->gateway->store, request->worker->loop, suspend, on_suspended,
                     request);
}

void wg_admin_queue_suspend(struct wg_admin_request *request)
{
    change_suspension(request, false, "federation.queue.suspend");
}

void wg_admin_queue_resume(struct wg_admin_request *request)
{
    change_suspension(request, true, "federation.queue.resume");
}
