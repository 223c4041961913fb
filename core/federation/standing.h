// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/gateway.h"

/** How a peer is treated by each instance, and why: what hook "peer" said last, whether it is
 * held back or on trial, and, where nothing was asked yet, what the policy document says of it.
 * And how its clock goes. Any thread. */

/** The lists of each instance's policy document, as sets. */
struct wg_modes;
struct wg_modes *wg_modes_new(size_t instances);
struct wg_modes *wg_modes_free(struct wg_modes *modes);
void wg_modes_set(struct wg_modes *modes, size_t instance,
                  const struct wg_config_federation *document);

/** Hook "peer" has been asked about it. Of a peer that has no record nothing is kept. */
void wg_standing_judged(struct wg_gateway *gateway, const struct wg_instance *instance,
                        struct wg_str peer, const struct wg_decision *decision);
/** It takes too much of a worker: nothing of it is looked at for so long. */
void wg_standing_held_back(struct wg_gateway *gateway, struct wg_str peer, int64_t seconds);
/** A policy has put an event of it on trial. */
void wg_standing_tried(struct wg_gateway *gateway, struct wg_str peer);
/** Its clock less ours, as "signature" or "date" shows. */
void wg_standing_clock(struct wg_directory *directory, struct wg_str peer, int64_t skew_s,
                       const char *from);

/** The skews of peers whose clock was seen since then; writes up to limit. @return how many */
size_t wg_standing_clocks(struct wg_directory *directory, int64_t since_s, int64_t *ret_skews_s,
                          size_t limit);

enum { WG_MODE_WHY = 320 };
/** "held_back", "denied", "deferred", "trial", "allowed", "open", "invite_only", "closed";
 * ret_why may be NULL. */
const char *wg_standing_mode(struct wg_gateway *gateway, const struct wg_instance *instance,
                             struct wg_str peer, char ret_why[WG_MODE_WHY]);
