// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "federation/exchange.h"
#include "http/query.h"
#include "wire/name.h"

static const enum wg_endpoint descriptor = WG_ENDPOINT_DESCRIPTOR, send = WG_ENDPOINT_SEND,
                              profile = WG_ENDPOINT_PROFILE, members = WG_ENDPOINT_MEMBERS,
                              backfill = WG_ENDPOINT_BACKFILL;

/* docs/protocol.md, "Endpoints" */
static const struct wg_route routes[] = {
    {"GET", WG_DESCRIPTOR_PATH, &descriptor},
    {"POST", "/_scaiwave/federation/v1/send", &send},
    {"GET", "/_scaiwave/federation/v1/profile/{local_id}", &profile},
    {"GET", "/_scaiwave/federation/v1/rooms/{room_id}/members", &members},
    {"GET", "/_scaiwave/federation/v1/rooms/{room_id}/backfill", &backfill},
};

static enum wg_stage_result find_instance(struct wg_exchange *x)
{
    struct wg_str authority = x->message->authority;
    struct wg_str sni = wg_http_call_info(x->call)->server_name;
    struct wg_str host;
    uint16_t port;

    x->instance = wg_gateway_instance(x->worker->gateway, authority);
    if (!x->instance)
        return wg_exchange_fail(
            x, WG_SERVER_UNKNOWN,
            "no server '%.*s' lives here: check its DNS entry and the Host field",
            WG_STR_F(authority));
    /* RFC 9110 7.4: a request for another name than the connection was made for is misdirected.
     */
    wg_server_name_split(authority, 443, &host, &port);
    if (sni.at && !wg_str_equal_nocase(sni, host))
        return wg_exchange_fail(
            x, WG_SERVER_UNKNOWN,
            "the connection was made for '%.*s', the request is for '%.*s': open one "
            "connection for each server",
            WG_STR_F(sni), WG_STR_F(authority));
    return WG_STAGE_NEXT;
}

/* The parameters that the gateway itself acts on; others pass through. */
static enum wg_code read_query(struct wg_exchange *x)
{
    struct wg_str limit;
    uint64_t value;

    if (x->endpoint != WG_ENDPOINT_BACKFILL)
        return WG_OK;
    if (wg_http_query_get(x->message->query, "limit", x->arena, &limit, &x->err) != WG_OK ||
        wg_http_query_get(x->message->query, "before", x->arena, &x->before, &x->err) != WG_OK)
        return wg_while(&x->err, "query");
    if (!limit.at)
        return WG_OK;
    if (!wg_str_to_uint(limit, INT32_MAX, &value) || value == 0)
        return wg_fail(&x->err, WG_INVALID, "query: limit is a whole number from 1, not '%.*s'",
                       WG_STR_F(limit));
    x->limit = (int64_t)value;
    return WG_OK;
}

static enum wg_stage_result answer_descriptor(struct wg_exchange *x)
{
    int64_t max_age_s;

    x->outcome = WG_EXCHANGE_PASSED;
    x->status = 200;
    x->answer_body = wg_identity_descriptor(x->instance->identity,
                                            wg_clock_wall_s(x->worker->gateway->clock),
                                            x->arena, &max_age_s);
    wg_exchange_header(x, "content-type", WG_STR("application/json"));
    wg_exchange_header(
        x, "cache-control",
        wg_str(wg_arena_format(x->arena, "public, max-age=%lld", (long long)max_age_s)));
    return WG_STAGE_REPLY;
}

enum wg_stage_result wg_stage_route(struct wg_exchange *x)
{
    enum wg_stage_result result = find_instance(x);
    struct wg_route_match match;
    enum wg_code code;

    if (result != WG_STAGE_NEXT)
        return result;
    code = wg_route_find(routes, WG_COUNT(routes), x->message->method, x->message->path,
                         x->arena, &match, &x->err);
    if (code == WG_METHOD_NOT_ALLOWED)
        wg_exchange_header(x, "allow", match.allow);
    if (code != WG_OK)
        return wg_exchange_refuse(x);
    x->endpoint = *(const enum wg_endpoint *)match.route->value;
    x->has_endpoint = true;
    if (x->endpoint == WG_ENDPOINT_DESCRIPTOR)
        return answer_descriptor(x);
    x->room_id = wg_route_capture(&match, "room_id");
    x->local_id = wg_route_capture(&match, "local_id");
    if (x->room_id.at && wg_room_id_check(x->room_id, &x->err) != WG_OK)
        return wg_exchange_refuse(x);
    if (read_query(x) != WG_OK)
        return wg_exchange_refuse(x);
    return WG_STAGE_NEXT;
}
