// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"

enum wg_stage_result wg_stage_parse(struct wg_exchange *x)
{
    if (x->endpoint != WG_ENDPOINT_SEND)
        return WG_STAGE_NEXT;
    if (x->message->body.len == 0)
        return wg_exchange_fail(x, WG_INVALID,
                                "the body is empty: it carries one event as JSON");
    if (wg_event_parse(x->message->body, &x->event, &x->err) != WG_OK) {
        wg_while(&x->err, "event");
        return wg_exchange_refuse(x);
    }
    x->has_event = true;
    x->room_id = x->event.room_id;
    if (!wg_str_equal(x->event.origin, x->peer_name))
        return wg_exchange_fail(
            x, WG_BAD_SIGNATURE,
            "the event's origin is '%.*s', the request is signed by '%.*s': a server "
            "sends its own events only",
            WG_STR_F(x->event.origin), WG_STR_F(x->peer_name));
    return WG_STAGE_NEXT;
}
