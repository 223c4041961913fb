// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"

/** How a loop reaches others. Names are judged by form first, then resolved, then every address is
 * judged by the guard, and the very address judged is connected to. */
struct wg_dialer;

struct wg_dialer_options {
    struct wg_tls_client *tls;
    /** Fixed addresses for names, like curl --resolve: "peer.example.test" to "127.0.0.1:9443". Guarded
     * as any other. Arrays end with NULL name. */
    const struct wg_resolve_entry {
        const char *name;
        const char *address;
    } *resolve;
    const struct wg_cidr *allowed; /**< outside the public internet, but allowed */
    size_t allowed_count;
    int64_t connect_timeout_ms;   /**< default 5 s for each address */
    int64_t handshake_timeout_ms; /**< default 10 s */
};

struct wg_dialer *wg_dialer_new(struct wg_loop *loop, const struct wg_dialer_options *options);
/** One with the TLS client and the guard of another, which must outlast it, but with these fixed
 * addresses (NULL: the same ones), and which resumes no TLS session: to look at something as it is
 * now. */
struct wg_dialer *wg_dialer_beside(const struct wg_dialer *dialer,
                                   const struct wg_resolve_entry *resolve);
/** Ends dials under way with WG_CANCELLED. */
struct wg_dialer *wg_dialer_free(struct wg_dialer *dialer);

struct wg_dial_target {
    struct wg_str host; /**< name or IP literal */
    uint16_t port;
    bool is_tls;     /**< verified for host, which is also the SNI */
    bool is_trusted; /**< an address the operator wrote (an instance): no guard, literals allowed */
};

struct wg_dial;
/** Tries the addresses in turn, IPv6 and IPv4 interleaved, the next one 250 ms later or when one fails
 * (RFC 8305 in small), until one is connected and its handshake is done.
 * on_dialed comes exactly once, from the loop: with the stream, or NULL and err (WG_UNRESOLVED,
 * WG_ADDRESS_REFUSED, WG_CONNECT_FAILED, WG_TLS_FAILED, WG_TIMEOUT, WG_CANCELLED); the text names host,
 * address and reason ("certificate expired on 2026-01-02"). */
struct wg_dial *wg_dial(struct wg_dialer *dialer, const struct wg_dial_target *target,
                        void (*on_dialed)(void *owner, struct wg_stream *stream,
                                          const struct wg_err *err),
                        void *owner);
/** The same to this one address and port, which the guard judges like any other, without the TLS
 * session of an earlier connection: what somebody sees who has never been there. */
struct wg_dial *wg_dial_address(struct wg_dialer *dialer, const struct wg_dial_target *target,
                                const struct wg_ip *ip, uint16_t port,
                                void (*on_dialed)(void *owner, struct wg_stream *stream,
                                                  const struct wg_err *err),
                                void *owner);

/** An address of a name. */
struct wg_dial_candidate {
    struct wg_ip ip;
    uint16_t port;
    bool is_fixed;         /**< by options->resolve */
    struct wg_err refusal; /**< of the guard; code WG_OK: it may be connected to */
};
/** What wg_dial() would try, in its order, refused ones included, without connecting to any: for
 * people. on_surveyed comes exactly once, from the loop: candidates are lent until the return;
 * count 0: err says why (the name is of no use, does not resolve, WG_TIMEOUT, WG_CANCELLED). */
struct wg_dial *
wg_dial_survey(struct wg_dialer *dialer, const struct wg_dial_target *target,
               void (*on_surveyed)(void *owner, const struct wg_dial_candidate *candidates,
                                   size_t count, const struct wg_err *err),
               void *owner);
/** on_dialed, or on_surveyed, comes with WG_CANCELLED. */
void wg_dial_cancel(struct wg_dial *dial);
