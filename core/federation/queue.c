// SPDX-License-Identifier: Apache-2.0
#include "federation/queue.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/metric.h"
#include "federation/audit.h"
#include "federation/delivery.h"
#include "federation/peers.h"
#include "federation/presence.h"

/* One attempt of the relay: made by delivery.c, shown to hook `delivery` when it failed, told
 * to the relay. */
struct job {
    struct wg_worker *worker;
    struct wg_relay_attempt *attempt;
    struct wg_arena arena;
    int64_t began_ns;
    struct wg_delivery_outcome outcome;
    struct wg_relay_result result;
    struct wg_policy_generation *generation;
    struct wg_policy_call *call;
    struct wg_question question;
    struct wg_decision decision;
};

static const char *direction_name(const struct wg_destination *destination)
{
    return destination->is_outbound ? "outbound" : "inbound";
}

static void log_outcome(struct job *job, struct wg_relay_plan plan)
{
    const struct wg_delivery *delivery = job->attempt->delivery;
    struct wg_str none = {NULL, 0};
    bool is_sent = plan.outcome == WG_OUTCOME_SENT;

    wg_log(is_sent ? WG_LOG_INFO : WG_LOG_WARN,
           is_sent ? "federation.send.success" : "federation.send.failed",
           is_sent                            ? "delivered"
           : plan.outcome == WG_OUTCOME_RETRY ? "tried again later"
                                              : "given up: a dead letter",
           WG_F_TEXT("request_id", job->outcome.request_id[0] ? job->outcome.request_id : NULL),
           WG_F_TEXT("direction", direction_name(&delivery->key.destination)),
           WG_F_STR("server", delivery->message.server),
           WG_F_STR("peer", delivery->key.destination.is_outbound
                                ? delivery->key.destination.name
                                : delivery->message.sender),
           WG_F_STR("room", delivery->key.room_id),
           WG_F_STR("event_id", wg_audit_event_id(delivery->message.event_id, &job->arena)),
           WG_F_STR("type", delivery->message.type), WG_F_TEXT("stage", "deliver"),
           WG_F_INT("attempt", job->attempt->number), WG_F_INT("status", job->outcome.status),
           WG_F_TEXT("code", is_sent ? NULL : wg_code_name(job->outcome.code)),
           WG_F_STR("reason", is_sent ? none : wg_str(job->outcome.reason)),
           {plan.outcome == WG_OUTCOME_RETRY ? "retry_in_ms" : "age_ms",
            WG_FIELD_INT,
            {"", 0},
            plan.outcome == WG_OUTCOME_RETRY ? plan.retry_in_ms : delivery->age_ms,
            0},
           WG_F_INT("ms", job->outcome.took_ms));
}

static void audit_outcome(struct job *job, struct wg_relay_plan plan)
{
    struct wg_audit_delivery ended = {
        .delivery = job->attempt->delivery,
        .is_sent = plan.outcome == WG_OUTCOME_SENT,
        .code = job->outcome.code,
        .reason = wg_str(job->outcome.reason),
        .took_ms = job->outcome.took_ms,
    };

    if (plan.outcome != WG_OUTCOME_RETRY)
        job->result.audit_count =
            wg_audit_delivery_rows(&ended, &job->arena, &job->result.audit);
}

static void note_peer(const struct job *job)
{
    const struct wg_delivery *delivery = job->attempt->delivery;
    struct wg_directory *directory = job->worker->gateway->directory;
    struct wg_peer_error error = {.direction = "outbound",
                                  .stage = "deliver",
                                  .code = wg_code_answer(job->outcome.code),
                                  .reason = wg_str(job->outcome.reason),
                                  .is_proven = true};

    if (!delivery->key.destination.is_outbound)
        return;
    wg_peers_count(directory, delivery->key.destination.name,
                   job->outcome.is_sent ? WG_PEER_SENT : WG_PEER_FAILED);
    if (!job->outcome.is_sent)
        wg_peers_error(directory, delivery->key.destination.name, &error);
}

static void measure(const struct job *job, unsigned result)
{
    unsigned direction =
        job->attempt->delivery->key.destination.is_outbound ? WG_OUTBOUND : WG_INBOUND;

    wg_metric_count(ATTEMPTS, direction, result);
    wg_metric_time(ATTEMPT_TIME, wg_metric_now_ns() - job->began_ns, direction, result);
}

