// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "policy/kv_kept.h"

/** Behind kv.h: entries, their shards, and what is to be stored. */

enum { WG_KV_SHARDS = 32 };

struct wg_kv_entry {
    struct wg_kv_entry *newer, *older; /* by last use */
    char *key;
    size_t key_len;
    struct wg_kv_value value;
    int64_t expires_at_ms; /* monotonic; 0: never */
    bool is_kept;
};

struct wg_kv_shard {
    pthread_mutex_t lock;
    struct wg_map map;
    struct wg_kv_entry *newest, *oldest;
    size_t count, bytes;
};

struct wg_kv {
    const struct wg_clock *clock;
    struct wg_kv_shard shards[WG_KV_SHARDS];
    pthread_mutex_t kept_lock; /**< taken last */
    struct wg_map changed;     /**< keys */
    char *prefixes[WG_KV_PREFIX_LIMIT];
    atomic_size_t prefix_count; /**< they only come; what is counted does not change */
    atomic_size_t kept;
};

struct wg_kv_shard *wg_kv_lock(struct wg_kv *kv, struct wg_str key);
/** Is a new value under that key to be kept; counts it then. */
bool wg_kv_keep(struct wg_kv *kv, struct wg_str key);
void wg_kv_changed(struct wg_kv *kv, const struct wg_kv_entry *entry);
void wg_kv_kept_init(struct wg_kv *kv);
void wg_kv_kept_done(struct wg_kv *kv);
