// SPDX-License-Identifier: Apache-2.0
#include "federation/upstream.h"
#include "admin/admin_impl.h"

void wg_admin_ask_instance(struct wg_admin_request *request, struct wg_str peer,
                           struct wg_str target, struct wg_str body,
                           void (*on_answer)(void *request,
                                             const struct wg_http_response *response,
                                             const struct wg_err *err))
{
    struct wg_upstream upstream = {
        .instance = request->instance,
        .message = {.method = body.at ? WG_STR("POST") : WG_STR("GET"),
                    .scheme = WG_STR("http"),
                    .authority = request->instance->server_name,
                    .body = body},
        .peer_name = peer,
        .request_id = wg_str(request->request_id),
        .remote_address = WG_STR("127.0.0.1"),
    };
    struct wg_http_request fetched;
    struct wg_arena arena; /* many requests may be made for one of an operator */
    struct wg_err err;

    wg_arena_init(&arena);
    if (!request->worker->client)
        wg_fail(&err, WG_CANCELLED, "the gateway is stopping");
    else if (wg_message_set_target(&upstream.message, target, &err) == WG_OK) {
        wg_headers_add(&upstream.message.headers, &arena, WG_STR("host"),
                       request->instance->server_name);
        if (body.at)
            wg_headers_add(&upstream.message.headers, &arena, WG_STR("content-type"),
                           WG_STR("application/json"));
        if (wg_upstream_request(&upstream, wg_clock_wall_s(request->gateway->clock), &arena,
                                &fetched, &err) == WG_OK) {
            (void)wg_http_fetch(request->worker->client, &fetched, on_answer, request);
            wg_arena_done(&arena);
            return;
        }
    }
    wg_arena_done(&arena);
    on_answer(request, NULL, &err);
}
