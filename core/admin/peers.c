// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "admin/admin_impl.h"
#include "federation/peers.h"
#include "federation/restore.h"
#include "federation/standing.h"
#include "store/document.h"
#include "store/queue.h"
#include "wire/name.h"

enum { PAGE_MAX = 1000, ROWS_AT_ONCE = 100 }; /* each row is gathered from several places */

/* last_error is the documented member, one text; what it is made of stands beside it. */
static json_t *flatten(json_t *peer)
{
    json_t *error = json_object_get(peer, "last_error");

    if (!json_is_object(error))
        return peer;
    json_object_set(peer, "last_error_at", json_object_get(error, "at"));
    json_object_set(peer, "last_error_detail", error);
    json_object_set_new(peer, "last_error",
                        json_sprintf("%s: %s",
                                     json_string_value(json_object_get(error, "code")),
                                     json_is_string(json_object_get(error, "reason"))
                                         ? json_string_value(json_object_get(error, "reason"))
                                         : ""));
    return peer;
}

/* The pin, and whether it still is the key that the peer publishes. */
static void add_pin(json_t *peer, json_t *pin)
{
    json_t *newest = json_array_get(json_object_get(peer, "keys"), 0);
    const char *key = json_string_value(json_object_get(newest, "public_key"));

    if (key)
        json_object_set_new(pin, "is_published",
                            json_boolean(strcmp(key, json_string_value(json_object_get(
                                                         pin, "public_key"))) == 0));
    json_object_set(peer, "pin", pin);
}

/* What operators have set down stands for itself: also of a peer that was never met. */
static json_t *add_notes(json_t *peer, struct wg_str name, json_t *notes)
{
    json_t *labels = json_object_get(notes, "labels");

    if (!peer && notes)
        peer = json_pack("{s:o, s:n, s:n, s:n, s:i, s:i, s:[], s:n}", "server_name",
                         wg_admin_string(name), "first_seen", "last_seen", "last_error",
                         "events_received_24h", 0, "events_sent_24h", 0, "keys", "descriptor");
    if (!peer)
        return NULL;
    json_object_set_new(peer, "labels", labels ? json_incref(labels) : json_object());
    if (json_object_get(notes, "note"))
        json_object_set(peer, "note", json_object_get(notes, "note"));
    if (json_object_get(notes, "pin"))
        add_pin(peer, json_object_get(notes, "pin"));
    json_decref(notes);
    return peer;
}

/* For each instance by itself; the word on top is what all of them say, or "mixed". */
static void add_modes(struct wg_gateway *gateway, json_t *peer, struct wg_str name)
{
    json_t *modes = json_object();
    const char *common = NULL;
    char why[WG_MODE_WHY];

    for (size_t i = 0; i < gateway->instance_count; i++) {
        const struct wg_instance *instance = &gateway->instances[i];
        const char *mode = wg_standing_mode(gateway, instance, name, why);

        json_object_setn_new(
            modes, instance->server_name.at, instance->server_name.len,
            json_pack("{s:s, s:o}", "mode", mode, "why", wg_admin_string(wg_str(why))));
        common = !common || strcmp(common, mode) == 0 ? mode : "mixed";
    }
    json_object_set_new(peer, "mode", json_string(common));
    json_object_set_new(peer, "modes", modes);
}

json_t *wg_admin_peer_describe(struct wg_admin_request *request, struct wg_str name)
{
    json_t *peer = wg_peers_describe(request->gateway->directory, name);

    peer = add_notes(peer ? flatten(peer) : NULL, name,
                     wg_notes_document(request->gateway->notes, name));
    if (peer)
        add_modes(request->gateway, peer, name);
    return peer;
}

/* What waits for it. A suspended one is held up by us, whatever policy says. */
static void add_queue(json_t *peer, const struct wg_destination_state *state)
{
    json_t *queue =
        json_pack("{s:I}", "deliveries", (json_int_t)(state ? state->deliveries : 0));

    json_object_set_new(peer, "queue", queue);
    if (!state)
        return;
    json_object_set_new(queue, "body_bytes", json_integer(state->body_bytes));
    json_object_set_new(queue, "oldest_age_s", json_integer(state->oldest_age_ms / 1000));
    json_object_set_new(queue, "suspended", json_boolean(state->is_suspended));
    if (!state->is_suspended)
        return;
    json_object_set_new(queue, "suspended_reason", wg_admin_string(state->suspended_reason));
    json_object_set_new(peer, "mode", json_string("suspended"));
}

/* ---- a page ---- */

struct peer_page {
    struct wg_str *names;
    size_t count;
    struct wg_str next;
};

