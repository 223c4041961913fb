// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/store.h"

/** The audit: one row for each refused or accepted event and each administrative act, in the
 * order they were committed, each chained to the one before by SHA-256:
 *
 *   hash(n) = SHA-256(hash(n - 1) || row n, every field with its length before it)
 *
 * (Of the trace its BLAKE2b-256; nothing when it is absent, as in rows written before there were
 * any.)
 *
 * Checkpoint rows (action "audit.checkpoint") carry a signature over the chain so far. When old
 * rows go (retention), the number and hash of the last that went stay as a signed anchor, so
 * the rest can still be verified. */

struct wg_audit_row {
    int64_t at_ms;        /**< wall clock; 0 in a row to be written: the store's now */
    struct wg_str action; /**< "federation.send"; required */
    struct wg_str server; /**< our instance */
    struct wg_str peer;
    struct wg_str direction; /**< "inbound", "outbound" */
    struct wg_str room_id;
    struct wg_str event_id; /**< as text */
    struct wg_str verdict;  /**< "allow", "deny", "duplicate" ... */
    struct wg_str code;     /**< "SW_FED_POLICY_REJECTED" */
    struct wg_str reason;
    struct wg_str policy; /**< "policies/main.lua:12" */
    struct wg_str request_id;
    struct wg_str actor; /**< token or peer that did it */
    struct wg_str extra; /**< JSON, by action */
    struct wg_str trace; /**< JSON: how it came to that; absent: not kept */
    int64_t generation;  /**< 0: none */
    int64_t latency_us;  /**< -1: not measured */
    int64_t number;      /**< place in the chain, from 1; given by the store */
};

enum {
    WG_AUDIT_PAGE_MAX = 1000,
    WG_AUDIT_FIELD_MAX = 16 * 1024, /**< a longer text is cut there */
};

/** Writes rows in one group; a request that changes something else carries its rows itself. */
void wg_store_audit_append(struct wg_store *store, struct wg_loop *loop,
                           const struct wg_audit_row *rows, size_t count,
                           wg_store_done on_appended, void *owner);

/** Absent or zero members do not filter. */
struct wg_audit_search {
    int64_t since_ms, until_ms; /**< at_ms >= since, < until */
    struct wg_str action;       /**< whole, or "federation.*" */
    struct wg_str server, peer, direction, room_id, event_id, verdict, code, request_id, actor;
    bool with_trace;      /**< else rows come without, which is what lists need */
    bool is_oldest_first; /**< for export, and to follow: then the last page's next_cursor is
                               never absent and gives what came since */
    struct wg_str cursor;
    size_t limit; /**< 0: 100 */
};

struct wg_audit_page {
    const struct wg_audit_row *rows;
    size_t count;
    struct wg_str next_cursor;
    bool is_end; /**< nothing more now (says so for oldest first as well) */
};

void wg_store_audit_search(struct wg_store *store, struct wg_loop *loop,
                           const struct wg_audit_search *search,
                           void (*on_page)(void *owner, const struct wg_err *err,
                                           const struct wg_audit_page *page),
                           void *owner);

/** What a piece of the walk found. */
struct wg_audit_check {
    int64_t rows;        /**< walked so far, earlier pieces included */
    int64_t checkpoints; /**< with a good signature, so far */
    int64_t first, last; /**< numbers of the oldest and newest row there are */
    bool is_end;
    bool is_broken; /**< then is_end, and: */
    int64_t broken_number;
    struct wg_str finding; /**< "row 17 was changed", "rows 5 to 9 are missing" ... */
    struct wg_str next_cursor;
};

/** Walks the chain from its anchor on, piece by piece: ask again with next_cursor until is_end.
 */
void wg_store_audit_verify(struct wg_store *store, struct wg_loop *loop, struct wg_str cursor,
                           void (*on_checked)(void *owner, const struct wg_err *err,
                                              const struct wg_audit_check *check),
                           void *owner);
