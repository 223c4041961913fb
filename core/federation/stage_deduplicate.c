// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"
#include "wire/name.h"

static void on_settled(void *owner)
{
    wg_exchange_run(owner);
}

enum wg_stage_result wg_stage_deduplicate(struct wg_exchange *x)
{
    if (!x->has_event)
        return WG_STAGE_NEXT;
    wg_event_id_key(x->event.uuid, x->event_key);
    switch (wg_taken_claim(x->worker->gateway->taken, x->instance->index, x->event_key,
                           x->worker->loop, on_settled, x)) {
    case WG_TAKEN_NEW:
        x->is_claimed = true;
        return WG_STAGE_NEXT;
    case WG_TAKEN_WAIT:
        return WG_STAGE_WAIT;
    case WG_TAKEN_DUPLICATE:
        break;
    }
    x->outcome = WG_EXCHANGE_DUPLICATE;
    return WG_STAGE_REPLY;
}
