// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/metric.h"

/** The life of a request from a peer, in order. Cheap and certain refusals come before costly
 * work. */
static const struct wg_stage inbound[] = {
    {"route", wg_stage_route},               /* which instance, which endpoint */
    {"claim", wg_stage_claim},               /* who says it is calling, and when */
    {"discover", wg_stage_discover},         /* that peer's keys, maybe from its server */
    {"authenticate", wg_stage_authenticate}, /* digest, request signature, nonce */
    {"parse", wg_stage_parse},               /* the event */
    {"authenticate_event", wg_stage_authenticate_event}, /* its own signature */
    {"admit", wg_stage_admit},                           /* hook peer */
    {"recognise", wg_stage_recognise},                   /* hook key, for a new one */
    {"judge", wg_stage_judge},                           /* the hooks of this endpoint */
    {"deduplicate", wg_stage_deduplicate},               /* seen before? */
    {"deliver", wg_stage_deliver},                       /* to the instance, or the queue */
    {"screen", wg_stage_screen},                         /* history on its way out */
    {"record", wg_stage_record},                         /* log line, counters, answer */
};

/** The life of a request from an instance to its peers. */
static const struct wg_stage outbound[] = {
    {"route", wg_stage_submit_route}, /* whose token, to whom, which endpoint */
    {"parse", wg_stage_submit_parse}, /* the event and its recipients */
    {"seal", wg_stage_seal},          /* the origin's signature: made, or checked */
    {"decide", wg_stage_decide},      /* the hooks, for each recipient */
    {"queue", wg_stage_queue},        /* the promise: stored, fsynced */
    {"admit", wg_stage_admit},        /* reads only from here on: hook peer */
    {"judge", wg_stage_judge},        /* the hooks of the endpoint */
    {"inside", wg_stage_inside},      /* a peer that lives here is asked without the network */
    {"discover", wg_stage_discover},  /* the peer's descriptor */
    {"proxy", wg_stage_proxy},        /* signed and asked at once */
    {"screen", wg_stage_screen},      /* history on its way in */
    {"record", wg_stage_record},      /* log line, counters, answer */
};

static const struct {
    const struct wg_stage *first, *record;
} walks[] = {
    [WG_INBOUND] = {inbound, &inbound[WG_COUNT(inbound) - 1]},
    [WG_OUTBOUND] = {outbound, &outbound[WG_COUNT(outbound) - 1]},
};

const char *wg_endpoint_name(enum wg_endpoint endpoint)
{
    static const char *const names[] = {"descriptor", "send",     "profile",
                                        "members",    "backfill", "relay"};

    return names[endpoint];
}

enum { WALK_LIMIT = 16 };

_Static_assert(WG_COUNT(inbound) <= WALK_LIMIT && WG_COUNT(outbound) <= WALK_LIMIT,
               "stage_places has room for the longest walk");

/* By direction and position: the place of a stage's name among the values of the label. */
static unsigned stage_places[WG_COUNT(walks)][WALK_LIMIT];

static void find_stage_places(void)
{
    for (size_t i = 0; i < WG_COUNT(walks); i++) {
        for (const struct wg_stage *stage = walks[i].first; stage <= walks[i].record; stage++)
            WG_CHECK(wg_metric_place(WG_LABEL_STAGE, stage->name,
                                     &stage_places[i][stage - walks[i].first]));
    }
}

/* @return now, when the next one begins. */
static int64_t time_stage(enum wg_direction direction, const struct wg_stage *stage,
                          int64_t since_ns)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int64_t now_ns = wg_metric_now_ns();

    pthread_once(&once, find_stage_places);
    wg_metric_time(STAGE_TIME, now_ns - since_ns, direction,
                   stage_places[direction][stage - walks[direction].first]);
    return now_ns;
}

/* One reading of the clock a stage: where it ends the next begins. */
static void note_time(struct wg_exchange *x, const struct wg_stage *stage)
{
    if (x->time_count < WG_STAGE_TIMES_MAX)
        x->times[x->time_count++] =
            (struct wg_stage_time){stage->name, (x->stage_since_ns - x->started_ns) / 1000};
}