static int by_destination(const void *key, const void *element)
{
    const struct wg_str *name = key;
    const struct wg_str *other =
        &((const struct wg_destination_state *)element)->destination.name;
    size_t len = name->len < other->len ? name->len : other->len;
    int order = memcmp(name->at, other->at, len);

    return order ? order : (name->len > other->len) - (name->len < other->len);
}

static int compare_states(const void *a, const void *b)
{
    return by_destination(&((const struct wg_destination_state *)a)->destination.name, b);
}

static void on_queues(void *owner, const struct wg_err *err,
                      const struct wg_destination_page *page)
{
    struct wg_admin_request *request = owner;
    const struct peer_page *peers = request->state;
    struct wg_destination_state *states;
    json_t *rows;

    if (!page) {
        wg_admin_fail_err(request, err);
        return;
    }
    states = wg_arena_alloc(request->arena, (page->count + 1) * sizeof *states);
    if (page->count) {
        memcpy(states, page->states, page->count * sizeof *states);
        qsort(states, page->count, sizeof *states, compare_states);
    }
    rows = json_array();
    for (size_t i = 0; i < peers->count; i++) {
        json_t *row = wg_admin_peer_describe(request, peers->names[i]);

        if (!row)
            continue; /* it was forgotten in the meantime */
        add_queue(row, bsearch(&peers->names[i], states, page->count, sizeof *states,
                               by_destination));
        json_array_append_new(rows, row);
    }
    wg_admin_answer(request, 200, wg_admin_list("peers", rows, peers->next));
}

void wg_admin_peer_list(struct wg_admin_request *request)
{
    struct peer_page *page = wg_arena_new(request->arena, struct peer_page);
    struct wg_str cursor;
    size_t limit;

    if (!wg_admin_page(request, PAGE_MAX, 100, &limit, &cursor))
        return;
    limit = limit < ROWS_AT_ONCE ? limit : ROWS_AT_ONCE;
    page->names = wg_arena_alloc(request->arena, (limit + 1) * sizeof *page->names);
    page->count = wg_peers_list(request->gateway->directory, cursor, request->arena,
                                page->names, limit + 1);
    if (page->count > limit) {
        page->count = limit;
        page->next = page->names[limit - 1];
    }
    request->state = page;
    if (page->count)
        wg_store_destinations_between(request->gateway->store, request->worker->loop,
                                      page->names[0], page->names[page->count - 1], on_queues,
                                      request);
    else
        wg_admin_answer(request, 200, wg_admin_list("peers", json_array(), page->next));
}

/* ---- one ---- */

bool wg_admin_peer_name(struct wg_admin_request *request, struct wg_str *ret_name)
{
    struct wg_err err;

    *ret_name = wg_admin_capture(request, "name");
    if (wg_server_name_check(*ret_name, true, &err) == WG_OK)
        return true;
    wg_admin_fail_err(request, &err);
    return false;
}

static void no_such_peer(struct wg_admin_request *request, struct wg_str name)
{
    wg_admin_fail(request, WG_NOT_FOUND,
                  "'%.*s' is not known here: nothing has come from it and nothing went to it",
                  WG_STR_F(name));
}

static void on_queue(void *owner, const struct wg_err *err,
                     const struct wg_destination_page *page)
{
    struct wg_admin_request *request = owner;
    struct wg_str name = wg_admin_capture(request, "name");
    json_t *peer;

    if (!page) {
        wg_admin_fail_err(request, err);
        return;
    }
    peer = wg_admin_peer_describe(request, name);
    if (!peer) {
        no_such_peer(request, name);
        return;
    }
    add_queue(peer, page->count ? &page->states[0] : NULL);
    wg_admin_answer(request, 200, peer);
}

static void answer_peer(struct wg_admin_request *request, struct wg_str name)
{
    wg_store_destinations_between(request->gateway->store, request->worker->loop, name, name,
                                  on_queue, request);
}

void wg_admin_peer_get(struct wg_admin_request *request)
{
    struct wg_str name;

    if (wg_admin_peer_name(request, &name))
        answer_peer(request, name);
}

/* ---- refresh: its descriptor, whatever was tried lately ---- */

static void on_refresh_audited(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;

    if (err->code != WG_OK)
        wg_admin_fail_err(request, err);
    else
        answer_peer(request, wg_admin_capture(request, "name"));
}

static void on_known(void *owner)
{
    struct wg_admin_request *request = owner;
    struct wg_str name = wg_admin_capture(request, "name");
    struct wg_lookup_how how = {.loop = request->worker->loop,
                                .client = request->worker->client,
                                .is_forced = request->state == NULL,
                                .on_known = on_known,
                                .owner = request};
    struct wg_audit_row row = wg_admin_audit(request, "federation.peer.refresh");
    const struct wg_peer *peer = NULL;
    int64_t retry_s;
    struct wg_err err;

    request->state = request; /* forced once */
    if (!how.client) {
        wg_admin_fail(request, WG_PEER_UNREACHABLE, "the gateway is stopping");
        return;
    }
    switch (
        wg_directory_lookup(request->gateway->directory, name, &how, &peer, &retry_s, &err)) {
    case WG_LOOKUP_WAIT:
        return;
    case WG_LOOKUP_FAILED:
        wg_admin_fail_err(request, &err);
        return;
    case WG_LOOKUP_FOUND:
        wg_peer_unref(peer);
        row.peer = name;
        wg_store_audit_append(request->gateway->store, request->worker->loop, &row, 1,
                              on_refresh_audited, request);
        return;
    }
}

