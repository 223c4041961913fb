// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

/** Ids of events that instances have taken, so that a second send is a no-op. While the first
 * is still on its way to the instance, later ones wait for what becomes of it. Sharded; any
 * thread.
 *
 * Bounded and in memory: the oldest ids go first, and after a restart the instance's own
 * memory of ids (which the protocol demands of it) answers instead. */
struct wg_seen;

enum wg_seen_state {
    WG_SEEN_NEW,       /**< yours: end it with wg_seen_settle() */
    WG_SEEN_DUPLICATE, /**< taken before */
    WG_SEEN_WAIT,      /**< on its way: on_settled comes once, from loop; then ask again */
};

struct wg_seen *wg_seen_new(size_t limit);
struct wg_seen *wg_seen_free(struct wg_seen *seen);
enum wg_seen_state wg_seen_claim(struct wg_seen *seen, size_t instance,
                                 const uint8_t event_key[16], struct wg_loop *loop,
                                 void (*on_settled)(void *owner), void *owner);
/** is_taken: remember it; otherwise forget it, and one who waits may try. */
void wg_seen_settle(struct wg_seen *seen, size_t instance, const uint8_t event_key[16],
                    bool is_taken);
