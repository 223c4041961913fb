// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"

/* The hooks of an outbound event, for each recipient in turn. One that lives behind this
 * gateway is also asked for, by the policies of its own instance, as an inbound event. */

static const struct {
    enum wg_direction direction;
    enum wg_hook hook;
} steps[] = {
    {WG_OUTBOUND, WG_HOOK_PEER}, {WG_OUTBOUND, WG_HOOK_ROOM}, {WG_OUTBOUND, WG_HOOK_EVENT},
    {WG_INBOUND, WG_HOOK_PEER},  {WG_INBOUND, WG_HOOK_ROOM},  {WG_INBOUND, WG_HOOK_EVENT},
};

/* The inbound half looks from the other side: its instance, its policies, and us as the peer.
 */
static void look_from(struct wg_exchange *x, enum wg_direction direction,
                      struct wg_recipient *recipient, const struct wg_instance *own,
                      struct wg_policy_generation *own_generation)
{
    x->direction = direction;
    if (direction == WG_OUTBOUND) {
        x->instance = own;
        x->generation = own_generation;
        x->peer_name = recipient->name;
    } else {
        x->instance = recipient->ours;
        x->generation = x->other_generation;
        x->peer_name = own->server_name;
    }
}

/* A later hook that lets it pass does not free what an earlier one holds. */
static void note_decision(struct wg_exchange *x, struct wg_recipient *recipient,
                          bool is_refused)
{
    if (is_refused || !x->is_held || x->decision.verdict == WG_VERDICT_QUARANTINE)
        recipient->decision = x->decision;
}

static enum wg_stage_result ask(struct wg_exchange *x, struct wg_recipient *recipient,
                                unsigned step)
{
    const struct wg_instance *own = x->instance;
    struct wg_policy_generation *own_generation = x->generation;
    enum wg_hook hook = steps[step].hook;
    enum wg_stage_result result;

    if (hook == WG_HOOK_EVENT && wg_event_is_invite(&x->event))
        hook = WG_HOOK_INVITE;
    if (steps[step].direction == WG_INBOUND && !x->other_generation)
        x->other_generation = wg_policy_pin(x->worker->policy, recipient->ours->index);
    look_from(x, steps[step].direction, recipient, own, own_generation);
    result = wg_exchange_ask(x, hook);
    if (result == WG_STAGE_NEXT) {
        result = wg_exchange_obey(x);
        note_decision(x, recipient, result == WG_STAGE_REPLY);
    }
    x->direction = WG_OUTBOUND;
    x->instance = own;
    x->generation = own_generation;
    x->peer_name = recipient->name;
    return result;
}

static void note_refusal(struct wg_exchange *x, struct wg_recipient *recipient)
{
    recipient->is_refused = true;
    recipient->refusal = x->err;
    recipient->retry_after_s = x->retry_after_s;
    x->is_refused = false;
    x->retry_after_s = 0;
}

/* What is held for one is not held for the others. */
static void take_hold(struct wg_exchange *x, struct wg_recipient *recipient)
{
    recipient->is_held = x->is_held && !recipient->is_refused;
    recipient->held_reason = x->held_reason;
    x->is_held = false;
    x->held_reason = (struct wg_str){NULL, 0};
}

static void next_recipient(struct wg_exchange *x)
{
    take_hold(x, &x->recipients[x->recipient_at]);
    if (x->other_generation) {
        wg_policy_unpin(x->other_generation);
        x->other_generation = NULL;
    }
    x->judge_step = 0;
    x->recipient_at++;
}

/* When none is let through, the answer is one of the refusals: one that may end, if there is
 * one, so that the event is sent again; NULL when one is let through. */
static const struct wg_recipient *refusal_of_all(const struct wg_exchange *x)
{
    const struct wg_recipient *chosen = &x->recipients[0];

    for (size_t i = 0; i < x->recipient_count; i++) {
        const struct wg_recipient *recipient = &x->recipients[i];

        if (!recipient->is_refused)
            return NULL;
        if (chosen->retry_after_s == 0 && recipient->retry_after_s > 0)
            chosen = recipient;
    }
    return chosen;
}

enum wg_stage_result wg_stage_decide(struct wg_exchange *x)
{
    const struct wg_recipient *refusal;

    if (!x->has_event)
        return WG_STAGE_NEXT;
    while (x->recipient_at < x->recipient_count) {
        struct wg_recipient *recipient = &x->recipients[x->recipient_at];
        unsigned count = recipient->ours ? WG_COUNT(steps) : WG_COUNT(steps) / 2;

        while (x->judge_step < count && !recipient->is_refused) {
            enum wg_stage_result result = ask(x, recipient, x->judge_step);

            if (result == WG_STAGE_WAIT)
                return WG_STAGE_WAIT;
            if (result == WG_STAGE_REPLY)
                note_refusal(x, recipient);
            else
                x->judge_step++;
        }
        next_recipient(x);
    }
    refusal = refusal_of_all(x);
    if (!refusal)
        return WG_STAGE_NEXT;
    x->err = refusal->refusal;
    x->retry_after_s = refusal->retry_after_s;
    return wg_exchange_refuse(x);
}
