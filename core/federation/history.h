// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "federation/gateway.h"

/** Events of a backfill answer on their way through: each is verified against the keys of its
 * own origin, former ones included, and what does not stand is left out. Origins whose keys are
 * not known are looked up, a bounded number of them.
 *
 * Work is done in slices, so that a long page does not hold up a worker. Thread: the worker's
 * loop. */
struct wg_history;

struct wg_history_limits {
    int64_t events, bytes, not_before_s; /**< -1: not limited */
};

struct wg_history_result {
    json_t *events;        /**< those that stand, in the order they came; lent */
    size_t refused;        /**< left out because they do not verify */
    size_t hidden;         /**< left out because they are older than not_before_s */
    bool is_cut;           /**< older ones were left out because of events or bytes */
    const char *oldest_id; /**< of those that are kept; NULL when none is */
    char reason[384];      /**< why the first one was refused */
};

/** Starts on events (a JSON array; takes a reference). instance's own events that carry no
 * signature of it are signed; for a page that came from outside instance is NULL and nothing
 * is. on_checked comes exactly once, from the loop; the result is lent until it returns, after
 * which everything is freed. */
struct wg_history *
wg_history_check(struct wg_worker *worker, const struct wg_instance *instance, json_t *events,
                 const struct wg_history_limits *limits,
                 void (*on_checked)(void *owner, const struct wg_history_result *result),
                 void *owner);
/** on_checked will not come. */
void wg_history_cancel(struct wg_history *history);
