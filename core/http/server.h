// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buf.h"
#include "net/loop.h"
#include "net/stream.h"
#include "wire/message.h"

/** HTTP/1.1 server on streams: keep-alive, pipelined requests answered in order, Expect:
 * 100-continue, chunked bodies. A request that two parsers could read differently is answered
 * 400 and the connection closed.
 *
 * Thread: one loop. */
struct wg_http_server;
struct wg_http_call;

struct wg_http_server_options {
    size_t header_limit_bytes; /**< 16 KiB: 431 past it */
    size_t body_limit_bytes;   /**< 256 KiB: 413 past it, judged by Content-Length when there is
                                  one */
    int64_t head_timeout_ms; /**< 10 s from the first byte of a request to the end of its head:
                                408 */
    int64_t body_timeout_ms; /**< 30 s */
    int64_t idle_timeout_ms; /**< 75 s between requests */
    unsigned requests_limit; /**< on one connection, then Connection: close; 0 = 10000 */
    const char *scheme;      /**< "https" */
    /** Body of an answer the server makes itself (400, 408, 413, 431, 505...): fills out with
     * JSON. NULL: none. */
    void (*error_body)(int status, const char *reason, struct wg_buf *out);
};
void wg_http_server_defaults(struct wg_http_server_options *options);

struct wg_http_server_events {
    /** A whole request is here. Answer with wg_http_respond(), now or later, exactly once. */
    void (*on_request)(void *owner, struct wg_http_call *call);
    /** A request that was answered by the server itself, for the log. May be NULL. */
    void (*on_refused)(void *owner, const struct wg_stream_info *info, int status,
                       const char *reason);
};

struct wg_http_server *wg_http_server_new(struct wg_loop *loop,
                                          const struct wg_http_server_options *options,
                                          const struct wg_http_server_events *events,
                                          void *owner);
/** Takes the stream over (listener's on_accept). */
void wg_http_server_adopt(struct wg_http_server *server, struct wg_stream *stream);
/** No new requests: idle connections close, busy ones after their answer. on_drained comes when
 * the last one has closed (at once from the loop when there is none). */
void wg_http_server_drain(struct wg_http_server *server, void (*on_drained)(void *owner),
                          void *owner);
/** Closes every connection at once (a drain that took too long); on_drained still follows. */
void wg_http_server_abort(struct wg_http_server *server);
/** After on_drained only. */
struct wg_http_server *wg_http_server_free(struct wg_http_server *server);
unsigned wg_http_server_connections(const struct wg_http_server *server);

/** The request; lent until wg_http_respond(). Memory is the call's arena. */
struct wg_message *wg_http_call_message(struct wg_http_call *call);
struct wg_arena *wg_http_call_arena(struct wg_http_call *call);
const struct wg_stream_info *wg_http_call_info(const struct wg_http_call *call);
/** Called once, from the loop, when the client goes away before the answer; the call must still
 * be ended with wg_http_respond() (which then sends nothing). */
void wg_http_call_on_gone(struct wg_http_call *call, void (*on_gone)(void *owner), void *owner);

struct wg_http_answer {
    int status;
    /** Without Content-Length, Date, Connection: those are the server's. Lent. */
    const struct wg_header *headers;
    size_t header_count;
    struct wg_str body; /**< lent; copied */
    bool close;         /**< end the connection after this answer */
};
/** Answers and ends the call: it is gone when this returns. A HEAD request gets no body. */
void wg_http_respond(struct wg_http_call *call, const struct wg_http_answer *answer);

/** An answer of unknown length, in chunks (event streams): begin, then chunks, then end.
 * on_writable of begin is called when all that was given has been sent. After on_gone only
 * _end() may be called. */
void wg_http_respond_begin(struct wg_http_call *call, const struct wg_http_answer *head,
                           void (*on_writable)(void *owner), void *owner);
WG_MUST_USE enum wg_code wg_http_respond_chunk(struct wg_http_call *call, struct wg_str data,
                                               struct wg_err *err);
void wg_http_respond_end(struct wg_http_call *call);
