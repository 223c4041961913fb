// SPDX-License-Identifier: Apache-2.0
#include "federation/delivery.h"

#include <inttypes.h>
#include <stdio.h>

#include "federation/upstream.h"
#include "wire/event.h"
#include "wire/json.h"
#include "wire/name.h"
#include "wire/signature.h"

enum {
    OUTBOUND_TIMEOUT_MS = 30 * 1000,
    ANSWER_LIMIT_BYTES = 64 * 1024,
    RETRY_AFTER_MAX_S = 24 * 3600,
    KIDS_READ = 8,
};

struct wg_delivery_attempt {
    struct wg_worker *worker;
    struct wg_arena arena;
    struct wg_destination destination;
    struct {
        struct wg_str server, sender, extra, body;
    } message;
    const struct wg_instance *instance; /**< that sends, or receives */
    const struct wg_peer *peer;
    int64_t started_ms;
    struct wg_delivery_outcome outcome;
    void (*on_ended)(void *owner, const struct wg_delivery_outcome *outcome);
    void *owner;
};

static void locate(void *owner);

static void end(struct wg_delivery_attempt *attempt)
{
    attempt->outcome.took_ms =
        wg_clock_mono_ms(attempt->worker->gateway->clock) - attempt->started_ms;
    attempt->on_ended(attempt->owner, &attempt->outcome);
    wg_peer_unref(attempt->peer);
    wg_arena_done(&attempt->arena);
    wg_free(attempt);
}

static void end_failed(struct wg_delivery_attempt *attempt, const struct wg_err *err)
{
    attempt->outcome.code = err->code;
    snprintf(attempt->outcome.reason, sizeof attempt->outcome.reason, "%s", err->text);
    end(attempt);
}

