// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "federation/directory.h"

/** How peers have behaved, for operators and policies: counts of the last 24 hours, the last
 * error, the story of their keys. Part of the directory; counted over all instances of this
 * gateway. Peers that have proved who they are, or that we deliver to, are kept in the store's
 * namespace "peers" as well. Any thread. */

enum wg_peer_count {
    WG_PEER_RECEIVED, /**< events of theirs that were taken */
    WG_PEER_REFUSED,  /**< events and requests of theirs that were refused */
    WG_PEER_SENT,     /**< events they took */
    WG_PEER_FAILED,   /**< attempts that did not reach them, or that they refused */
    WG_PEER_TRAFFIC,  /**< those above; below: verdicts, of the same events and requests */
    WG_PEER_ALLOWED =
        WG_PEER_TRAFFIC, /**< what policy said to requests of theirs, and to events for them */
    WG_PEER_DENIED,
    WG_PEER_DEFERRED,
    WG_PEER_QUARANTINED,
    WG_PEER_COUNTS
};

/** Peers with series of their own in /metrics: at most limit at a time, the busiest. What the
 * others do is summed up. Before the first is counted. */
void wg_peers_set_series(struct wg_directory *directory, size_t limit);

struct wg_peer_series {
    struct wg_str name;              /**< copy in the arena; absent: of all others together */
    uint64_t counts[WG_PEER_COUNTS]; /**< since it has a series */
    int64_t last_seen_s;             /**< -1: never, or all others */
};
/** The others come last. Thread: one, that of /metrics. Now and then a peer that is much busier
 * than one with a series takes its place: both begin anew, so that no count ever goes back. */
size_t wg_peers_series(struct wg_directory *directory, struct wg_arena *arena,
                       struct wg_peer_series **ret_series);
/** How many servers there is a record of. */
size_t wg_peers_known(struct wg_directory *directory);

/** One more. Of a peer that has no record nothing is counted: a name somebody made up must not
 * cost memory. */
void wg_peers_count(struct wg_directory *directory, struct wg_str name,
                    enum wg_peer_count what);

struct wg_peer_error {
    const char *direction; /**< "inbound", "outbound" */
    const char *stage;
    const char *code; /**< "SW_FED_SIGNATURE_MISMATCH" */
    struct wg_str reason;
    bool is_proven; /**< it was that peer, or its address; else somebody who said so */
};
/** The newest error stays. */
void wg_peers_error(struct wg_directory *directory, struct wg_str name,
                    const struct wg_peer_error *error);

/** All that is known, for people. @return a new reference, or NULL. */
json_t *wg_peers_describe(struct wg_directory *directory, struct wg_str name);
/** Names behind after (absent: all) in order; copies in arena. @return how many were written.
 */
size_t wg_peers_list(struct wg_directory *directory, struct wg_str after,
                     struct wg_arena *arena, struct wg_str *ret_names, size_t limit);
/** Nothing is known of it any more, as of one never met. @return false when there was nothing,
 * or its descriptor is just being fetched. */
bool wg_peers_forget(struct wg_directory *directory, struct wg_str name);

/** Names of peers whose document is not what is known now; they count as stored from here on.
 * Copies in arena. @return how many were written. */
size_t wg_peers_take_changed(struct wg_directory *directory, struct wg_arena *arena,
                             struct wg_str *ret_names, size_t limit);
/** The document to store. @return a new reference, or NULL. */
json_t *wg_peers_document(struct wg_directory *directory, struct wg_str name);
WG_MUST_USE enum wg_code wg_peers_restore(struct wg_directory *directory, struct wg_str name,
                                          const json_t *document, struct wg_err *err);
