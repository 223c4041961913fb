// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/sqlite/chain.h"

/** The next row of the audit that all indexed filters of a search agree on, however rare it is:
 * each filter in turn says which of its rows comes next, and whoever is behind jumps there. A
 * filter that few rows match is as quick beside one that nearly all match as alone. */

enum { WG_AUDIT_SEEK_FILTERS = 4, WG_AUDIT_SEEK_KINDS = 128 };

struct wg_audit_seek {
    struct wg_db *db;
    bool is_up; /**< oldest first */
    struct {
        const char *down, *up;
        bool is_sliced; /**< its index is by slices of rows (schema.c) */
        struct wg_str value;
    } filters[WG_AUDIT_SEEK_FILTERS];
    size_t count;
    int64_t first, last; /**< slices there are */
    /** The kinds that action, verdict and code stand for, and the next row of each; INT64_MIN:
     * no more. */
    struct wg_str kinds[WG_AUDIT_SEEK_KINDS];
    int64_t heads[WG_AUDIT_SEEK_KINDS];
    size_t kind_count;
    bool has_kinds;
};

/** @return false when no index helps: every row has to be looked at. search and arena must last
 * as long as seek. */
bool wg_audit_seek_start(struct wg_audit_seek *seek, struct wg_db *db, struct wg_arena *arena,
                         const struct wg_audit_search *search);
enum wg_audit_found { WG_AUDIT_FOUND, WG_AUDIT_NO_MORE, WG_AUDIT_PAUSED };
/** From the row behind *number in the direction of the search. FOUND: *number is the row.
 * PAUSED: the budget is spent; to go on later, ask again with *number. */
enum wg_audit_found wg_audit_seek_next(struct wg_audit_seek *seek, struct wg_db_budget *budget,
                                       int64_t *number);
