// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"
#include "federation/audit.h"
#include "federation/delivery.h"
#include "federation/queue.h"
#include "store/queue.h"
#include "wire/event.h"
#include "wire/name.h"

/* An invite in the name of somebody of the instance: made, signed and sent; when the peer does
 * not answer now, it goes the way of every other event that waits. */

enum { EVENT_LIMIT_BYTES = 128 * 1024 };

struct invite {
    json_t *event;
    struct wg_str room_id, peer, sealed;
    uint8_t event_id[WG_EVENT_KEY];
    struct wg_audit_row audit;
    bool is_queued;
    bool is_inside; /* the peer lives behind this gateway as well */
    char reason[256];
};

static void answer(struct wg_admin_request *request)
{
    struct invite *invite = request->state;
    json_t *json =
        json_pack("{s:s, s:o, s:o}", "status", invite->is_queued ? "queued" : "accepted",
                  "peer", wg_admin_string(invite->peer), "event", invite->event);

    if (invite->is_queued)
        json_object_set_new(json, "reason", wg_admin_string(wg_str(invite->reason)));
    wg_admin_answer(request, invite->is_queued ? 202 : 200, json);
}

static void fail(struct wg_admin_request *request, const struct wg_err *err)
{
    struct invite *invite = request->state;

    json_decref(invite->event);
    wg_admin_fail_err(request, err);
}

static void on_audited(void *owner, const struct wg_err *err)
{
    if (err->code == WG_OK)
        answer(owner);
    else
        fail(owner, err);
}

static void on_queued(void *owner, const struct wg_err *err, const struct wg_accepted *accepted)
{
    struct wg_admin_request *request = owner;
    struct invite *invite = request->state;

    (void)accepted;
    if (err->code != WG_OK) {
        fail(request, err);
        return;
    }
    wg_queue_wake(request->gateway, !invite->is_inside, invite->peer, WG_RELAY_NEW_WORK);
    answer(request);
}

static void prepare_audit(struct wg_admin_request *request, const char *verdict,
                          struct wg_str reason)
{
    struct invite *invite = request->state;

    invite->audit = wg_admin_audit(request, "federation.room.invite");
    invite->audit.peer = invite->peer;
    invite->audit.direction = WG_STR("outbound");
    invite->audit.room_id = invite->room_id;
    invite->audit.event_id = wg_json_string(invite->event, "id");
    invite->audit.verdict = wg_str(verdict);
    invite->audit.reason = reason;
}

static void queue(struct wg_admin_request *request)
{
    struct invite *invite = request->state;
    struct wg_destination destination = {.is_outbound = !invite->is_inside,
                                         .name = invite->peer};
    struct wg_accept accept = {
        .message = {.server = request->instance->server_name,
                    .origin = request->instance->server_name,
                    .sender = request->instance->server_name,
                    .room_id = invite->room_id,
                    .type = WG_STR("swp.room.member"),
                    .extra = wg_str(request->request_id),
                    .body = invite->sealed},
        .destinations = &destination,
        .destination_count = 1,
        .expires_in_ms = wg_queue_expiry_ms(request->gateway, WG_STR("swp.room.member")),
        .audit = &invite->audit,
        .audit_count = 1,
    };

    invite->is_queued = true;
    memcpy(accept.message.event_id, invite->event_id, sizeof invite->event_id);
    wg_store_accept(request->gateway->store, request->worker->loop, &accept, on_queued,
                    request);
}

static void on_sent(void *owner, const struct wg_delivery_outcome *outcome)
{
    struct wg_admin_request *request = owner;
    struct invite *invite = request->state;

    memcpy(invite->reason, outcome->reason, sizeof invite->reason);
    if (outcome->is_permanent) {
        struct wg_audit_row row;

        prepare_audit(request, "refused", wg_str(invite->reason));
        row = invite->audit;
        wg_audit_append(request->gateway, &row, 1);
        json_decref(invite->event);
        wg_admin_refuse(request, 502, wg_code_answer(outcome->code), "'%.*s' %s",
                        WG_STR_F(invite->peer), invite->reason);
        return;
    }
    prepare_audit(request, outcome->is_sent ? "accepted" : "queued",
                  outcome->is_sent ? (struct wg_str){NULL, 0} : wg_str(invite->reason));
    if (!outcome->is_sent)
        queue(request);
    else
        wg_store_audit_append(request->gateway->store, request->worker->loop, &invite->audit, 1,
                              on_audited, request);
}

