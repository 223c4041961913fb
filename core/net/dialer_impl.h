// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include "net/dialer.h"
#include "net/loop_impl.h"

/** What one name may make us try. */
enum { WG_DIAL_ADDRESSES = 16 };

/** What a survey has found so far. */
struct wg_dial_survey {
    struct wg_dial_candidate candidates[WG_DIAL_ADDRESSES];
    size_t count;
    bool is_fixed;
    void (*on_surveyed)(void *owner, const struct wg_dial_candidate *candidates, size_t count,
                        const struct wg_err *err);
};

struct wg_dialer {
    struct wg_loop *loop;
    struct wg_dialer_options options; /**< its arrays are our copies */
    bool is_fresh;                    /**< no TLS session is resumed */
    struct wg_link dials;
};

struct wg_dial {
    struct wg_link link;      /**< in dialer->dials */
    struct wg_dialer *dialer; /**< NULL once it is freed; then the dial is over, too */
    struct wg_loop *loop;
    char *host; /**< a literal without brackets */
    uint16_t port;
    bool is_tls, is_trusted;

    bool is_pinned; /**< to pinned_ip only, as somebody who has never been there */
    struct wg_ip pinned_ip;
    uint16_t pinned_port;
    struct wg_dial_survey *survey; /**< nobody is connected to; NULL: a dial */

    struct wg_later later;
    struct wg_timer *timer; /**< bounds resolving, then rings for the next address */
    struct wg_resolve *resolve;
    struct sockaddr_storage addresses[WG_DIAL_ADDRESSES];
    size_t address_count, address_next;
    struct wg_link attempts; /**< under way */
    unsigned connected;      /**< of them, in the handshake */

    bool is_over; /**< err says how, and is about to be told */
    struct wg_err err;
    void (*on_dialed)(void *owner, struct wg_stream *stream, const struct wg_err *err);
    void *owner;
};

/** Tries addresses[address_next] and what follows; ends the dial when nothing is left. The dial
 * may be gone when it returns. */
void wg_dial_go_on(struct wg_dial *dial);
/** Tells the owner; the dial is gone. stream NULL: dial->err. */
void wg_dial_end(struct wg_dial *dial, struct wg_stream *stream);
/** Keeps what tells most of several failures. */
void wg_dial_note(struct wg_dial *dial, const struct wg_err *err);
/** Closes what is under way. */
void wg_dial_stop_attempts(struct wg_dial *dial);
