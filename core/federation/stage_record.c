// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "base/log.h"
#include "base/metric.h"
#include "federation/answer.h"
#include "federation/audit.h"
#include "federation/exchange.h"
#include "federation/peers.h"
#include "federation/presence.h"
#include "federation/standing.h"
#include "wire/json.h"
#include "wire/name.h"

enum { TOLD_BODY_LIMIT_BYTES = 16 * 1024 };

/* The names operators search for (docs/log.md). */
const char *wg_exchange_log_name(const struct wg_exchange *x, enum wg_exchange_outcome outcome)
{
    bool is_send = x->has_endpoint &&
                   (x->endpoint == WG_ENDPOINT_SEND || x->endpoint == WG_ENDPOINT_RELAY);

    if (outcome != WG_EXCHANGE_REFUSED)
        return is_send ? "federation.send.success" : "federation.read.success";
    if (x->is_delivered)
        return is_send ? "federation.send.failed" : "federation.read.failed";
    if (!x->is_refused)
        return "federation.request_refused";
    switch (x->err.code) {
    case WG_BAD_SIGNATURE:
        return "federation.signature_verify_failed";
    case WG_PEER_UNREACHABLE:
        return "federation.peer_discovery_failed";
    default:
        return x->decision.verdict != WG_VERDICT_NONE && x->decision.verdict != WG_VERDICT_ALLOW
                   ? "federation.policy_rejected"
                   : "federation.request_refused";
    }
}

static const char *outcome_name(const struct wg_exchange *x)
{
    static const char *const names[] = {"refused", "accepted", "duplicate", "queued", "passed"};

    return names[x->outcome];
}

static void log_outcome(struct wg_exchange *x)
{
    const struct wg_decision *decision = &x->decision;
    bool is_policy = x->is_refused && decision->verdict != WG_VERDICT_NONE &&
                     decision->verdict != WG_VERDICT_ALLOW;
    struct wg_str none = {NULL, 0};
    struct wg_str reason = x->delivery_failure.at ? x->delivery_failure
                           : x->is_refused        ? wg_str(x->err.text)
                                                  : none;
    int64_t ms = wg_clock_mono_ms(x->worker->gateway->clock) - x->started_ms;

    wg_log(x->outcome == WG_EXCHANGE_REFUSED ? WG_LOG_WARN : WG_LOG_INFO,
           wg_exchange_log_name(x, x->outcome), outcome_name(x),
           WG_F_TEXT("request_id", x->request_id),
           WG_F_STR("server", x->instance ? x->instance->server_name : none),
           WG_F_STR("peer", x->peer_name), WG_F_TEXT("remote", x->remote_address),
           WG_F_TEXT("endpoint", x->has_endpoint ? wg_endpoint_name(x->endpoint) : NULL),
           WG_F_STR("room", x->room_id),
           WG_F_STR("event_id", x->has_event ? x->event.id : x->told_id),
           WG_F_STR("type", x->event.type),
           WG_F_STR("stage", x->outcome == WG_EXCHANGE_REFUSED ? x->refusing_stage : none),
           WG_F_INT("status", x->status),
           WG_F_TEXT("code", x->is_refused ? wg_code_answer(x->err.code) : NULL),
           WG_F_STR("reason", reason), WG_F_STR("policy", is_policy ? decision->policy : none),
           WG_F_STR("policy_file", is_policy ? decision->file : none),
           {is_policy && decision->file.at ? "policy_line" : "policy_generation",
            WG_FIELD_INT,
            {"", 0},
            is_policy && decision->file.at ? decision->line
            : x->generation                ? (int64_t)wg_policy_number(x->generation)
                                           : 0,
            0},
           WG_F_STR("policy_failure", is_policy ? decision->failure_text : none),
           WG_F_INT("ms", ms));
}

static void write_send_answer(struct wg_exchange *x)
{
    x->status = x->outcome == WG_EXCHANGE_QUEUED ? 202 : 200;
    wg_exchange_header(x, "content-type", WG_STR("application/json"));
    x->answer_body = wg_str(wg_arena_format(x->arena, "{\"status\":\"%s\",\"id\":\"%.*s\"}",
                                            outcome_name(x), WG_STR_F(x->event.id)));
}

static void write_refusal(struct wg_exchange *x)
{
    struct wg_buf body;

    wg_buf_init(&body, 4096);
    wg_answer_error_body(wg_code_answer(x->err.code), wg_str(x->err.text), &body);
    x->status = wg_code_status(x->err.code);
    x->answer_body = wg_arena_copy(x->arena, wg_buf_str(&body));
    wg_buf_done(&body);
    wg_exchange_header(x, "content-type", WG_STR("application/json"));
    if (x->retry_after_s > 0)
        wg_exchange_header(x, "retry-after",
                           wg_str(wg_arena_format(x->arena, "%" PRId64, x->retry_after_s)));
}

/* What the peer has to do with it; a stage before its signature was verified tells what
 * somebody did in its name. */
static void note_error(struct wg_exchange *x)
{
    struct wg_peer_error error = {
        .direction = x->direction == WG_INBOUND ? "inbound" : "outbound",
        .stage = x->refusing_stage.at ? x->refusing_stage.at : "deliver",
        .code = wg_code_answer(x->err.code),
        .reason = x->delivery_failure.at ? x->delivery_failure : wg_str(x->err.text),
        .is_proven = x->is_authenticated,
    };

    if (x->is_refused)
        wg_peers_error(x->worker->gateway->directory, x->peer_name, &error);
}