static bool is_permanent(int status)
{
    return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

/* "SW_ROOM_FORBIDDEN: the room is not federated", or the status alone. */
static void read_refusal(struct wg_delivery_attempt *attempt,
                         const struct wg_http_response *response)
{
    struct wg_delivery_outcome *outcome = &attempt->outcome;
    struct wg_err ignored;
    json_t *json = NULL;
    json_t *error = NULL;

    if (wg_json_parse(response->body, &json, &ignored) == WG_OK)
        error = json_object_get(json, "error");
    if (wg_json_string(error, "code").at) {
        snprintf(outcome->reason, sizeof outcome->reason, "answered %d %.*s: %.*s",
                 response->status, WG_STR_F(wg_json_string(error, "code")),
                 WG_STR_F(wg_json_string(error, "message")));
        if (!wg_code_from_answer(json_string_value(json_object_get(error, "code")),
                                 &outcome->code))
            outcome->code = WG_BAD_ANSWER;
    } else {
        snprintf(outcome->reason, sizeof outcome->reason, "answered %d", response->status);
        outcome->code = WG_BAD_ANSWER;
    }
    json_decref(json);
}

static void read_retry_after(struct wg_delivery_attempt *attempt,
                             const struct wg_http_response *response)
{
    struct wg_str field = wg_headers_get(&response->headers, "retry-after");
    uint64_t seconds;

    if (field.at && wg_str_to_uint(field, UINT32_MAX, &seconds))
        attempt->outcome.retry_after_s =
            seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (int64_t)seconds;
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct wg_delivery_attempt *attempt = owner;

    if (!response) {
        end_failed(attempt, err);
        return;
    }
    attempt->outcome.status = response->status;
    if (response->status >= 200 && response->status < 300) {
        attempt->outcome.is_sent = true;
    } else {
        attempt->outcome.is_permanent = is_permanent(response->status);
        read_refusal(attempt, response);
        read_retry_after(attempt, response);
    }
    end(attempt);
}

/* A fresh POST of the event, signed by the server it comes from. */
static enum wg_code make_send(struct wg_delivery_attempt *attempt,
                              const struct wg_instance *from, struct wg_str to,
                              struct wg_str path, struct wg_message *ret_message,
                              struct wg_err *err)
{
    struct wg_message message = {.method = WG_STR("POST"),
                                 .scheme = WG_STR("https"),
                                 .authority = to,
                                 .body = attempt->message.body};
    struct wg_sign_options options = {
        .created_s = wg_clock_wall_s(attempt->worker->gateway->clock),
    };

    if (wg_message_set_target(&message, path, err) != WG_OK)
        return wg_while(err, "the peer's endpoint");
    wg_headers_add(&message.headers, &attempt->arena, WG_STR("host"), to);
    wg_headers_add(&message.headers, &attempt->arena, WG_STR("content-type"),
                   WG_STR("application/json"));
    wg_headers_add(&message.headers, &attempt->arena, WG_STR("user-agent"),
                   WG_STR("wavegate/" WAVEGATE_VERSION));
    if (wg_instance_sign(from, &message, &options, &attempt->arena, err) != WG_OK)
        return err->code;
    *ret_message = message;
    return WG_OK;
}

static void send_outbound(struct wg_delivery_attempt *attempt)
{
    struct wg_message message;
    struct wg_http_request request = {.origin.is_tls = true};
    struct wg_err err;

    if (!attempt->peer->descriptor.speaks_v1) {
        wg_fail(&err, WG_PROTOCOL_VERSION,
                "the peer speaks %.*s, this server " WG_SPOKEN_VERSION,
                WG_STR_F(attempt->peer->descriptor.versions));
        end_failed(attempt, &err);
        return;
    }
    if (make_send(attempt, attempt->instance, attempt->destination.name,
                  attempt->peer->descriptor.send, &message, &err) != WG_OK) {
        end_failed(attempt, &err);
        return;
    }
    request.method = message.method;
    request.target = message.target;
    request.headers = message.headers.at;
    request.header_count = message.headers.count;
    request.body = message.body;
    request.answer_limit_bytes = ANSWER_LIMIT_BYTES;
    request.timeout_ms = OUTBOUND_TIMEOUT_MS;
    request.purpose = WG_PURPOSE_DELIVERY;
    wg_server_name_split(attempt->destination.name, 443, &request.origin.host,
                         &request.origin.port);
    (void)wg_http_fetch(attempt->worker->client, &request, on_answer, attempt);
}

static void note_request(struct wg_delivery_attempt *attempt, struct wg_str request_id)
{
    snprintf(attempt->outcome.request_id, sizeof attempt->outcome.request_id, "%.*s",
             WG_STR_F(request_id));
}

/* What the instance would have got from outside: the stored request of the peer, or, from
 * another instance of this gateway, one that is made here. */
static enum wg_code make_upstream(struct wg_delivery_attempt *attempt,
                                  struct wg_upstream *ret_upstream, struct wg_err *err)
{
    const struct wg_instance *from =
        wg_gateway_instance(attempt->worker->gateway, attempt->message.sender);
    struct wg_upstream upstream = {0};

    if (from) {
        if (make_send(attempt, from, attempt->destination.name,
                      WG_STR("/_scaiwave/federation/" WG_SPOKEN_VERSION "/send"),
                      &upstream.message, err) != WG_OK)
            return err->code;
        upstream.request_id = attempt->message.extra;
        upstream.remote_address = WG_STR("127.0.0.1");
    } else if (wg_upstream_unpack(attempt->message.extra, &attempt->arena, &upstream, err) !=
               WG_OK) {
        return err->code;
    }
    note_request(attempt, upstream.request_id);
    upstream.instance = attempt->instance;
    upstream.peer_name = attempt->message.sender;
    upstream.message.body = attempt->message.body;
    *ret_upstream = upstream;
    return WG_OK;
}

enum verdict { STANDS, FALLS, WAITS };

/* What lay in quarantine is not trusted for having been good once: a key may have been found to
 * be stolen in the meantime, or the file tampered with. */
static enum verdict verify_again(struct wg_delivery_attempt *attempt, struct wg_err *err)
{
    struct wg_str kids[KIDS_READ];
    struct wg_event event;
    enum verdict verdict = FALLS;
    size_t count;

    if (wg_event_parse(attempt->message.body, &event, err) != WG_OK)
        return FALLS;
    count = wg_event_signature_kids(&event, kids, KIDS_READ);
    wg_fail(err, WG_BAD_SIGNATURE, "the event has no signature of '%.*s' by a key it has shown",
            WG_STR_F(event.origin));
    for (size_t i = 0; i < count && i < KIDS_READ && verdict == FALLS; i++) {
        struct wg_public_key key;

        if (!wg_gateway_key_ever(attempt->worker->gateway, event.origin, kids[i], &key))
            verdict = attempt->peer ? FALLS : WAITS; /* asked once already? */
        else if (wg_event_verify(&event, &key, err) == WG_OK)
            verdict = STANDS;
    }
    wg_event_done(&event);
    return verdict;
}

static void refuse_for_good(struct wg_delivery_attempt *attempt, const struct wg_err *err)
{
    attempt->outcome.is_permanent = true; /* it will not read better the next time */
    end_failed(attempt, err);
}

static void look_up_sender(struct wg_delivery_attempt *attempt)
{
    struct wg_lookup_how how = {.loop = attempt->worker->loop,
                                .client = attempt->worker->client,
                                .on_known = locate,
                                .owner = attempt};
    struct wg_err err;

    switch (wg_directory_lookup(attempt->worker->gateway->directory, attempt->message.sender,
                                &how, &attempt->peer, &attempt->outcome.retry_after_s, &err)) {
    case WG_LOOKUP_WAIT:
        return;
    case WG_LOOKUP_FAILED:
        wg_while(&err, "verifying a released event again");
        end_failed(attempt, &err);
        return;
    case WG_LOOKUP_FOUND:
        locate(attempt);
        return;
    }
}

static void send_inbound(struct wg_delivery_attempt *attempt)
{
    struct wg_upstream upstream;
    struct wg_http_request request;
    struct wg_err err;

    if (make_upstream(attempt, &upstream, &err) != WG_OK) {
        refuse_for_good(attempt, &err);
        return;
    }
    if (upstream.is_held) {
        enum verdict verdict = verify_again(attempt, &err);

        if (verdict == WAITS) {
            look_up_sender(attempt);
            return;
        }
        if (verdict == FALLS) {
            refuse_for_good(attempt, &err);
            return;
        }
    }
    if (wg_upstream_request(&upstream, wg_clock_wall_s(attempt->worker->gateway->clock),
                            &attempt->arena, &request, &err) != WG_OK) {
        refuse_for_good(attempt, &err);
        return;
    }
    (void)wg_http_fetch(attempt->worker->client, &request, on_answer, attempt);
}

static void locate(void *owner)
{
    struct wg_delivery_attempt *attempt = owner;
    struct wg_lookup_how how = {.loop = attempt->worker->loop,
                                .client = attempt->worker->client,
                                .on_known = locate,
                                .owner = attempt};
    struct wg_err err;

    if (!how.client) {
        wg_fail(&err, WG_CANCELLED, "the gateway is stopping");
        end_failed(attempt, &err);
    } else if (!attempt->instance) {
        wg_fail(&err, WG_SERVER_UNKNOWN, "'%.*s' is no instance of this gateway any more",
                WG_STR_F(attempt->destination.is_outbound ? attempt->message.server
                                                          : attempt->destination.name));
        end_failed(attempt, &err);
    } else if (!attempt->destination.is_outbound) {
        send_inbound(attempt);
    } else {
        switch (wg_directory_lookup(attempt->worker->gateway->directory,
                                    attempt->destination.name, &how, &attempt->peer,
                                    &attempt->outcome.retry_after_s, &err)) {
        case WG_LOOKUP_WAIT:
            return;
        case WG_LOOKUP_FAILED:
            end_failed(attempt, &err);
            return;
        case WG_LOOKUP_FOUND:
            send_outbound(attempt);
            return;
        }
    }
}

struct wg_delivery_attempt *
wg_delivery_start(struct wg_worker *worker, const struct wg_delivery *delivery,
                  void (*on_ended)(void *owner, const struct wg_delivery_outcome *outcome),
                  void *owner)
{
    struct wg_delivery_attempt *attempt = wg_new(struct wg_delivery_attempt);
    const struct wg_destination *destination = &delivery->key.destination;

    wg_arena_init(&attempt->arena);
    attempt->worker = worker;
    attempt->on_ended = on_ended;
    attempt->owner = owner;
    attempt->started_ms = wg_clock_mono_ms(worker->gateway->clock);
    attempt->destination.is_outbound = destination->is_outbound;
    attempt->destination.name = wg_arena_copy(&attempt->arena, destination->name);
    attempt->message.server = wg_arena_copy(&attempt->arena, delivery->message.server);
    attempt->message.sender = wg_arena_copy(&attempt->arena, delivery->message.sender);
    attempt->message.extra = wg_arena_copy(&attempt->arena, delivery->message.extra);
    attempt->message.body = wg_arena_copy(&attempt->arena, delivery->message.body);
    attempt->instance = wg_gateway_instance(worker->gateway, destination->is_outbound
                                                                 ? attempt->message.server
                                                                 : attempt->destination.name);
    if (destination->is_outbound)
        note_request(attempt, attempt->message.extra);
    wg_loop_post(worker->loop, locate, attempt);
    return attempt;
}
