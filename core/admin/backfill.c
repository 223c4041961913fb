// SPDX-License-Identifier: Apache-2.0
#include "admin/backfill_impl.h"
#include "wire/name.h"

enum { EVENT_LIMIT_BYTES = 256 * 1024 };

/* ---- the report ---- */

/* What is known to lead to nothing, each with what to do about it. */
static const struct {
    const char *sw_code, *cause, *remedy;
} causes[] = {
    {"SW_FED_PEER_UNKNOWN", "peer_unknown",
     "the peer does not admit this server: its operator has to add it to allowed_peers"},
    {"SW_ROOM_FORBIDDEN", "room_forbidden",
     "the room is not federated on the peer's side: its operator has to set the flag there"},
    {"SW_ROOM_NOT_FOUND", "room_not_found", "the peer has no such room: check the id"},
    {"SW_FED_SIGNATURE_MISMATCH", "signature",
     "the peer does not accept our signature: check both clocks (60 s at most), and that it "
     "has "
     "our present key"},
    {"SW_FED_PROTOCOL_VERSION", "protocol_version", "there is no common protocol version"},
    {"SW_FED_PEER_UNREACHABLE", "unreachable",
     "the peer cannot be reached: its name, certificate and descriptor want a look"},
    {"SW_RATE_LIMIT_EXCEEDED", "rate_limited", "the peer wants us to wait: try again later"},
};

struct finding {
    const char *cause, *remedy;
};

static struct finding of_peers(const struct backfill *backfill)
{
    size_t received = 0, refused = 0;

    for (size_t i = 0; i < backfill->peer_count; i++) {
        const struct backfill_peer *peer = &backfill->peers[i];

        for (size_t k = 0; k < WG_COUNT(causes); k++) {
            if (wg_str_is(peer->sw_code, causes[k].sw_code))
                return (struct finding){causes[k].cause, causes[k].remedy};
        }
        if (peer->error.at)
            return (struct finding){"unusable_answer", "the peer's answer cannot be used"};
        received += peer->received;
        refused += peer->refused;
    }
    if (received == 0)
        return (struct finding){
            "empty", "the peer gave no events: its max_backfill_events_per_request is 0, it "
                     "hides history, or there is none before that event"};
    if (refused)
        return (struct finding){"unverified",
                                "no event could be verified: see the first reason"};
    return (struct finding){"own", "all events are this server's own"};
}

static struct finding find_cause(const struct backfill *backfill)
{
    if (backfill->instance_error.at)
        return (struct finding){"instance_unavailable",
                                "the instance stopped taking events: run this again when it "
                                "is up, what it has is not delivered twice"};
    if (backfill->refused)
        return (struct finding){"instance_refused", "the instance refused the events"};
    if (backfill->duplicate)
        return (struct finding){"duplicates", "the instance has all of them already"};
    return of_peers(backfill);
}

static void add_text(json_t *json, const char *name, struct wg_str text)
{
    if (text.at)
        json_object_set_new(json, name, wg_admin_string(text));
}

