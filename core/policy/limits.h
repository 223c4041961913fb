// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/str.h"

/** Rate limiters: GCRA ("leaky bucket as a meter") for any number of names and keys, in bounded
 * memory.
 *
 * A key costs 16 bytes and is forgotten as soon as its bucket is empty again. When the table is
 * full, the key that would be forgotten soonest gives way: that can only let more through,
 * never less.
 *
 * Owner: whoever called _new(). Any thread. */
struct wg_limits;

enum { WG_LIMITS_KEY_LIMIT = 1024 * 1024 };

struct wg_limit_rate {
    double per_second;
    double burst; /**< at once, after a rest; at least 1 */
};

struct wg_limits *wg_limits_new(const struct wg_clock *clock);
struct wg_limits *wg_limits_free(struct wg_limits *limits);
/** Takes cost from what key has under name. @return false when there is not enough; then
 * *ret_wait_s says how long until there is, -1 when there never will be (cost over burst). */
bool wg_limits_take(struct wg_limits *limits, struct wg_str name, struct wg_str key,
                    const struct wg_limit_rate *rate, double cost, double *ret_wait_s);
/** How long until cost could be taken; 0: now. Changes nothing. */
double wg_limits_wait(struct wg_limits *limits, struct wg_str name, struct wg_str key,
                      const struct wg_limit_rate *rate, double cost);