static bool is_on_trial(const struct wg_exchange *x)
{
    for (size_t i = 0; i < x->labels.count; i++)
        if (wg_str_is(x->labels.at[i].name, "trial"))
            return true;
    return x->is_held;
}

/* What policy said of it in the end; nothing when it was not asked. */
static void count_verdict(struct wg_exchange *x)
{
    static const enum wg_peer_count counts[] = {
        [WG_VERDICT_ALLOW] = WG_PEER_ALLOWED,
        [WG_VERDICT_DENY] = WG_PEER_DENIED,
        [WG_VERDICT_DEFER] = WG_PEER_DEFERRED,
        [WG_VERDICT_QUARANTINE] = WG_PEER_QUARANTINED,
    };
    enum wg_verdict verdict = x->is_held ? WG_VERDICT_QUARANTINE : x->decision.verdict;

    if (verdict == WG_VERDICT_NONE || !x->is_authenticated)
        return;
    wg_peers_count(x->worker->gateway->directory, x->peer_name, counts[verdict]);
    if (is_on_trial(x))
        wg_standing_tried(x->worker->gateway, x->peer_name);
}

/* Each recipient of an event of ours has its own. */
static void count_recipients(struct wg_exchange *x)
{
    struct wg_directory *directory = x->worker->gateway->directory;

    for (size_t i = 0; i < x->recipient_count; i++) {
        const struct wg_recipient *recipient = &x->recipients[i];

        if (!recipient->ours)
            wg_peers_count(directory, recipient->name,
                           !recipient->is_refused         ? WG_PEER_ALLOWED
                           : recipient->retry_after_s > 0 ? WG_PEER_DEFERRED
                                                          : WG_PEER_DENIED);
    }
}

static void count_outcome(struct wg_exchange *x)
{
    struct wg_directory *directory = x->worker->gateway->directory;

    if (x->direction == WG_OUTBOUND)
        count_recipients(x);
    if (x->direction != WG_INBOUND || !x->peer_name.at || !x->has_endpoint)
        return;
    count_verdict(x);
    if (x->outcome == WG_EXCHANGE_REFUSED) {
        if (x->is_authenticated)
            wg_peers_count(directory, x->peer_name, WG_PEER_REFUSED);
        note_error(x);
    } else if (x->endpoint == WG_ENDPOINT_SEND && x->outcome != WG_EXCHANGE_DUPLICATE) {
        wg_peers_count(directory, x->peer_name, WG_PEER_RECEIVED);
    }
}

/* The direction it came from: a request that was turned inside is one of an instance. */
static void measure(const struct wg_exchange *x)
{
    unsigned endpoint = x->has_endpoint ? x->endpoint : WG_ENDPOINT_COUNT;
    unsigned code = x->is_refused ? wg_metric_code(x->err.code) : WG_OK;

    wg_metric_count(EXCHANGES, x->came, endpoint, x->outcome, code);
    wg_metric_time(EXCHANGE_TIME, wg_metric_now_ns() - x->started_ns, x->came, endpoint,
                   x->outcome);
    wg_metric_move(EXCHANGES_OPEN, -1, x->came);
}

/* A body that was refused before it was read as an event still says which one it means, and who
 * misses a message asks for that. Bodies of usual size only: a refusal stays cheap. */
static void read_told_id(struct wg_exchange *x)
{
    struct wg_str body = x->message->body, uuid;
    const json_t *id;
    struct wg_err err;
    json_t *json;

    if (!x->has_endpoint || x->endpoint != WG_ENDPOINT_SEND || x->has_event || !body.len ||
        body.len > TOLD_BODY_LIMIT_BYTES || wg_json_parse(body, &json, &err) != WG_OK)
        return;
    id = json_object_get(json, "id");
    if (json_is_string(id) &&
        wg_event_id_parse((struct wg_str){json_string_value(id), json_string_length(id)}, &uuid,
                          &err) == WG_OK)
        x->told_id = wg_arena_copy(x->arena, uuid);
    json_decref(json);
}

/* Answers, and releases what the walk has gathered. x lives in the call's arena: it is gone
 * with the answer. */
enum wg_stage_result wg_stage_record(struct wg_exchange *x)
{
    struct wg_http_answer answer = {0};
    struct wg_worker *worker = x->worker;

    if (x->is_refused) {
        read_told_id(x);
        write_refusal(x);
    } else if (x->outcome != WG_EXCHANGE_REFUSED && x->outcome != WG_EXCHANGE_PASSED &&
               !x->answer_body.at) {
        write_send_answer(x);
    }
    wg_exchange_header(x, "x-request-id", wg_str(x->request_id));
    log_outcome(x);
    wg_audit_exchange(x);
    count_outcome(x);
    wg_presence_settle(x);
    measure(x);
    if (x->is_claimed)
        wg_taken_settle(worker->gateway->taken, x->instance->index, x->event_key,
                        x->outcome != WG_EXCHANGE_REFUSED);
    if (x->is_in_lane)
        wg_lanes_leave(worker->gateway->lanes, x->instance->index, x->room_id);
    if (x->other_generation)
        wg_policy_unpin(x->other_generation);
    if (x->generation)
        wg_policy_unpin(x->generation);
    if (x->has_event)
        wg_event_done(&x->event);
    wg_peer_unref(x->peer);
    answer.status = x->status;
    answer.headers = x->answer_headers.at;
    answer.header_count = x->answer_headers.count;
    answer.body = x->answer_body;
    wg_http_respond(x->call, &answer);
    wg_worker_exchange_ended(worker);
    return WG_STAGE_REPLY;
}
