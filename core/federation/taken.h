// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

/** Ids of events that instances have taken, so that a second send is a no-op. While the first
 * is still on its way to the instance, later ones wait for what becomes of it. Sharded; any
 * thread.
 *
 * Bounded and in memory: the oldest ids go first. What it does not know, the store is asked
 * (stage deduplicate), which remembers ids for queue.remember_ids. */
struct wg_taken;

enum wg_taken_state {
    WG_TAKEN_NEW,       /**< yours: end it with wg_taken_settle() */
    WG_TAKEN_DUPLICATE, /**< taken before */
    WG_TAKEN_WAIT,      /**< on its way: on_settled comes once, from loop; then ask again */
};

struct wg_taken *wg_taken_new(size_t limit);
struct wg_taken *wg_taken_free(struct wg_taken *taken);
enum wg_taken_state wg_taken_claim(struct wg_taken *taken, size_t instance,
                                   const uint8_t event_key[16], struct wg_loop *loop,
                                   void (*on_settled)(void *owner), void *owner);
/** is_taken: remember it; otherwise forget it, and one who waits may try. */
void wg_taken_settle(struct wg_taken *taken, size_t instance, const uint8_t event_key[16],
                     bool is_taken);
