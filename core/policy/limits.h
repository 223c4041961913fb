// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/str.h"

/** Rate limiters: GCRA ("leaky bucket as a meter") for any number of names and keys, in bounded
 * memory.
 *
 * A key costs 24 bytes and is forgotten as soon as its bucket is empty again. When the table is
 * full, the key that would be forgotten soonest gives way: that can only let more through,
 * never less.
 *
 * Owner: whoever called _new(). Any thread. */
struct wg_limits;

enum {
    WG_LIMITS_KEY_LIMIT = 1024 * 1024,
    WG_LIMITS_STORY_LIMIT = 1024, /**< limiters that operators see; more work as well */
    WG_LIMITS_BUSIEST = 16,       /**< keys of one that are remembered by name */
    WG_LIMITS_KEY_SHOWN = 128,    /**< bytes of such a key */
};

struct wg_limit_rate {
    double per_second;
    double burst; /**< at once, after a rest; at least 1 */
};

/** One limiter, as whoever uses it holds it. */
struct wg_limiter {
    struct wg_limit_rate rate;
    uint64_t name_hash;
    struct wg_limiter_story *story; /**< NULL: it is not among those that operators see */
};

struct wg_limits *wg_limits_new(const struct wg_clock *clock);
struct wg_limits *wg_limits_free(struct wg_limits *limits);
/** Opening a name again goes on with its keys; operators see the rate opened last. */
void wg_limits_open(struct wg_limits *limits, struct wg_str name,
                    const struct wg_limit_rate *rate, struct wg_limiter *ret_limiter);
/** Takes cost from what key has. @return false when there is not enough; then *ret_wait_s says
 * how long until there is, -1 when there never will be (cost over burst). */
bool wg_limits_take(struct wg_limits *limits, const struct wg_limiter *limiter,
                    struct wg_str key, double cost, double *ret_wait_s);
/** How long until cost could be taken; 0: now. Changes nothing. */
double wg_limits_wait(struct wg_limits *limits, const struct wg_limiter *limiter,
                      struct wg_str key, double cost);
/** The key has all it may have again. @return false when it had taken nothing. */
bool wg_limits_forgive(struct wg_limits *limits, struct wg_str name, struct wg_str key);

/** A key that is asked for often; the count is an upper bound. */
struct wg_limiter_key {
    char key[WG_LIMITS_KEY_SHOWN + 1];
    uint64_t asked, refused;
    double left; /**< what it may take now */
};
struct wg_limiter_info {
    const char *name; /**< "server_name/name" */
    struct wg_limit_rate rate;
    uint64_t keys; /**< with less than all they may have */
    uint64_t taken, refused, evicted;
    struct wg_limiter_key busiest[WG_LIMITS_BUSIEST]; /**< busiest first */
    size_t busiest_count;
};
/** Every limiter that was opened, in that order. */
void wg_limits_each(struct wg_limits *limits,
                    void (*on_limiter)(void *owner, const struct wg_limiter_info *info),
                    void *owner);
