// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "federation/exchange.h"
#include "federation/upstream.h"
#include "wire/json.h"

enum { RETRY_AFTER_S = 5 };

static void fail_delivery(struct wg_exchange *x, const char *format, ...) WG_PRINTF(2, 3);

static void fail_delivery(struct wg_exchange *x, const char *format, ...)
{
    char text[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    x->retry_after_s = RETRY_AFTER_S;
    /* The address and state of the instance are not the peer's to know; the log has them. */
    x->delivery_failure = wg_arena_copy(x->arena, wg_str(text));
    wg_exchange_fail(x, WG_UPSTREAM_UNAVAILABLE,
                     "'%.*s' cannot take requests now: send again after %d seconds",
                     WG_STR_F(x->instance->server_name), RETRY_AFTER_S);
}

static void pass_answer(struct wg_exchange *x, const struct wg_http_response *response)
{
    for (size_t i = 0; i < response->headers.count; i++) {
        const struct wg_header *header = &response->headers.at[i];

        if (wg_str_is(header->name, "content-length") || wg_str_is(header->name, "date") ||
            wg_str_is(header->name, "x-request-id"))
            continue;
        wg_headers_add(&x->answer_headers, x->arena, wg_arena_copy(x->arena, header->name),
                       wg_arena_copy(x->arena, header->value));
    }
    x->status = response->status;
    x->answer_body = wg_arena_copy(x->arena, response->body);
}

/* An instance may know the event from before our own memory began. */
static bool says_duplicate(const struct wg_http_response *response)
{
    struct wg_err ignored;
    json_t *json;
    bool is_duplicate;

    if (wg_json_parse(response->body, &json, &ignored) != WG_OK)
        return false;
    is_duplicate = wg_str_is(wg_json_string(json, "status"), "duplicate");
    json_decref(json);
    return is_duplicate;
}

static void read_answer(struct wg_exchange *x, const struct wg_http_response *response)
{
    bool is_send = x->endpoint == WG_ENDPOINT_SEND;

    if (response->status >= 500 || response->status < 200 ||
        (response->status >= 300 && response->status < 400 && response->status != 304)) {
        fail_delivery(x, "the instance answered %d", response->status);
    } else if (response->status >= 400) {
        x->outcome = WG_EXCHANGE_REFUSED;
        pass_answer(x, response);
    } else if (is_send) {
        x->outcome = says_duplicate(response) ? WG_EXCHANGE_DUPLICATE : WG_EXCHANGE_ACCEPTED;
    } else {
        x->outcome = WG_EXCHANGE_PASSED;
        pass_answer(x, response);
    }
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct wg_exchange *x = owner;

    x->fetch = NULL;
    x->is_delivered = true;
    if (response)
        read_answer(x, response);
    else
        fail_delivery(x, "%s", err->text);
    wg_exchange_run(x);
}

/* The page that policy allows, when that is smaller than the one asked for: then `limit` is
 * rewritten, and only our own signature stands over the query. */
static struct wg_str clamped_query(struct wg_exchange *x)
{
    struct wg_str rest = x->message->query;
    char *query;

    if (x->endpoint != WG_ENDPOINT_BACKFILL || x->limits.events < 0 ||
        (x->limit >= 0 && x->limit <= x->limits.events))
        return x->message->query;
    query = wg_arena_format(x->arena, "?limit=%lld", (long long)x->limits.events);
    if (rest.len)
        rest = wg_str_of(rest.at + 1, rest.len - 1);
    while (rest.at) {
        struct wg_str part = wg_str_split(&rest, '&');

        if (part.len && !wg_str_starts(part, WG_STR("limit=")) && !wg_str_is(part, "limit"))
            query = wg_arena_format(x->arena, "%s&%.*s", query, WG_STR_F(part));
    }
    return wg_str(query);
}

static enum wg_code make_request(struct wg_exchange *x, struct wg_http_request *ret_request)
{
    struct wg_upstream upstream = {
        .instance = x->instance,
        .message = *x->message,
        .peer_name = x->peer_name,
        .request_id = wg_str(x->request_id),
        .remote_address = wg_str(x->remote_address),
        .generation = wg_policy_number(x->generation),
        .labels = x->labels,
    };

    upstream.message.query = clamped_query(x);
    return wg_upstream_request(&upstream, wg_clock_wall_s(x->worker->gateway->clock), x->arena,
                               ret_request, &x->err);
}

enum wg_stage_result wg_stage_deliver(struct wg_exchange *x)
{
    struct wg_http_request request;

    if (x->is_delivered)
        return x->outcome == WG_EXCHANGE_PASSED ? WG_STAGE_NEXT : WG_STAGE_REPLY;
    if (!x->worker->client) {
        fail_delivery(x, "the gateway is stopping");
        return WG_STAGE_REPLY;
    }
    if (make_request(x, &request) != WG_OK) {
        x->err.code = WG_INTERNAL;
        return wg_exchange_refuse(x);
    }
    x->fetch = wg_http_fetch(x->worker->client, &request, on_answer, x);
    return WG_STAGE_WAIT;
}
