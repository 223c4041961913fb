// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/str.h"
#include "net/loop.h"

/** Order among events of one room on their way to one instance: one at a time holds the lane,
 * the others come after it in the order they asked. Sharded; any thread. */
struct wg_lanes;

struct wg_lanes *wg_lanes_new(void);
struct wg_lanes *wg_lanes_free(struct wg_lanes *lanes);
/** @return true: the lane is held now, until wg_lanes_leave(). false: on_turn comes once, from
 * loop, and then it is held. */
bool wg_lanes_enter(struct wg_lanes *lanes, size_t instance, struct wg_str room_id,
                    struct wg_loop *loop, void (*on_turn)(void *owner), void *owner);
void wg_lanes_leave(struct wg_lanes *lanes, size_t instance, struct wg_str room_id);