static void finish(struct job *job)
{
    if (job->outcome.code == WG_CANCELLED) {
        measure(job, WG_ATTEMPT_CANCELLED);
    } else {
        static const unsigned results[] = {[WG_OUTCOME_SENT] = WG_ATTEMPT_SENT,
                                           [WG_OUTCOME_RETRY] = WG_ATTEMPT_RETRY,
                                           [WG_OUTCOME_DEAD] = WG_ATTEMPT_DEAD};
        struct wg_relay_plan plan = wg_relay_plan(job->attempt, &job->result);

        measure(job, results[plan.outcome]);
        log_outcome(job, plan);
        note_peer(job);
        audit_outcome(job, plan);
        if (plan.outcome != WG_OUTCOME_RETRY)
            wg_presence_delivered(job->worker->gateway, job->attempt->delivery,
                                  plan.outcome == WG_OUTCOME_SENT);
    }
    wg_relay_done(job->attempt, &job->result);
    if (job->generation)
        wg_policy_unpin(job->generation);
    wg_arena_done(&job->arena);
    wg_free(job);
}

/* --- hook delivery: it may decide otherwise --- */

static void obey(struct job *job)
{
    switch (job->decision.failure == WG_OK ? job->decision.verdict : WG_VERDICT_NONE) {
    case WG_VERDICT_DENY:
        job->result.decision = WG_RELAY_GIVE_UP;
        job->result.reason =
            wg_str(wg_arena_format(&job->arena, "%.*s (hook delivery, after: %s)",
                                   WG_STR_F(job->decision.reason), job->outcome.reason));
        break;
    case WG_VERDICT_DEFER:
        job->result.decision = WG_RELAY_RETRY;
        job->result.retry_in_ms =
            (job->decision.defer_s > 0 ? job->decision.defer_s : 1) * 1000;
        break;
    default:
        break;
    }
    finish(job);
}

static void on_decided(void *owner)
{
    struct job *job = owner;

    job->call = NULL;
    obey(job);
}

static void ask(struct job *job, const struct wg_instance *instance)
{
    const struct wg_delivery *delivery = job->attempt->delivery;
    struct wg_relay_plan plan = wg_relay_plan(job->attempt, &job->result);

    job->generation = wg_policy_pin(job->worker->policy, instance->index);
    job->question = (struct wg_question){
        .hook = WG_HOOK_DELIVERY,
        .direction = delivery->key.destination.is_outbound ? WG_OUTBOUND : WG_INBOUND,
        .server = instance->server_name,
        .now_s = wg_clock_wall_s(job->worker->gateway->clock),
        .is_authenticated = true,
    };
    job->question.peer.name = delivery->key.destination.is_outbound
                                  ? delivery->key.destination.name
                                  : delivery->message.sender;
    job->question.room.id = delivery->key.room_id;
    job->question.attempt.destination = delivery->key.destination.name;
    job->question.attempt.room_id = delivery->key.room_id;
    job->question.attempt.code = wg_str(wg_code_answer(job->outcome.code));
    job->question.attempt.reason = wg_str(job->outcome.reason);
    job->question.attempt.number = job->attempt->number;
    job->question.attempt.status = job->outcome.status;
    job->question.attempt.age_s = delivery->age_ms / 1000;
    job->question.attempt.next_in_s =
        plan.outcome == WG_OUTCOME_RETRY ? plan.retry_in_ms / 1000 : -1;
    job->call = wg_policy_ask(job->generation, &job->question, &job->arena, &job->decision,
                              on_decided, job);
    if (!job->call)
        obey(job);
}

static void on_ended(void *owner, const struct wg_delivery_outcome *outcome)
{
    struct job *job = owner;
    const struct wg_delivery *delivery = job->attempt->delivery;
    const struct wg_instance *instance =
        wg_gateway_instance(job->worker->gateway, delivery->key.destination.is_outbound
                                                      ? delivery->message.server
                                                      : delivery->key.destination.name);

    job->outcome = *outcome;
    job->result.code = outcome->is_sent ? WG_OK : outcome->code;
    job->result.status = outcome->status;
    job->result.retry_after_ms = outcome->retry_after_s * 1000;
    job->result.reason = wg_str(job->outcome.reason);
    if (outcome->is_permanent && outcome->status == 0)
        job->result.decision = WG_RELAY_GIVE_UP;
    if (outcome->is_sent || outcome->code == WG_CANCELLED || !instance || !job->worker->policy)
        finish(job);
    else
        ask(job, instance);
}

static void deliver(void *owner, struct wg_relay_attempt *attempt)
{
    struct job *job = wg_new(struct job);

    job->worker = owner;
    job->attempt = attempt;
    job->began_ns = wg_metric_now_ns();
    wg_arena_init(&job->arena);
    (void)wg_delivery_start(job->worker, attempt->delivery, on_ended, job);
}

