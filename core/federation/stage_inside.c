// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"

/* A read at a server that lives behind this gateway as well goes there without the network: the
 * request is made as it would have come in from outside, signed by the asking instance, and
 * walks on as an inbound one, through the other instance's policies. */

static enum wg_code make_message(struct wg_exchange *x, const struct wg_instance *to)
{
    struct wg_message *message = wg_arena_new(x->arena, struct wg_message);
    struct wg_sign_options options = {
        .created_s = wg_clock_wall_s(x->worker->gateway->clock),
    };

    *message = (struct wg_message){
        .method = x->message->method, .scheme = WG_STR("https"), .authority = to->server_name};
    if (wg_message_set_target(
            message,
            wg_str(wg_arena_format(x->arena, "%.*s%.*s", WG_STR_F(x->message->path),
                                   WG_STR_F(x->message->query))),
            &x->err) != WG_OK)
        return x->err.code;
    wg_headers_add(&message->headers, x->arena, WG_STR("host"), to->server_name);
    wg_headers_add(&message->headers, x->arena, WG_STR("accept"), WG_STR("application/json"));
    if (wg_instance_sign(x->instance, message, &options, x->arena, &x->err) != WG_OK)
        return x->err.code;
    x->message = message;
    return WG_OK;
}

enum wg_stage_result wg_stage_inside(struct wg_exchange *x)
{
    const struct wg_instance *to = wg_gateway_instance(x->worker->gateway, x->peer_name);

    if (!to)
        return WG_STAGE_NEXT;
    if (make_message(x, to) != WG_OK)
        return wg_exchange_refuse(x);
    x->peer_name = x->instance->server_name;
    x->instance = to;
    wg_policy_unpin(x->generation);
    x->generation = wg_policy_pin(x->worker->policy, to->index);
    x->judge_step = 0;
    x->labels = (struct wg_headers){0};
    return wg_exchange_turn_inside(x);
}
