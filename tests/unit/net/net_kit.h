// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "net/dialer.h"
#include "net/listener.h"
#include "support/tls_kit.h"

/** One end of a connection, with all that was heard from it. */
struct tap {
    struct wg_stream *stream;
    struct wg_buf got;
    struct wg_err end;
    int reads, ends, writables, closes;
    void (*on_read)(struct tap *tap, const char *data,
                    size_t len); /**< instead of keeping it */
    void *owner;
};

void tap_open(struct tap *tap, struct wg_stream *stream);
void tap_done(struct tap *tap);

enum { NET_KIT_GUESTS = 8 };

/** A server and a client in one loop, on loopback. */
struct net_kit {
    struct wg_loop *loop;
    bool is_tls;
    struct wg_tls_server *tls_server;
    struct wg_tls_client *tls_client;
    struct wg_listener *listener;
    struct wg_dialer *dialer;
    char address[WG_SOCKET_TEXT];
    uint16_t port;
    struct tap guests[NET_KIT_GUESTS]; /**< the server's ends */
    int guest_count;
    const char *guest_says; /**< what the server sends first; may be NULL */

    /* The last dial. */
    bool is_dialed;
    struct wg_stream *dialed;
    struct wg_err err;
};

/** Shared by all tests of a program: certificates for a.example.test and b.example.test. */
extern struct tls_kit net_kit_tls;
int net_kit_setup_group(void **state);
int net_kit_teardown_group(void **state);

void net_kit_open(struct net_kit *kit, bool is_tls);
/** The listener with other options than the usual; those of is_tls are added. */
void net_kit_open_with(struct net_kit *kit, bool is_tls,
                       const struct wg_listener_options *options);
/** Closes what is open and asserts that the loop ends clean. */
void net_kit_close(struct net_kit *kit);
void net_kit_set_certificate(struct net_kit *kit, const char *stem,
                             const struct tls_kit_leaf *leaf);
/** Turns the loop until *flag; fails after 20 s. */
void net_kit_until(struct net_kit *kit, const int *flag, int value);
void net_kit_until_true(struct net_kit *kit, const bool *flag);
/** Dials host, which leads to the listener. @return the stream, or NULL and kit->err */
struct wg_stream *net_kit_dial(struct net_kit *kit, const char *host);
/** The same for any target. */
struct wg_stream *net_kit_dial_target(struct net_kit *kit, const struct wg_dial_target *target);
/** A client without memory of sessions, and a dialer for it. */
void net_kit_replace_client(struct net_kit *kit, const char *trust_anchors);
/** A new listener in place of the old one, elsewhere; the dialer knows. */
void net_kit_replace_listener(struct net_kit *kit, bool is_tls);
/** Another worker's server with the same certificates' names, and a listener for it. */
void net_kit_replace_server(struct net_kit *kit);
/** A connected pair: the client's end; *ret_guest is the server's. */
struct wg_stream *net_kit_connect(struct net_kit *kit, struct tap **ret_guest);
void net_kit_on_dialed(void *owner, struct wg_stream *stream, const struct wg_err *err);