/* --- the relay of a worker --- */

static void on_turn(void *owner)
{
    struct wg_worker *worker = owner;

    wg_relay_turn(worker->relay);
}

static void wake_in(void *owner, int64_t ms)
{
    struct wg_worker *worker = owner;

    wg_timer_start(worker->relay_timer, ms);
}

static void on_started(void *owner, const struct wg_err *err)
{
    (void)owner;
    if (err->code != WG_OK)
        wg_log(WG_LOG_ERROR, "queue.start_failed", "what waits is not delivered",
               WG_F_TEXT("reason", err->text));
}

void wg_queue_open(struct wg_worker *worker)
{
    struct wg_gateway *gateway = worker->gateway;
    const struct wg_config_queue *config = &gateway->config->queue;
    struct wg_store_figures figures;
    struct wg_relay_options options = {
        .store = gateway->store,
        .loop = worker->loop,
        .clock = gateway->clock,
        .index = worker->index,
        .count = gateway->worker_count,
        .schedule = config->retry ? &gateway->retry : NULL,
        .under_way_limit =
            (size_t)(config->under_way + gateway->worker_count - 1) / gateway->worker_count,
        .window_limit = (size_t)config->under_way_peer,
        .connections_kept = WG_HTTP_IDLE_LINKS,
        .deliver = deliver,
        .wake_in = wake_in,
        .owner = worker,
    };

    wg_store_read_figures(gateway->store, &figures);
    if (figures.deliveries > 0) {
        for (size_t i = 0; i < gateway->instance_count; i++)
            wg_queue_will_wait(gateway, &gateway->instances[i]);
    }
    worker->relay_timer = wg_timer_new(worker->loop, on_turn, worker);
    worker->relay = wg_relay_new(&options);
    wg_relay_start(worker->relay, on_started, NULL);
}

struct closing {
    struct wg_worker *worker;
    void (*on_closed)(void *owner);
    void *owner;
};

static void on_relay_closed(void *owner)
{
    struct closing *closing = owner;

    closing->worker->relay = NULL;
    closing->worker->relay_timer = wg_timer_free(closing->worker->relay_timer);
    closing->on_closed(closing->owner);
    wg_free(closing);
}

void wg_queue_close(struct wg_worker *worker, void (*on_closed)(void *owner), void *owner)
{
    struct closing *closing = wg_new(struct closing);

    *closing = (struct closing){worker, on_closed, owner};
    wg_relay_close(worker->relay, on_relay_closed, closing);
}

bool wg_queue_is_running(const struct wg_gateway *gateway)
{
    return gateway->store && gateway->workers;
}

int64_t wg_queue_expiry_ms(const struct wg_gateway *gateway, struct wg_str type)
{
    const struct wg_config_queue *config = &gateway->config->queue;

    for (const struct wg_config_span *span = config->expiry_by_type; span && span->name;
         span++) {
        if (wg_str_is(type, span->name))
            return span->ms;
    }
    return config->expiry_ms;
}

/* --- waking, from any thread --- */

struct wake {
    struct wg_worker *worker;
    enum wg_relay_wake why;
    bool is_outbound;
    char *name;
};

static void run_wake(void *owner)
{
    struct wake *wake = owner;
    struct wg_destination destination = {wake->is_outbound, wg_str(wake->name)};

    if (wake->worker->relay)
        wg_relay_wake(wake->worker->relay, &destination, wake->why);
    wg_free(wake->name);
    wg_free(wake);
}

void wg_queue_wake(struct wg_gateway *gateway, bool is_outbound, struct wg_str name,
                   enum wg_relay_wake why)
{
    struct wg_destination destination = {is_outbound, name};
    struct wake *wake;

    if (!wg_queue_is_running(gateway))
        return;
    wake = wg_new(struct wake);
    *wake = (struct wake){gateway->workers[wg_relay_of(&destination, gateway->worker_count)],
                          why, is_outbound, wg_strdup(name)};
    wg_loop_post(wake->worker->loop, run_wake, wake);
}

bool wg_queue_may_wait(struct wg_gateway *gateway, const struct wg_instance *instance)
{
    return atomic_load(&gateway->may_wait[instance->index]);
}

void wg_queue_will_wait(struct wg_gateway *gateway, const struct wg_instance *instance)
{
    atomic_store(&gateway->may_wait[instance->index], true);
}