void wg_exchange_run(struct wg_exchange *x)
{
    for (;;) {
        const struct wg_stage *stage = x->stage;
        enum wg_direction direction = x->direction;
        int64_t since_ns = x->stage_since_ns;
        enum wg_stage_result result = stage->run(x);

        if (result == WG_STAGE_WAIT)
            return;
        since_ns = time_stage(direction, stage, since_ns);
        if (stage->run == wg_stage_record) /* x is gone */
            return;
        x->stage_since_ns = since_ns;
        note_time(x, stage);
        if (result == WG_STAGE_REPLY) {
            x->refusing_stage = wg_str(stage->name);
            x->stage = x->record;
        } else if (x->stage == stage) { /* else the stage has sent it elsewhere */
            x->stage = stage + 1;
        }
    }
}

/* Nobody waits for the answer any more. What only reads is ended; what has been handed to the
 * instance is waited for, since its outcome is to be remembered. */
static void on_gone(void *owner)
{
    struct wg_exchange *x = owner;

    x->is_gone = true;
    if (x->policy_call) {
        wg_policy_cancel(x->policy_call);
        x->policy_call = NULL;
        wg_exchange_fail(x, WG_CANCELLED, "the client went away");
        x->refusing_stage = wg_str(x->stage->name);
        x->stage_since_ns = time_stage(x->direction, x->stage, x->stage_since_ns);
        x->stage = x->record;
        wg_exchange_run(x);
    } else if (x->history) {
        wg_history_cancel(x->history);
        x->history = NULL;
        x->is_screened = true;
        wg_exchange_run(x);
    } else if (x->fetch && x->endpoint != WG_ENDPOINT_SEND) {
        wg_http_fetch_cancel(x->fetch);
    }
}

void wg_exchange_start(struct wg_worker *worker, enum wg_direction direction,
                       struct wg_http_call *call)
{
    struct wg_arena *arena = wg_http_call_arena(call);
    struct wg_exchange *x = wg_arena_new(arena, struct wg_exchange);

    x->worker = worker;
    x->call = call;
    x->message = wg_http_call_message(call);
    x->arena = arena;
    x->direction = x->came = direction;
    x->stage = walks[direction].first;
    x->record = walks[direction].record;
    x->limit = x->limits.events = x->limits.bytes = x->limits.not_before_s = -1;
    x->started_ms = wg_clock_mono_ms(worker->gateway->clock);
    x->started_us = wg_clock_elapsed_us();
    wg_uuid_make(wg_clock_wall_ms(worker->gateway->clock), x->request_id);
    wg_ip_write(&wg_http_call_info(call)->remote_ip, x->remote_address);
    x->started_ns = x->stage_since_ns = wg_metric_now_ns();
    worker->exchanges++;
    wg_metric_move(EXCHANGES_OPEN, 1, direction);
    wg_http_call_on_gone(call, on_gone, x);
    wg_exchange_run(x);
}

enum wg_stage_result wg_exchange_turn_inside(struct wg_exchange *x)
{
    x->direction = WG_INBOUND;
    x->record = walks[WG_INBOUND].record;
    x->stage = walks[WG_INBOUND].first;
    while (x->stage->run != wg_stage_admit)
        x->stage++;
    return WG_STAGE_NEXT;
}

enum wg_stage_result wg_exchange_refuse(struct wg_exchange *x)
{
    x->is_refused = true;
    x->outcome = WG_EXCHANGE_REFUSED;
    return WG_STAGE_REPLY;
}

enum wg_stage_result wg_exchange_fail(struct wg_exchange *x, enum wg_code code,
                                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(x->err.text, sizeof x->err.text, format, arguments);
    va_end(arguments);
    x->err.code = code;
    return wg_exchange_refuse(x);
}

void wg_exchange_pass(struct wg_exchange *x, const struct wg_http_response *response)
{
    for (size_t i = 0; i < response->headers.count; i++) {
        const struct wg_header *header = &response->headers.at[i];

        if (wg_str_is(header->name, "content-length") || wg_str_is(header->name, "date") ||
            wg_str_is(header->name, "x-request-id"))
            continue;
        wg_headers_add(&x->answer_headers, x->arena, wg_arena_copy(x->arena, header->name),
                       wg_arena_copy(x->arena, header->value));
    }
    x->status = response->status;
    x->answer_body = wg_arena_copy(x->arena, response->body);
}

void wg_exchange_header(struct wg_exchange *x, const char *name, struct wg_str value)
{
    wg_headers_add(&x->answer_headers, x->arena, wg_str(name), value);
}