static void send(struct wg_admin_request *request)
{
    struct invite *invite = request->state;
    struct wg_delivery delivery = {
        .key = {.destination = {.is_outbound = !invite->is_inside, .name = invite->peer},
                .room_id = invite->room_id},
        .message = {.server = request->instance->server_name,
                    .sender = request->instance->server_name,
                    .extra = wg_str(request->request_id),
                    .body = invite->sealed},
    };

    (void)wg_delivery_start(request->worker, &delivery, on_sent, request);
}

static json_t *make_event(struct wg_admin_request *request, struct wg_str sender,
                          struct wg_str participant)
{
    const json_t *given = json_object_get(request->body, "content");
    json_t *content = given ? json_deep_copy(given) : json_object();
    char id[WG_UUID_TEXT];

    wg_uuid_make(wg_clock_wall_ms(request->gateway->clock), id);
    json_object_set_new(content, "membership", json_string("invite"));
    json_object_set_new(content, "participant_id", wg_admin_string(participant));
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:o}", "id", id, "type", "swp.room.member",
                     "room_id", wg_admin_string(wg_admin_capture(request, "room_id")),
                     "sender_id", wg_admin_string(sender), "origin",
                     wg_admin_string(request->instance->server_name), "origin_ts",
                     (json_int_t)wg_clock_wall_s(request->gateway->clock), "content", content);
}

static enum wg_code seal(struct wg_admin_request *request, struct wg_err *err)
{
    struct invite *invite = request->state;
    struct wg_event event;
    struct wg_buf text;
    enum wg_code code;

    if (wg_event_from_json(invite->event, &event, err) != WG_OK)
        return err->code;
    wg_event_id_key(event.uuid, invite->event_id);
    wg_buf_init(&text, EVENT_LIMIT_BYTES);
    code = wg_instance_seal(request->instance, &event, wg_clock_wall_s(request->gateway->clock),
                            err);
    if (code == WG_OK)
        code = wg_jcs_write(event.json, &text, err);
    if (code == WG_OK)
        invite->sealed = wg_arena_copy(request->arena, wg_buf_str(&text));
    wg_buf_done(&text);
    wg_event_done(&event);
    return code;
}

/* @return false after having answered. */
static bool take_participant(struct wg_admin_request *request, const char *member,
                             bool is_foreign, struct wg_str *ret_participant,
                             struct wg_str *ret_server)
{
    struct wg_str local;
    struct wg_err err;
    bool lives_here;

    *ret_participant = wg_json_string(request->body, member);
    if (!ret_participant->at ||
        wg_participant_parse(*ret_participant, &local, ret_server, &err) != WG_OK) {
        wg_admin_fail(request, WG_INVALID, "%s: must be like \"@name:server\"%s%s", member,
                      ret_participant->at ? ": " : "", ret_participant->at ? err.text : "");
        return false;
    }
    lives_here = wg_str_equal(*ret_server, request->instance->server_name);
    if (lives_here != is_foreign)
        return true;
    wg_admin_fail(request, WG_INVALID, "%s: '%.*s' %s '%.*s'", member,
                  WG_STR_F(*ret_participant),
                  is_foreign ? "lives on this very server," : "does not live on",
                  WG_STR_F(request->instance->server_name));
    return false;
}

void wg_admin_invite(struct wg_admin_request *request)
{
    static const char *const names[] = {"participant_id", "sender_id", "content", NULL};
    struct invite *invite = wg_arena_new(request->arena, struct invite);
    struct wg_str participant, sender, server;
    struct wg_err err;

    request->state = invite;
    invite->room_id = wg_admin_capture(request, "room_id");
    if (!wg_admin_members(request, names) ||
        !take_participant(request, "participant_id", true, &participant, &invite->peer) ||
        !take_participant(request, "sender_id", false, &sender, &server))
        return;
    if (json_object_get(request->body, "content") &&
        !json_is_object(json_object_get(request->body, "content"))) {
        wg_admin_fail(request, WG_INVALID, "content: must be an object");
        return;
    }
    invite->peer = wg_arena_copy(request->arena, invite->peer);
    invite->is_inside = wg_gateway_instance(request->gateway, invite->peer) != NULL;
    invite->event = make_event(request, sender, participant);
    if (seal(request, &err) == WG_OK)
        send(request);
    else
        fail(request, &err);
}
