// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"
#include "http/hop.h"
#include "wire/name.h"

/* A read of an instance at a peer: signed with the instance's key and asked at once. */

enum { ANSWER_LIMIT_BYTES = 16 * 1024 * 1024, TIMEOUT_MS = 30 * 1000, RETRY_AFTER_S = 30 };

static enum wg_stage_result unreachable(struct wg_exchange *x, const char *reason)
{
    x->delivery_failure = wg_arena_copy(x->arena, wg_str(reason));
    x->retry_after_s = RETRY_AFTER_S;
    return wg_exchange_fail(x, WG_PEER_UNREACHABLE, "'%.*s' gave no usable answer: %s",
                            WG_STR_F(x->peer_name), reason);
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct wg_exchange *x = owner;

    x->fetch = NULL;
    x->is_delivered = true;
    if (response) {
        wg_exchange_pass(x, response);
        x->outcome = response->status < 400 ? WG_EXCHANGE_PASSED : WG_EXCHANGE_REFUSED;
    } else {
        unreachable(x, err->text);
    }
    wg_exchange_run(x);
}

static struct wg_str path_at_peer(struct wg_exchange *x)
{
    const struct wg_descriptor *descriptor = &x->peer->descriptor;
    struct wg_str path = x->endpoint == WG_ENDPOINT_PROFILE
                             ? wg_endpoint_expand(descriptor->profile, x->local_id, x->arena)
                         : x->endpoint == WG_ENDPOINT_MEMBERS
                             ? wg_endpoint_expand(descriptor->members, x->room_id, x->arena)
                             : wg_endpoint_expand(descriptor->backfill, x->room_id, x->arena);

    return wg_str(wg_arena_format(x->arena, "%.*s%.*s", WG_STR_F(path),
                                  WG_STR_F(wg_exchange_clamped_query(x))));
}

static enum wg_code make_request(struct wg_exchange *x, struct wg_http_request *ret_request)
{
    struct wg_message message = {
        .method = x->message->method, .scheme = WG_STR("https"), .authority = x->peer_name};
    struct wg_sign_options options = {
        .created_s = wg_clock_wall_s(x->worker->gateway->clock),
    };

    if (wg_message_set_target(&message, path_at_peer(x), &x->err) != WG_OK)
        return wg_while(&x->err, "the peer's endpoint");
    wg_headers_add(&message.headers, x->arena, WG_STR("host"), x->peer_name);
    wg_headers_add(&message.headers, x->arena, WG_STR("accept"), WG_STR("application/json"));
    wg_headers_add(&message.headers, x->arena, WG_STR("user-agent"),
                   WG_STR("wavegate/" WAVEGATE_VERSION));
    if (wg_instance_sign(x->instance, &message, &options, x->arena, &x->err) != WG_OK)
        return x->err.code;
    *ret_request = (struct wg_http_request){
        .origin.is_tls = true,
        .method = message.method,
        .target = message.target,
        .headers = message.headers.at,
        .header_count = message.headers.count,
        .answer_limit_bytes = ANSWER_LIMIT_BYTES,
        .timeout_ms = TIMEOUT_MS,
        .purpose = WG_PURPOSE_READ,
    };
    wg_server_name_split(x->peer_name, 443, &ret_request->origin.host,
                         &ret_request->origin.port);
    return WG_OK;
}

enum wg_stage_result wg_stage_proxy(struct wg_exchange *x)
{
    struct wg_http_request request;

    if (x->is_delivered)
        return x->outcome == WG_EXCHANGE_PASSED ? WG_STAGE_NEXT : WG_STAGE_REPLY;
    if (!x->worker->client)
        return unreachable(x, "the gateway is stopping");
    if (make_request(x, &request) != WG_OK) {
        x->err.code = WG_PEER_UNREACHABLE;
        return wg_exchange_refuse(x);
    }
    x->fetch = wg_http_fetch(x->worker->client, &request, on_answer, x);
    return WG_STAGE_WAIT;
}
