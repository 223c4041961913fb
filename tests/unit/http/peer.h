// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"

/** The other side of the tests: a plain socket that sends what it is told and keeps what it
 * gets. Everything runs in the test's thread; waiting lets the loop turn. */
struct peer {
    int fd;
    char *in; /**< NUL-terminated */
    size_t len;
    bool has_ended; /**< FIN or reset */
};

int peer_listen(uint16_t *ret_port);
/** A connection to port of this machine. */
struct peer peer_connect(uint16_t port);
struct peer peer_connect_slow(uint16_t port); /**< with a small receive buffer */
/** Waits for a connection. */
struct peer peer_accept(struct wg_loop *loop, int listen_fd);
void peer_send(struct peer *peer, const char *text);
/** As much as the socket takes. @return how much */
size_t peer_send_bytes(struct peer *peer, const char *data, size_t len);
void peer_end(struct peer *peer);   /**< FIN */
void peer_reset(struct peer *peer); /**< RST; closes */
void peer_close(struct peer *peer);
void peer_receive(struct peer *peer); /**< takes what is there */
void peer_forget(struct peer *peer);  /**< what was received so far */

/** Turns the loop until is_done(owner), which is tried after each turn. @return false after 10
 * s */
bool loop_until(struct wg_loop *loop, bool (*is_done)(void *owner), void *owner);
/** Some turns, for what must not happen. */
void loop_some(struct wg_loop *loop);
/** Turns until text was received; fails the test when the connection ends without, or after 10
 * s. */
void peer_until(struct wg_loop *loop, struct peer *peer, const char *text);
void peer_until_end(struct wg_loop *loop, struct peer *peer);
void peer_until_len(struct wg_loop *loop, struct peer *peer, size_t len);
/** How many times text was received. */
unsigned peer_count(const struct peer *peer, const char *text);
