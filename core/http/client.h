// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/metric.h"
#include "net/dialer.h"
#include "wire/message.h"

/** HTTP/1.1 client: a pool of connections for each origin, of one loop. llhttp strict; an
 * answer that two parsers could read differently is WG_BAD_ANSWER. Redirects are not followed.
 */
struct wg_http_client;

enum { WG_HTTP_IDLE_LINKS = 256 };

struct wg_http_client_options {
    unsigned connections_per_origin; /**< default 64; more requests wait in order */
    /** Connections kept though nobody uses them, over all origins: past it the one unused
     * longest closes. One with TLS takes some 100 KiB. Default WG_HTTP_IDLE_LINKS. */
    unsigned idle_limit;
    int64_t idle_timeout_ms; /**< default 60 s in the pool */
};
struct wg_http_client *wg_http_client_new(struct wg_loop *loop, struct wg_dialer *dialer,
                                          const struct wg_http_client_options *options);
/** Every fetch under way ends with WG_CANCELLED, from the loop; on_closed then says that all
 * connections are gone and the client is freed. */
void wg_http_client_close(struct wg_http_client *client, void (*on_closed)(void *owner),
                          void *owner);

struct wg_http_request {
    struct wg_dial_target origin;
    struct wg_str method, target; /**< origin-form */
    /** Includes Host; without Content-Length and Connection: those are the client's. */
    const struct wg_header *headers;
    size_t header_count;
    struct wg_str body;
    size_t answer_limit_bytes; /**< of the body; 0 = 1 MiB */
    int64_t timeout_ms;        /**< for the whole fetch; 0 = 30 s */
    enum wg_purpose purpose;   /**< what it counts as in /metrics */
};

struct wg_http_response {
    int status;
    struct wg_headers headers; /**< hop-by-hop fields are taken out */
    struct wg_str body;
    const struct wg_stream_info *info;
};

struct wg_http_fetch;
/** Everything in request is copied. on_answer comes exactly once, from the loop: response (lent
 * until the return) or NULL and err, the dialer's codes or WG_BAD_ANSWER, WG_TIMEOUT,
 * WG_CLOSED, WG_TOO_LARGE, WG_CANCELLED. A kept connection that turns out to be dead before any
 * byte of an answer is replaced once by a fresh one when method is idempotent or nothing of the
 * request can have been processed; else WG_CLOSED. */
struct wg_http_fetch *
wg_http_fetch(struct wg_http_client *client, const struct wg_http_request *request,
              void (*on_answer)(void *owner, const struct wg_http_response *response,
                                const struct wg_err *err),
              void *owner);
/** on_answer comes with WG_CANCELLED; the connection is not used again. */
void wg_http_fetch_cancel(struct wg_http_fetch *fetch);
