// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "wire/address.h"

/** One TCP connection, with or without TLS on top; callers cannot tell which.
 *
 * Owner:  whoever it was handed to (listener's on_accept, dialer's on_dialed); ends with
 *         wg_stream_close().
 * Thread: the loop it was made on. No function here may be called from another.
 * Calls:  every on_* runs from the loop, never from inside the function that started the operation.
 *         After wg_stream_close() only on_closed follows. */
struct wg_stream;

struct wg_stream_events {
    /** data is lent until the return; keep a copy of what is not consumed. */
    void (*on_read)(void *owner, const char *data, size_t len);
    /** The peer ended its side (err->code is WG_OK), or the stream failed. Comes once. Under TLS an end
     * without close_notify is WG_CLOSED. */
    void (*on_end)(void *owner, const struct wg_err *err);
    /** All that was written is with the kernel. Follows every write that got there, one for several;
     * may be NULL. */
    void (*on_writable)(void *owner);
    void (*on_closed)(void *owner);   /**< last call; owner may free itself here */
};

/** Sets who is called. Reading starts with the first call of this. */
void wg_stream_listen(struct wg_stream *stream, const struct wg_stream_events *events,
                      void *owner);
/** Queues a copy of data for sending.
 * @return WG_OK, or WG_TOO_LARGE when unsent_limit_bytes (1 MiB) already wait: stop producing until
 *         on_writable. Network failures arrive in on_end. */
WG_MUST_USE enum wg_code wg_stream_write(struct wg_stream *stream, const void *data, size_t len,
                                         struct wg_err *err);
/** Bytes that are queued and not yet with the kernel. */
size_t wg_stream_unsent(const struct wg_stream *stream);
/** Back-pressure: no on_read while paused. */
void wg_stream_pause(struct wg_stream *stream);
void wg_stream_resume(struct wg_stream *stream);
/** Sends what is queued, then TLS close_notify and FIN, then closes; gives up after 5 s. */
void wg_stream_finish(struct wg_stream *stream);
/** Closes now; what was not sent is dropped. on_closed follows from the loop. Calling twice is fine. */
void wg_stream_close(struct wg_stream *stream);

/** What is known of the other end; lent, as long as the stream. */
struct wg_stream_info {
    struct wg_ip remote_ip;
    uint16_t remote_port;
    bool is_tls;
    bool is_resumed; /**< dialed streams: an earlier TLS session went on */
    struct wg_str server_name; /**< SNI sent by the client; absent when none */
    const char *tls_version;   /**< "TLSv1.3"; NULL without TLS */
    const char *tls_cipher;
    int64_t certificate_until_s; /**< valid_to of the certificate the other end showed; 0 without */
};
const struct wg_stream_info *wg_stream_info(const struct wg_stream *stream);