void wg_admin_peer_refresh(struct wg_admin_request *request)
{
    struct wg_str name;

    if (wg_admin_peer_name(request, &name))
        on_known(request);
}

/* ---- forget ---- */

static void on_forgotten(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;

    if (err->code == WG_OK || err->code == WG_NOT_FOUND)
        wg_admin_answer(request, 200,
                        json_pack("{s:o}", "forgotten",
                                  wg_admin_string(wg_admin_capture(request, "name"))));
    else
        wg_admin_fail_err(request, err);
}

void wg_admin_peer_forget(struct wg_admin_request *request)
{
    struct wg_audit_row row = wg_admin_audit(request, "federation.peer.forget");
    struct wg_document_put put = {
        .namespace = WG_STR(WG_STORED_PEERS),
        .expected_version = WG_DOCUMENT_ANY,
        .audit = &row,
        .audit_count = 1,
    };

    if (!wg_admin_peer_name(request, &put.key))
        return;
    row.peer = put.key;
    if (wg_peers_forget(request->gateway->directory, put.key))
        wg_store_document_delete(request->gateway->store, request->worker->loop, &put,
                                 on_forgotten, request);
    else
        no_such_peer(request, put.key);
}

/* ---- a participant of another server ---- */

static void on_profile_audited(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    json_t *json = request->state;

    if (err->code == WG_OK) {
        wg_admin_answer(request, 200, json);
    } else {
        json_decref(json);
        wg_admin_fail_err(request, err);
    }
}

static void answer_profile(struct wg_admin_request *request, json_t *profile)
{
    struct wg_admin_read *read = request->state;
    struct wg_audit_row row = wg_admin_audit(request, "federation.foreign.refresh");
    struct wg_str participant = wg_admin_capture(request, "participant_id");

    row.peer = read->peer;
    row.extra =
        wg_admin_text(request, json_pack("{s:o}", "participant", wg_admin_string(participant)));
    request->state =
        json_pack("{s:o, s:o, s:o}", "participant_id", wg_admin_string(participant), "peer",
                  wg_admin_string(read->peer), "profile", profile);
    wg_store_audit_append(request->gateway->store, request->worker->loop, &row, 1,
                          on_profile_audited, request);
}

static void on_profile(struct wg_admin_request *request,
                       const struct wg_http_response *response, const struct wg_err *err)
{
    struct wg_admin_read *read = request->state;
    struct wg_str sw_code;
    struct wg_err parse_err;
    json_t *profile;

    if (!response) {
        wg_admin_fail_err(request, err);
    } else if (response->status != 200) {
        wg_admin_refuse(request, 502, wg_code_answer(WG_PEER_UNREACHABLE), "'%.*s' %.*s",
                        WG_STR_F(read->peer),
                        WG_STR_F(wg_admin_refusal(request, response, &sw_code)));
    } else if (wg_json_parse(response->body, &profile, &parse_err) != WG_OK) {
        wg_admin_refuse(request, 502, wg_code_answer(WG_PEER_UNREACHABLE),
                        "'%.*s' gave a profile that cannot be read: %s", WG_STR_F(read->peer),
                        parse_err.text);
    } else {
        answer_profile(request, profile);
    }
}

void wg_admin_foreign_refresh(struct wg_admin_request *request)
{
    struct wg_str participant = wg_admin_capture(request, "participant_id");
    struct wg_admin_read *read = wg_arena_new(request->arena, struct wg_admin_read);
    struct wg_str local, server;
    struct wg_err err;

    if (wg_participant_parse(participant, &local, &server, &err) != WG_OK ||
        wg_server_name_check(server, request->gateway->config->allow_ip_literals, &err) !=
            WG_OK) {
        wg_admin_fail(request, WG_INVALID, "participant: %s", err.text);
        return;
    }
    if (wg_gateway_instance(request->gateway, server)) {
        wg_admin_fail(request, WG_INVALID, "'%.*s' is not foreign: its server lives here",
                      WG_STR_F(participant));
        return;
    }
    read->peer = server;
    read->endpoint = WG_ENDPOINT_PROFILE;
    read->value = local;
    read->is_forced = true;
    read->on_answer = on_profile;
    wg_admin_peer_read(request, read);
}
