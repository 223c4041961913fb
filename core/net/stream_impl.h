// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/buf.h"
#include "base/metric.h"
#include "net/loop_impl.h"
#include "net/stream.h"

struct wg_tls_conn;
struct wg_connection_counter;

enum {
    WG_UNSENT_LIMIT_BYTES = 1024 * 1024,
    /** One write may go over the limit above, since it is taken whole or not at all. */
    WG_OUT_LIMIT_BYTES = 256 * 1024 * 1024
};

struct wg_stream {
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct wg_loop *loop;
    struct wg_later later;
    struct wg_timer *timer; /**< the handshake's, later that of wg_stream_finish(); else NULL */
    struct wg_stream_events events;
    void *owner;
    struct wg_stream_info info;
    struct wg_err *failure; /**< met while writing; told from the loop */

    struct wg_buf out;       /**< waits until in_flight is sent */
    struct wg_buf in_flight; /**< libuv holds pointers into it */

    struct wg_tls_conn *tls; /**< NULL: plain */
    struct wg_buf stash;     /**< TLS records that came before a pause */
    void (*on_ready)(void *owner,
                     const struct wg_err *err); /**< not NULL: handshake under way */
    void *ready_owner;

    struct wg_connection_counter *counter; /**< held until the stream is gone; may be NULL */
    bool is_counted;                       /**< in CONNECTIONS_OPEN, at door */
    enum wg_door door;

    bool has_listener;
    bool is_paused;
    bool is_ended;  /**< on_end was called, or the peer's FIN came while finishing */
    bool is_broken; /**< nothing can be sent any more */
    bool wants_writable;
    bool is_finishing;
    bool is_shut; /**< our FIN is sent */
    bool is_closing;
};

/** Without a connection yet; on_closed of events comes as for any stream. */
struct wg_stream *wg_stream_new(struct wg_loop *loop);
/** Once connected: TCP_NODELAY, and who is there. @return false: it is gone already */
bool wg_stream_connected(struct wg_stream *stream);
/** Sets who is called without starting to read, for the time before the stream is handed out.
 */
void wg_stream_hold(struct wg_stream *stream, const struct wg_stream_events *events,
                    void *owner);
/** Takes tls over and shakes hands from the loop. on_ready comes once, with NULL or what
 * failed; not after wg_stream_close(). */
void wg_stream_handshake(struct wg_stream *stream, struct wg_tls_conn *tls, int64_t timeout_ms,
                         void (*on_ready)(void *owner, const struct wg_err *err), void *owner);
/** Tells from the loop that sending or receiving has failed. */
void wg_stream_fail(struct wg_stream *stream, const struct wg_err *err);

/* Between stream.c, stream_out.c and stream_tls.c. */
bool wg_stream_can_read(const struct wg_stream *stream);
void wg_stream_read_start(struct wg_stream *stream);
void wg_stream_end(struct wg_stream *stream, const struct wg_err *err);
/** Sends now what the kernel takes and queues the rest. */
void wg_stream_send(struct wg_stream *stream, const void *data, size_t len);
/** Sends the records that TLS has put into the loop's scratch. */
void wg_stream_send_scratch(struct wg_stream *stream);
void wg_stream_tls_start(struct wg_stream *stream);
/** data NULL: the peer's FIN. */
void wg_stream_tls_input(struct wg_stream *stream, const char *data, size_t len);
void wg_stream_tls_resume(struct wg_stream *stream);
void wg_stream_tls_write(struct wg_stream *stream, const char *data, size_t len);
