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
    WG_PEER_COUNTS
};

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
