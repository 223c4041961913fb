// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"
#include "federation/presence.h"
#include "federation/standing.h"

enum { HOOKS_OF_AN_ENDPOINT = 2 };

/* The hooks an endpoint asks, in order. */
static const struct {
    unsigned count;
    enum wg_hook hooks[HOOKS_OF_AN_ENDPOINT];
} asked[WG_ENDPOINT_COUNT] = {
    [WG_ENDPOINT_SEND] = {2, {WG_HOOK_ROOM, WG_HOOK_EVENT}}, /* an invite asks hook invite */
    [WG_ENDPOINT_PROFILE] = {1, {WG_HOOK_PROFILE}},
    [WG_ENDPOINT_MEMBERS] = {2, {WG_HOOK_ROOM, WG_HOOK_MEMBERS}},
    [WG_ENDPOINT_BACKFILL] = {2, {WG_HOOK_ROOM, WG_HOOK_BACKFILL}},
};

static bool must_wait(struct wg_exchange *x)
{
    x->retry_after_s = wg_toll_wait_s(&x->worker->toll, x->instance->server_name, x->peer_name,
                                      wg_clock_mono_ms(x->worker->gateway->clock));
    if (x->retry_after_s > 0)
        wg_standing_held_back(x->worker->gateway, x->peer_name, x->retry_after_s);
    return x->retry_after_s > 0;
}

enum wg_stage_result wg_stage_admit(struct wg_exchange *x)
{
    enum wg_stage_result result;

    if (!x->is_asked && x->direction == WG_INBOUND && must_wait(x))
        return wg_exchange_fail(
            x, WG_RATE_LIMITED,
            "your requests keep this server's policies too busy: send again "
            "after %lld seconds",
            (long long)x->retry_after_s);
    result = wg_exchange_ask(x, WG_HOOK_PEER);
    if (result != WG_STAGE_NEXT)
        return result;
    if (x->direction == WG_INBOUND && x->is_authenticated)
        wg_standing_judged(x->worker->gateway, x->instance, x->peer_name, &x->decision);
    return wg_exchange_obey(x);
}

enum wg_stage_result wg_stage_judge(struct wg_exchange *x)
{
    if (x->judge_step == 0 && !x->is_asked)
        wg_presence_enter(x);
    while (x->judge_step < asked[x->endpoint].count) {
        enum wg_hook hook = asked[x->endpoint].hooks[x->judge_step];
        enum wg_stage_result result;

        if (hook == WG_HOOK_EVENT && wg_event_is_invite(&x->event))
            hook = WG_HOOK_INVITE;
        result = wg_exchange_ask(x, hook);
        if (result == WG_STAGE_NEXT)
            result = wg_exchange_obey(x);
        if (result != WG_STAGE_NEXT)
            return result;
        x->judge_step++;
    }
    return WG_STAGE_NEXT;
}
