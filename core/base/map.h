// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/str.h"

/** String to pointer. Keys are copied; values belong to the caller. Not thread-safe.
 *
 * Keys that peers choose are hashed with a per-process random seed, so they cannot be made to
 * collide. */
struct wg_map {
    struct wg_map_slot *slots;
    size_t capacity;
    size_t count;
    size_t dead;
};

void wg_map_init(struct wg_map *map);
/** free_value may be NULL. */
void wg_map_done(struct wg_map *map, void (*free_value)(void *value));
void *wg_map_get(const struct wg_map *map, struct wg_str key);
/** Puts value (not NULL) under key. @return the value that stood there, or NULL. */
void *wg_map_put(struct wg_map *map, struct wg_str key, void *value);
/** @return the value taken out, or NULL. */
void *wg_map_take(struct wg_map *map, struct wg_str key);
/** Walks all entries: start with *cursor = 0, ends with false. The map must not change but for
 * wg_map_take() of the entry just returned. */
bool wg_map_next(const struct wg_map *map, size_t *cursor, struct wg_str *ret_key,
                 void **ret_value);

/** SipHash-like keyed hash for tables of foreign keys; the same for one process only. */
uint64_t wg_hash(const void *data, size_t len);
