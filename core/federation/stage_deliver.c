// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "federation/audit.h"
#include "federation/exchange.h"
#include "federation/queue.h"
#include "federation/upstream.h"
#include "wire/json.h"

/* To the instance at once, or, when it cannot take the event now, into the queue. Steps of an
 * event, each of which waits for something:
 *
 *   LANE     its turn among the events of its room
 *   BACKLOG  do earlier ones of its room wait in the queue? Then it goes behind them
 *   TRY      the instance's answer
 *   STORE    the queue's promise
 *   MARK     the id, remembered for good
 *
 * Reads know the step TRY only. */
enum { LANE, BACKLOG, TRY, STORE, MARK, DONE };

enum { RETRY_AFTER_S = 5, PACKED_LIMIT_BYTES = 128 * 1024 };

static void answer_came(struct wg_exchange *x)
{
    x->has_answer = true;
    wg_exchange_run(x);
}

static void note_failure(struct wg_exchange *x, const char *format, ...) WG_PRINTF(2, 3);

/* The address and state of the instance are not the peer's to know; the log has them. */
static void note_failure(struct wg_exchange *x, const char *format, ...)
{
    char text[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    x->delivery_failure = wg_arena_copy(x->arena, wg_str(text));
}

static enum wg_stage_result unavailable(struct wg_exchange *x)
{
    x->deliver_step = DONE;
    x->is_delivered = true;
    x->retry_after_s = RETRY_AFTER_S;
    return wg_exchange_fail(x, WG_UPSTREAM_UNAVAILABLE,
                            "'%.*s' cannot take requests now: send again after %d seconds",
                            WG_STR_F(x->instance->server_name), RETRY_AFTER_S);
}

/* --- TRY --- */

/* An instance may know the event from before our own memory began. */
static bool says_duplicate(const struct wg_http_response *response)
{
    struct wg_err ignored;
    json_t *json;
    bool is_duplicate;

    if (wg_json_parse(response->body, &json, &ignored) != WG_OK)
        return false;
    is_duplicate = wg_str_is(wg_json_string(json, "status"), "duplicate");
    json_decref(json);
    return is_duplicate;
}

static void read_answer(struct wg_exchange *x, const struct wg_http_response *response)
{
    bool is_send = x->endpoint == WG_ENDPOINT_SEND;

    if (response->status >= 500 || response->status < 200 ||
        (response->status >= 300 && response->status < 400 && response->status != 304)) {
        note_failure(x, "the instance answered %d", response->status);
        return;
    }
    x->is_delivered = true;
    if (response->status >= 400) {
        note_failure(x, "the instance answered %d", response->status);
        x->outcome = WG_EXCHANGE_REFUSED;
        wg_exchange_pass(x, response);
    } else if (is_send) {
        x->outcome = says_duplicate(response) ? WG_EXCHANGE_DUPLICATE : WG_EXCHANGE_ACCEPTED;
    } else {
        x->outcome = WG_EXCHANGE_PASSED;
        wg_exchange_pass(x, response);
    }
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct wg_exchange *x = owner;

    x->fetch = NULL;
    if (response)
        read_answer(x, response);
    else
        note_failure(x, "%s", err->text);
    answer_came(x);
}

static void fill_upstream(struct wg_exchange *x, struct wg_upstream *upstream)
{
    *upstream = (struct wg_upstream){
        .instance = x->instance,
        .message = *x->message,
        .peer_name = x->peer_name,
        .request_id = wg_str(x->request_id),
        .remote_address = wg_str(x->remote_address),
        .generation = wg_policy_number(x->generation),
        .labels = x->labels,
        .is_held = x->is_held,
    };
    upstream->message.query = wg_exchange_clamped_query(x);
    upstream->is_narrowed = !wg_str_equal(upstream->message.query, x->message->query);
}

static enum wg_stage_result start_try(struct wg_exchange *x)
{
    struct wg_upstream upstream;
    struct wg_http_request request;

    if (!x->worker->client) {
        note_failure(x, "the gateway is stopping");
        x->has_answer = true;
        return WG_STAGE_NEXT;
    }
    fill_upstream(x, &upstream);
    if (wg_upstream_request(&upstream, wg_clock_wall_s(x->worker->gateway->clock), x->arena,
                            &request, &x->err) != WG_OK) {
        x->err.code = WG_INTERNAL;
        return wg_exchange_refuse(x);
    }
    x->fetch = wg_http_fetch(x->worker->client, &request, on_answer, x);
    return WG_STAGE_WAIT;
}

/* --- LANE, BACKLOG --- */

static void on_turn(void *owner)
{
    struct wg_exchange *x = owner;

    x->is_in_lane = true;
    answer_came(x);
}

static enum wg_stage_result start_lane(struct wg_exchange *x)
{
    if (!wg_lanes_enter(x->worker->gateway->lanes, x->instance->index, x->room_id,
                        x->worker->loop, on_turn, x))
        return WG_STAGE_WAIT;
    x->is_in_lane = true;
    x->has_answer = true;
    return WG_STAGE_NEXT;
}

static void on_backlog(void *owner, const struct wg_err *err, const struct wg_queue_page *page)
{
    struct wg_exchange *x = owner;

    /* Not knowing (the store failed, or ended its search early), it goes behind what may be
     * there: order is promised, and the store says itself whether it can promise more. */
    x->is_behind = err->code != WG_OK || page->count > 0 || page->next_cursor.at;
    answer_came(x);
}

static enum wg_stage_result start_backlog(struct wg_exchange *x)
{
    struct wg_queue_list list = {
        .filter = {.state = WG_QUEUE_WAITING,
                   .has_destination = true,
                   .destination = {.is_outbound = false, .name = x->instance->server_name},
                   .room_id = x->room_id},
        .limit = 1,
    };

    if (!wg_queue_may_wait(x->worker->gateway, x->instance)) {
        x->has_answer = true;
        return WG_STAGE_NEXT;
    }
    wg_store_queue_list(x->worker->gateway->store, x->worker->loop, &list, on_backlog, x);
    return WG_STAGE_WAIT;
}

/* --- STORE, MARK --- */

static void on_accepted(void *owner, const struct wg_err *err,
                        const struct wg_accepted *accepted)
{
    struct wg_exchange *x = owner;

    x->store_code = err->code;
    if (err->code == WG_OK) {
        x->outcome = accepted->is_duplicate ? WG_EXCHANGE_DUPLICATE : WG_EXCHANGE_QUEUED;
        x->is_audited = !accepted->is_duplicate;
    } else {
        note_failure(x, "%.*s%sstoring it: %s", WG_STR_F(x->delivery_failure),
                     x->delivery_failure.len ? "; " : "", err->text);
    }
    answer_came(x);
}

static enum wg_stage_result start_store(struct wg_exchange *x)
{
    struct wg_destination destination = {.is_outbound = false,
                                         .name = x->instance->server_name};
    struct wg_hold hold = {x->is_held, x->held_reason};
    struct wg_accept accept = {
        .message = {.server = x->instance->server_name,
                    .origin = x->event.origin,
                    .sender = x->peer_name,
                    .room_id = x->event.room_id,
                    .type = x->event.type,
                    .body = x->message->body},
        .destinations = &destination,
        .destination_count = 1,
        .expires_in_ms = wg_queue_expiry_ms(x->worker->gateway, x->event.type),
        .holds = &hold,
    };
    struct wg_upstream upstream;
    struct wg_buf packed;

    fill_upstream(x, &upstream);
    wg_buf_init(&packed, PACKED_LIMIT_BYTES);
    wg_upstream_pack(&upstream, &packed);
    if (wg_buf_status(&packed, &x->err) != WG_OK) {
        wg_buf_done(&packed);
        return unavailable(x);
    }
    accept.message.extra = wg_buf_str(&packed);
    memcpy(accept.message.event_id, x->event_key, sizeof accept.message.event_id);
    accept.audit_count = wg_audit_rows(x, WG_EXCHANGE_QUEUED, &accept.audit);
    wg_queue_will_wait(x->worker->gateway, x->instance);
    wg_store_accept(x->worker->gateway->store, x->worker->loop, &accept, on_accepted, x);
    wg_buf_done(&packed);
    return WG_STAGE_WAIT;
}

static void on_marked(void *owner, const struct wg_err *err, bool was_seen)
{
    struct wg_exchange *x = owner;

    (void)was_seen;
    /* The instance has taken it, so the promise holds; only our memory of it may be short. */
    x->is_audited = err->code == WG_OK;
    if (err->code != WG_OK)
        note_failure(x, "accepted, but its id could not be stored, ignoring: %s", err->text);
    answer_came(x);
}

static enum wg_stage_result start_mark(struct wg_exchange *x)
{
    struct wg_seen seen = {
        .server = x->instance->server_name,
        .destination = {.is_outbound = false, .name = x->instance->server_name},
    };
    const struct wg_audit_row *rows;
    size_t count;

    memcpy(seen.event_id, x->event_key, sizeof seen.event_id);
    count = wg_audit_rows(x, x->outcome, &rows);
    wg_store_seen_mark(x->worker->gateway->store, x->worker->loop, &seen, rows, count,
                       on_marked, x);
    return WG_STAGE_WAIT;
}

/* --- the steps, one after the other --- */

static enum wg_stage_result (*const starts[])(struct wg_exchange *x) = {
    [LANE] = start_lane,   [BACKLOG] = start_backlog, [TRY] = start_try,
    [STORE] = start_store, [MARK] = start_mark,
};

static unsigned step_after(const struct wg_exchange *x)
{
    bool is_event = x->has_event;

    switch (x->deliver_step) {
    case LANE:
        return x->is_held ? STORE : BACKLOG;
    case BACKLOG:
        return x->is_behind ? STORE : TRY;
    case TRY:
        if (x->is_delivered)
            return is_event && x->outcome != WG_EXCHANGE_REFUSED ? MARK : DONE;
        return is_event && wg_queue_is_running(x->worker->gateway) ? STORE : DONE;
    default:
        return DONE;
    }
}

static enum wg_stage_result finish(struct wg_exchange *x)
{
    if (!x->is_delivered && x->outcome != WG_EXCHANGE_QUEUED &&
        x->outcome != WG_EXCHANGE_DUPLICATE)
        return unavailable(x);
    if (x->outcome == WG_EXCHANGE_QUEUED && !x->is_held)
        wg_queue_wake(x->worker->gateway, false, x->instance->server_name, WG_RELAY_NEW_WORK);
    return x->outcome == WG_EXCHANGE_PASSED ? WG_STAGE_NEXT : WG_STAGE_REPLY;
}

enum wg_stage_result wg_stage_deliver(struct wg_exchange *x)
{
    if (x->deliver_step == LANE && !x->has_event)
        x->deliver_step = TRY;
    while (x->deliver_step != DONE) {
        if (!x->has_answer) {
            enum wg_stage_result result = starts[x->deliver_step](x);

            if (result != WG_STAGE_NEXT)
                return result;
        }
        x->has_answer = false;
        x->deliver_step = step_after(x);
    }
    return finish(x);
}
