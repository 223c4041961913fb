// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "base/id.h"
#include "relay/relay_impl.h"
#include "store/audit.h"

enum { SETTLE_AGAIN_MS = 1000, RETRY_AFTER_MAX_MS = 3600 * 1000 };

static struct attempt *attempt_of(const struct wg_relay_attempt *public)
{
    return WG_CONTAINER(public, struct attempt, public);
}

static struct wg_str copy(struct wg_arena *arena, struct wg_str text)
{
    return text.at ? wg_arena_copy(arena, text) : text;
}

static void copy_delivery(struct attempt *a, const struct wg_delivery *delivery)
{
    struct wg_arena *arena = &a->arena;
    struct wg_queued_message *message = &a->delivery.message;

    a->delivery = *delivery;
    a->delivery.key.destination = a->destination->name;
    a->delivery.key.room_id = copy(arena, delivery->key.room_id);
    message->server = copy(arena, message->server);
    message->origin = copy(arena, message->origin);
    message->sender = copy(arena, message->sender);
    message->room_id = copy(arena, message->room_id);
    message->type = copy(arena, message->type);
    message->extra = copy(arena, message->extra);
    message->body = copy(arena, message->body);
}

static void copy_audit(struct attempt *a, const struct wg_audit_row *rows, size_t count)
{
    struct wg_audit_row *copies = wg_arena_alloc(&a->arena, count * sizeof *copies);

    for (size_t i = 0; i < count; i++) {
        struct wg_audit_row *row = &copies[i];
        struct wg_str *const texts[] = {
            &row->action,     &row->server,  &row->peer, &row->direction, &row->room_id,
            &row->event_id,   &row->verdict, &row->code, &row->reason,    &row->policy,
            &row->request_id, &row->actor,   &row->extra};

        *row = rows[i];
        for (size_t k = 0; k < WG_COUNT(texts); k++)
            *texts[k] = copy(&a->arena, *texts[k]);
    }
    a->settlement.audit = copies;
    a->settlement.audit_count = count;
}

static void drop(struct attempt *a)
{
    struct destination *d = a->destination;
    struct attempt **at = &d->attempts;

    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    d->under_way--;
    d->relay->under_way[a->class]--;
    wg_relay_recount(d);
    wg_arena_done(&a->arena);
    wg_free(a);
}

/* --- settling --- */

static void on_settled(void *owner, const struct wg_err *err)
{
    struct attempt *a = owner;
    struct destination *d = a->destination;
    struct wg_relay *relay = d->relay;

    relay->answers_due--;
    if (err->code != WG_OK && !relay->is_closing) {
        /* The outcome is not on the disk: the room stays busy until it is, which also keeps the
         * relay from going on while the store cannot. */
        a->settle_at = wg_relay_now(relay) + SETTLE_AGAIN_MS;
        a->next_unsettled = relay->unsettled;
        relay->unsettled = a;
        wg_relay_kick(relay); /* whose turn sets the timer */
        return;
    }
    drop(a);
    if (relay->is_closing) {
        wg_relay_end_if_closed(relay);
        return;
    }
    wg_relay_make_ready(d);
    wg_relay_kick(relay);
}

static void settle(struct attempt *a)
{
    struct wg_relay *relay = a->destination->relay;

    relay->answers_due++;
    wg_store_settle(relay->options.store, relay->options.loop, &a->settlement, 1, on_settled,
                    a);
}

int64_t wg_relay_settle_again(struct wg_relay *relay)
{
    struct attempt *list = relay->unsettled, *next;
    int64_t now = wg_relay_now(relay), soonest = INT64_MAX;

    relay->unsettled = NULL;
    for (; list; list = next) {
        next = list->next_unsettled;
        if (list->settle_at <= now || relay->is_closing) {
            settle(list);
            continue;
        }
        soonest = list->settle_at < soonest ? list->settle_at : soonest;
        list->next_unsettled = relay->unsettled;
        relay->unsettled = list;
    }
    return soonest;
}

/* --- attempts --- */

void wg_relay_begin(struct destination *d, const struct wg_delivery *delivery,
                    enum wg_relay_class class)
{
    struct wg_relay *relay = d->relay;
    struct attempt *a = wg_new(struct attempt);

