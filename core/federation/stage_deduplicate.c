// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"
#include "wire/name.h"

static void on_settled(void *owner)
{
    wg_exchange_run(owner);
}

static void on_checked(void *owner, const struct wg_err *err, bool is_seen)
{
    struct wg_exchange *x = owner;

    x->is_checked = true;
    x->store_code = err->code;
    x->is_known = err->code == WG_OK && is_seen;
    wg_exchange_run(x);
}

/* What happened before this process began, or too long ago for its memory. */
static void ask_store(struct wg_exchange *x)
{
    struct wg_seen seen = {
        .server = x->instance->server_name,
        .destination = {.is_outbound = false, .name = x->instance->server_name},
    };

    memcpy(seen.event_id, x->event_key, sizeof seen.event_id);
    x->is_checking = true;
    wg_store_seen_check(x->worker->gateway->store, x->worker->loop, &seen, on_checked, x);
}

static enum wg_stage_result duplicate(struct wg_exchange *x)
{
    x->outcome = WG_EXCHANGE_DUPLICATE;
    return WG_STAGE_REPLY;
}

enum wg_stage_result wg_stage_deduplicate(struct wg_exchange *x)
{
    if (!x->has_event)
        return WG_STAGE_NEXT;
    if (x->is_checked) {
        if (x->is_known)
            return duplicate(x);
        /* A store that cannot be read makes no duplicates: the instance knows ids as well. */
        return WG_STAGE_NEXT;
    }
    if (x->is_checking)
        return WG_STAGE_WAIT;
    wg_event_id_key(x->event.uuid, x->event_key);
    switch (wg_taken_claim(x->worker->gateway->taken, x->instance->index, x->event_key,
                           x->worker->loop, on_settled, x)) {
    case WG_TAKEN_NEW:
        x->is_claimed = true;
        ask_store(x);
        return WG_STAGE_WAIT;
    case WG_TAKEN_WAIT:
        return WG_STAGE_WAIT;
    case WG_TAKEN_DUPLICATE:
        break;
    }
    return duplicate(x);
}