static json_t *describe_peers(const struct backfill *backfill)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < backfill->peer_count; i++) {
        const struct backfill_peer *peer = &backfill->peers[i];
        json_t *row =
            json_pack("{s:o, s:I, s:I, s:I}", "peer", wg_admin_string(peer->name), "pages",
                      (json_int_t)peer->pages, "received", (json_int_t)peer->received,
                      "refused", (json_int_t)peer->refused);

        add_text(row, "refused_reason", peer->refused_reason);
        add_text(row, "error", peer->error);
        add_text(row, "code", peer->sw_code.len ? peer->sw_code : (struct wg_str){NULL, 0});
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *describe(const struct backfill *backfill)
{
    json_t *instance =
        json_pack("{s:I, s:I, s:I}", "accepted", (json_int_t)backfill->accepted, "duplicate",
                  (json_int_t)backfill->duplicate, "refused", (json_int_t)backfill->refused);
    json_t *json =
        json_pack("{s:o, s:I, s:o, s:o}", "room_id", wg_admin_string(backfill->room_id),
                  "events", (json_int_t)backfill->accepted, "peers", describe_peers(backfill),
                  "instance", instance);

    add_text(instance, "refused_reason", backfill->refused_reason);
    add_text(instance, "error", backfill->instance_error);
    if (backfill->accepted == 0) {
        struct finding finding = find_cause(backfill);

        json_object_set_new(json, "cause", json_string(finding.cause));
        json_object_set_new(json, "remedy", json_string(finding.remedy));
    }
    return json;
}

static void on_audited(void *owner, const struct wg_err *err)
{
    struct backfill *backfill = owner;
    struct wg_admin_request *request = backfill->request;
    json_t *json = describe(backfill);

    json_decref(backfill->events);
    json_decref(backfill->seen);
    if (err->code == WG_OK) {
        wg_admin_answer(request, 200, json);
    } else {
        json_decref(json);
        wg_admin_fail_err(request, err);
    }
}

static void finish(struct backfill *backfill)
{
    struct wg_admin_request *request = backfill->request;
    struct wg_audit_row row = wg_admin_audit(request, "federation.room.backfill");

    row.room_id = backfill->room_id;
    row.direction = WG_STR("inbound");
    if (backfill->peer_count == 1)
        row.peer = backfill->peers[0].name;
    row.extra = wg_admin_text(request, describe(backfill));
    wg_store_audit_append(request->gateway->store, request->worker->loop, &row, 1, on_audited,
                          backfill);
}

/* ---- to the instance, one after the other ---- */

static void on_delivered(void *owner, const struct wg_http_response *response,
                         const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    struct backfill *backfill = request->state;
    struct wg_str sw_code;

    if (!response || response->status >= 500) {
        backfill->instance_error = response ? wg_admin_refusal(request, response, &sw_code)
                                            : wg_arena_copy(request->arena, wg_str(err->text));
        finish(backfill);
        return;
    }
    if (response->status >= 300) {
        if (backfill->refused++ == 0)
            backfill->refused_reason = wg_admin_refusal(request, response, &sw_code);
    } else {
        json_t *json = NULL;
        struct wg_err ignored;

        if (wg_json_parse(response->body, &json, &ignored) == WG_OK &&
            wg_str_is(wg_json_string(json, "status"), "duplicate"))
            backfill->duplicate++;
        else
            backfill->accepted++;
        json_decref(json);
    }
    wg_loop_post(request->worker->loop, backfill_deliver, backfill);
}

void backfill_deliver(void *owner)
{
    struct backfill *backfill = owner;
    struct wg_admin_request *request = backfill->request;
    struct wg_buf text;
    struct wg_err err;
    const json_t *event;

    /* What it has written itself it need not be told. */
    while ((event = json_array_get(backfill->events, backfill->at)) != NULL &&
           wg_str_equal(wg_json_string(event, "origin"), request->instance->server_name)) {
        backfill->own++;
        backfill->at++;
    }
    if (!event) {
        finish(backfill);
        return;
    }
    backfill->at++;
    wg_buf_init(&text, EVENT_LIMIT_BYTES);
    if (wg_jcs_write(event, &text, &err) == WG_OK)
        wg_admin_ask_instance(request, wg_json_string(event, "origin"),
                              WG_STR("/_scaiwave/federation/v1/send"), wg_buf_str(&text),
                              on_delivered);
    else
        on_delivered(request, NULL, &err);
    wg_buf_done(&text);
}

/* ---- whom to ask ---- */

static void add_peer(struct backfill *backfill, struct wg_str name)
{
    for (size_t i = 0; i < backfill->peer_count; i++) {
        if (wg_str_equal(backfill->peers[i].name, name))
            return;
    }
    if (backfill->peer_count < BACKFILL_PEERS_MAX)
        backfill->peers[backfill->peer_count++].name =
            wg_arena_copy(backfill->request->arena, name);
}

static void add_members(struct backfill *backfill, const json_t *members)
{
    const json_t *member;
    size_t i;

    json_array_foreach(members, i, member)
    {
        struct wg_str local, server, id;
        struct wg_err ignored;

        id = json_is_string(member) ? wg_str(json_string_value(member))
                                    : wg_json_string(member, "participant_id");
        if (id.at && wg_participant_parse(id, &local, &server, &ignored) == WG_OK &&
            !wg_gateway_instance(backfill->request->gateway, server))
            add_peer(backfill, server);
    }
}

static void on_members(void *owner, const struct wg_http_response *response,
                       const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    struct backfill *backfill = request->state;
    struct wg_str reason = err ? wg_str(err->text) : WG_STR("it names no foreign member");
    struct wg_str sw_code;
    struct wg_err ignored;
    json_t *json = NULL;

    if (response && response->status == 200 &&
        wg_json_parse(response->body, &json, &ignored) == WG_OK) {
        add_members(backfill, json_object_get(json, "members"));
        json_decref(json);
    } else if (response) {
        reason = wg_admin_refusal(request, response, &sw_code);
    }
    if (backfill->peer_count) {
        backfill_pull(backfill);
        return;
    }
    json_decref(backfill->events);
    json_decref(backfill->seen);
    wg_admin_fail(request, WG_INVALID,
                  "say which server to ask with {\"peer\": \"NAME\"}: the instance's list of "
                  "the room's members does not tell (%.*s)",
                  WG_STR_F(reason));
}

static bool take_limit(struct wg_admin_request *request, struct backfill *backfill)
{
    const json_t *value = json_object_get(request->body, "limit");
    double limit = json_number_value(value);

    backfill->limit = BACKFILL_EVENTS_MAX;
    if (!value)
        return true;
    if (!json_is_number(value) || !(limit >= 1 && limit <= BACKFILL_EVENTS_MAX) ||
        limit != (double)(size_t)limit) {
        wg_admin_fail(request, WG_INVALID, "limit: must be a whole number from 1 to %d",
                      BACKFILL_EVENTS_MAX);
        return false;
    }
    backfill->limit = (size_t)limit;
    return true;
}

static bool take_peer(struct wg_admin_request *request, struct backfill *backfill)
{
    struct wg_str peer = wg_json_string(request->body, "peer");
    struct wg_err err;

    if (!json_object_get(request->body, "peer"))
        return true;
    if (!peer.at || wg_server_name_check(peer, request->gateway->config->allow_ip_literals,
                                         &err) != WG_OK) {
        wg_admin_fail(request, WG_INVALID, "peer: %s", peer.at ? err.text : "must be a text");
        return false;
    }
    if (wg_str_equal(peer, request->instance->server_name)) {
        wg_admin_fail(request, WG_INVALID, "peer: '%.*s' is this very server", WG_STR_F(peer));
        return false;
    }
    add_peer(backfill, peer);
    return true;
}

static bool take_before(struct wg_admin_request *request, struct backfill *backfill)
{
    struct wg_str uuid;
    struct wg_err err;

    backfill->before = wg_json_string(request->body, "before");
    if (!json_object_get(request->body, "before") ||
        (backfill->before.at && wg_event_id_parse(backfill->before, &uuid, &err) == WG_OK))
        return true;
    wg_admin_fail(request, WG_INVALID, "before: must be the id of an event");
    return false;
}

void wg_admin_backfill(struct wg_admin_request *request)
{
    static const char *const names[] = {"peer", "limit", "before", NULL};
    struct backfill *backfill = wg_arena_new(request->arena, struct backfill);
    struct wg_err err;

    request->state = backfill;
    backfill->request = request;
    backfill->room_id = wg_admin_capture(request, "room_id");
    if (wg_room_id_check(backfill->room_id, &err) != WG_OK) {
        wg_admin_fail_err(request, &err);
        return;
    }
    if (request->body && (!wg_admin_members(request, names) || !take_limit(request, backfill) ||
                          !take_peer(request, backfill) || !take_before(request, backfill)))
        return;
    if (!request->body)
        backfill->limit = BACKFILL_EVENTS_MAX;
    backfill->events = json_array();
    backfill->seen = json_object();
    if (backfill->peer_count) {
        backfill_pull(backfill);
        return;
    }
    wg_admin_ask_instance(
        request, request->instance->server_name,
        wg_str(wg_arena_format(request->arena, "/_scaiwave/federation/v1/rooms/%.*s/members",
                               WG_STR_F(backfill->room_id))),
        (struct wg_str){NULL, 0}, on_members);
}