    wg_arena_init(&a->arena);
    a->destination = d;
    a->class = class;
    a->began_at_ms = wg_relay_now(relay);
    copy_delivery(a, delivery);
    a->public = (struct wg_relay_attempt){&a->delivery, delivery->attempts + 1};
    a->settlement.key = a->delivery.key;
    a->next = d->attempts;
    d->attempts = a;
    d->under_way++;
    relay->under_way[class]++;
    wg_relay_recount(d);
    if (delivery->attempts > 0 && !d->has_worked)
        d->was_failing_before = true;
    if (delivery->expires_in_ms > 0) {
        relay->options.deliver(relay->options.owner, &a->public);
        return;
    }
    relay->dead++;
    a->settlement.outcome = WG_OUTCOME_DEAD;
    a->settlement.dead_reason = WG_STR("expired");
    settle(a);
}

static bool is_refused_for_good(int64_t status)
{
    return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

struct wg_relay_plan wg_relay_plan(const struct wg_relay_attempt *attempt,
                                   const struct wg_relay_result *result)
{
    const struct attempt *a = attempt_of(attempt);
    int64_t after_ms = result->retry_after_ms;
    struct wg_relay_plan plan = {.outcome = WG_OUTCOME_RETRY};
    uint64_t random;

    if (result->decision == WG_RELAY_RETRY) {
        plan.retry_in_ms = result->retry_in_ms > 0 ? result->retry_in_ms : 0;
        return plan;
    }
    if (result->decision == WG_RELAY_GIVE_UP)
        plan.outcome = WG_OUTCOME_DEAD;
    else if (result->code == WG_OK || (result->status >= 200 && result->status < 300))
        plan.outcome = WG_OUTCOME_SENT;
    else if (is_refused_for_good(result->status))
        plan.outcome = WG_OUTCOME_DEAD;
    if (plan.outcome != WG_OUTCOME_RETRY)
        return plan;
    wg_random(&random, sizeof random);
    plan.retry_in_ms =
        wg_schedule_delay_ms(a->destination->relay->options.schedule, attempt->number, random);
    if (after_ms > RETRY_AFTER_MAX_MS)
        after_ms = RETRY_AFTER_MAX_MS;
    if (plan.retry_in_ms < after_ms)
        plan.retry_in_ms = after_ms;
    return plan;
}

static void count(struct wg_relay *relay, enum wg_outcome outcome)
{
    relay->sent += outcome == WG_OUTCOME_SENT;
    relay->retried += outcome == WG_OUTCOME_RETRY;
    relay->dead += outcome == WG_OUTCOME_DEAD;
}

void wg_relay_done(struct wg_relay_attempt *attempt, const struct wg_relay_result *result)
{
    struct attempt *a = attempt_of(attempt);
    struct destination *d = a->destination;
    struct wg_relay *relay = d->relay;
    struct wg_relay_plan plan = wg_relay_plan(attempt, result);
    int64_t took_ms = wg_relay_now(relay) - a->began_at_ms;

    if (result->code == WG_CANCELLED) {
        drop(a);
        if (!relay->is_closing)
            wg_relay_sleep(d, SETTLE_AGAIN_MS);
        wg_relay_kick(relay);
        wg_relay_end_if_closed(relay);
        return;
    }
    wg_relay_judge(d, result, took_ms);
    d->has_retries |= plan.outcome == WG_OUTCOME_RETRY;
    count(relay, plan.outcome);
    a->settlement.outcome = plan.outcome;
    a->settlement.retry_in_ms = plan.retry_in_ms;
    a->settlement.was_attempted = true;
    a->settlement.attempt = (struct wg_attempt){
        .at_ms = wg_clock_wall_ms(relay->options.clock) - took_ms,
        .code = result->code,
        .status = result->status,
        .took_ms = took_ms,
        .reason = copy(&a->arena, result->reason),
    };
    a->settlement.dead_reason = a->settlement.attempt.reason;
    copy_audit(a, result->audit, result->audit_count);
    settle(a);
}
