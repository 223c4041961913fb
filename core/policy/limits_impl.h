// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "policy/limits.h"

/** Behind limits.h: the table of keys, and what is told of each limiter. */

enum {
    WG_LIMITS_SHARDS = 64,
    WG_LIMITS_WAYS = 8,
    WG_LIMITS_FIRST_SETS = 8,
    WG_LIMITS_SHARD_SETS = WG_LIMITS_KEY_LIMIT / WG_LIMITS_SHARDS / WG_LIMITS_WAYS,
};

struct wg_limits_slot {
    uint64_t hash;
    int64_t empty_at_us; /**< 0: unused */
    uint32_t story;      /**< number of the limiter's; 0: none */
};

struct wg_limits_shard {
    pthread_mutex_t lock;
    struct wg_limits_slot *slots;
    size_t set_count; /**< a power of two */
};

struct wg_limits_busy {
    uint64_t hash, asked, refused; /**< asked 0: unused */
    char key[WG_LIMITS_KEY_SHOWN + 1];
};

struct wg_limiter_story {
    char *name;
    uint32_t number;           /**< from 1 on */
    struct wg_limit_rate rate; /**< under stories_lock */
    atomic_uint_fast64_t taken, refused, evicted;
    pthread_mutex_t lock;
    struct wg_limits_busy busy[WG_LIMITS_BUSIEST];
};

struct wg_limits {
    const struct wg_clock *clock;
    struct wg_limits_shard shards[WG_LIMITS_SHARDS];
    pthread_mutex_t stories_lock;
    struct wg_limiter_story *stories[WG_LIMITS_STORY_LIMIT];
    size_t story_count;
};

int64_t wg_limits_now_us(const struct wg_limits *limits);
/** Under the shard's lock. */
struct wg_limits_slot *wg_limits_find(const struct wg_limits_shard *shard, uint64_t hash);

/* limits_story.c */
struct wg_limiter_story *wg_limits_story(struct wg_limits *limits, struct wg_str name,
                                         const struct wg_limit_rate *rate);
void wg_limits_tell(struct wg_limiter_story *story, uint64_t hash, struct wg_str key,
                    bool is_refused);
void wg_limits_stories_free(struct wg_limits *limits);
