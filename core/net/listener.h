// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/metric.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"

enum { WG_SOCKET_TEXT = 64 };

/** A listening TCP socket with SO_REUSEPORT, so that each worker has its own. address is "ip:port" or
 * "[ip6]:port"; port 0 takes a free one. ret_address is what it became, in the same form.
 * @return WG_CONFIG with address and reason (in use, not ours, no permission: with the remedy). */
WG_MUST_USE enum wg_code wg_socket_listen(const char *address, int *ret_fd,
                                          char ret_address[WG_SOCKET_TEXT], struct wg_err *err);

/** Counts connections by remote address (IPv6 by /64) over all listeners that share it. Any thread. */
struct wg_connection_counter;
struct wg_connection_counter *wg_connection_counter_new(unsigned limit_per_address);
struct wg_connection_counter *wg_connection_counter_free(struct wg_connection_counter *counter);

struct wg_listener_options {
    int fd;                    /**< taken over */
    struct wg_tls_server *tls; /**< NULL: plain */
    struct wg_connection_counter *counter; /**< may be NULL */
    enum wg_door door;                     /**< what its connections count as in /metrics */
    int64_t handshake_timeout_ms;          /**< default 10 s */
    unsigned handshakes_limit;             /**< handshakes under way at once; default 1024 */
};

/** Accepts on its loop. Connections past a limit, and failed handshakes, end without on_accept. */
struct wg_listener;
WG_MUST_USE enum wg_code wg_listener_open(struct wg_loop *loop,
                                          const struct wg_listener_options *options,
                                          void (*on_accept)(void *owner, struct wg_stream *stream),
                                          void *owner, struct wg_listener **ret_listener,
                                          struct wg_err *err);
/** Stops accepting at once; frees itself from the loop. Streams handed out live on. */
void wg_listener_close(struct wg_listener *listener);

struct wg_listener_counts {
    uint64_t accepted, refused_by_limit, handshakes_failed;
};
struct wg_listener_counts wg_listener_counts(const struct wg_listener *listener);
