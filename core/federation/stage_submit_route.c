// SPDX-License-Identifier: Apache-2.0
#include "federation/exchange.h"
#include "federation/tokens.h"
#include "http/query.h"
#include "wire/name.h"

/* An instance asks as an ordinary client of an HTTP proxy does, or names the peer in Host. */

static const enum wg_endpoint send = WG_ENDPOINT_SEND, profile = WG_ENDPOINT_PROFILE,
                              members = WG_ENDPOINT_MEMBERS, backfill = WG_ENDPOINT_BACKFILL,
                              relay = WG_ENDPOINT_RELAY;

static const struct wg_route routes[] = {
    {"POST", "/_scaiwave/federation/v1/send", &send},
    {"POST", "/_wavegate/v1/relay", &relay},
    {"GET", "/_scaiwave/federation/v1/profile/{local_id}", &profile},
    {"GET", "/_scaiwave/federation/v1/rooms/{room_id}/members", &members},
    {"GET", "/_scaiwave/federation/v1/rooms/{room_id}/backfill", &backfill},
};

static enum wg_code read_token(struct wg_exchange *x)
{
    struct wg_gateway *gateway = x->worker->gateway;
    struct wg_str field = wg_headers_get(&x->message->headers, "proxy-authorization");
    struct wg_token_bearer bearer;

    if (!field.at)
        field = wg_headers_get(&x->message->headers, "authorization");
    if (wg_tokens_check_instance(gateway->tokens, field, &bearer, &x->err) != WG_OK) {
        if (x->err.code == WG_INVALID_TOKEN)
            wg_exchange_header(x, "www-authenticate",
                               WG_STR("Bearer realm=\"wavegate egress\""));
        return x->err.code;
    }
    x->instance = wg_gateway_instance(gateway, wg_str(bearer.instance));
    if (!x->instance)
        return wg_fail(
            &x->err, WG_NOT_PERMITTED,
            "the token belongs to '%s', which is no instance of this gateway any more",
            bearer.instance);
    return WG_OK;
}

/* Whom the request is for; a relay names its destinations in the body. */
static enum wg_code read_destination(struct wg_exchange *x)
{
    bool allow = x->worker->gateway->config->allow_ip_literals;

    if (x->endpoint == WG_ENDPOINT_RELAY)
        return WG_OK;
    if (wg_server_name_check(x->message->authority, allow, &x->err) != WG_OK)
        return wg_while(&x->err, "the peer named by the request");
    x->peer_name = x->message->authority;
    return WG_OK;
}

static enum wg_code read_limit(struct wg_exchange *x)
{
    uint64_t value;

    if (x->endpoint != WG_ENDPOINT_BACKFILL)
        return WG_OK;
    if (wg_http_query_uint(x->message->query, "limit", INT32_MAX, 0, &value, &x->err) !=
            WG_OK ||
        wg_http_query_get(x->message->query, "before", x->arena, &x->before, &x->err) != WG_OK)
        return wg_while(&x->err, "query");
    x->limit = value > 0 ? (int64_t)value : -1;
    return WG_OK;
}

enum wg_stage_result wg_stage_submit_route(struct wg_exchange *x)
{
    struct wg_route_match match;
    enum wg_code code;

    if (read_token(x) != WG_OK)
        return wg_exchange_refuse(x);
    code = wg_route_find(routes, WG_COUNT(routes), x->message->method, x->message->path,
                         x->arena, &match, &x->err);
    if (code == WG_METHOD_NOT_ALLOWED)
        wg_exchange_header(x, "allow", match.allow);
    if (code != WG_OK)
        return wg_exchange_refuse(x);
    x->endpoint = *(const enum wg_endpoint *)match.route->value;
    x->has_endpoint = true;
    x->room_id = wg_route_capture(&match, "room_id");
    x->local_id = wg_route_capture(&match, "local_id");
    if ((x->room_id.at && wg_room_id_check(x->room_id, &x->err) != WG_OK) ||
        read_destination(x) != WG_OK || read_limit(x) != WG_OK)
        return wg_exchange_refuse(x);
    x->generation = wg_policy_pin(x->worker->policy, x->instance->index);
    x->is_authenticated = true;
    return WG_STAGE_NEXT;
}
