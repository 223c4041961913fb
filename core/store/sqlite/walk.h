// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/sqlite/ops.h"

/** A walk over deliveries in one state, narrowed by an operator's filter: what listing and
 * changing have in common. One step is one entry that matches. */
struct wg_walk {
    struct wg_db *db;
    struct wg_arena *arena;
    const struct wg_queue_filter *filter;
    struct wg_str destination; /**< as key, where the filter has one */
    bool heads_only;
    struct wg_db_budget budget;
    sqlite3_stmt *row;
    bool is_paused; /**< the time is spent: go on from the cursor */
    struct wg_walk_position {
        struct wg_str destination, room; /**< in the arena */
        int64_t order, parked;
    } last; /**< looked at, matching or not */
};

struct wg_walk_entry {
    struct wg_db_place place;
    int64_t attempts, at_ms;
    struct wg_str reason;
    struct wg_db_message loaded;
};

/** heads_only: WAITING, only those that may be tried. @return false when cursor is none of
 * this. */
bool wg_walk_start(struct wg_walk *walk, struct wg_db *db, struct wg_arena *arena,
                   const struct wg_queue_filter *filter, bool heads_only, struct wg_str cursor);
/** @return false at the end, and when is_paused. Texts are in the arena. */
bool wg_walk_next(struct wg_walk *walk, bool with_body, struct wg_walk_entry *ret_entry);
/** Ends it early: after this entry. */
void wg_walk_stop(struct wg_walk *walk);
/** Where to go on. */
struct wg_str wg_walk_cursor(const struct wg_walk *walk);
