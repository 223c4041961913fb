// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/gateway.h"

/** Writes behind what is kept in memory and need not be on the disk at once: the last use of
 * tokens, and how peers have behaved, once a minute; who is in a room, once a second. And
 * all of it when it is closed. Thread: the control
 * loop. */
struct wg_upkeep;

struct wg_upkeep *wg_upkeep_new(struct wg_gateway *gateway, struct wg_loop *loop);
/** Writes what is new, then on_closed, from the loop; upkeep is gone. */
void wg_upkeep_close(struct wg_upkeep *upkeep, void (*on_closed)(void *owner), void *owner);
