// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/exchange.h"
#include "store/queue.h"

/** What an exchange does to who is in its room (federation/members.h). */

/** judge: an inbound event takes its place in the room before policy is asked about it. */
void wg_presence_enter(struct wg_exchange *x);
/** record: the place is kept or given back, as the exchange came out. */
void wg_presence_settle(struct wg_exchange *x);
/** queue: an event of an instance has been taken, for recipients of whom some may live here. */
void wg_presence_sent(struct wg_exchange *x);
/** A delivery has ended: what waited for it is believed, or given up. */
void wg_presence_delivered(struct wg_gateway *gateway, const struct wg_delivery *delivery,
                           bool is_sent);
/** For policy: whether whom the event brings is in the room already. */
enum wg_flag wg_presence_flag(struct wg_exchange *x);
