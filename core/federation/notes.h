// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "wire/key.h"
#include "wire/message.h"

/** What operators have set down about peers: labels that policies read, a note, and the one key
 * a peer may sign with. It stands whether or not the peer was ever met, and outlasts its being
 * forgotten. A copy of the store's namespace "peer_notes". Any thread. */
struct wg_notes;

enum {
    WG_NOTES_LIMIT = 100 * 1000, /**< peers; as many as are remembered */
    WG_NOTES_LABELS = 16,        /**< of one peer */
    WG_NOTES_LABEL_NAME = 64,
    WG_NOTES_LABEL_VALUE = 256,
    WG_NOTES_TEXT = 1000,
};

struct wg_notes *wg_notes_new(void);
struct wg_notes *wg_notes_free(struct wg_notes *notes);

/** The labels of that peer, in order of name; copies in arena. */
void wg_notes_labels(struct wg_notes *notes, struct wg_str peer, struct wg_arena *arena,
                     struct wg_headers *ret_labels);
/** The key it may sign with. @return false: any that it publishes. */
bool wg_notes_pin(struct wg_notes *notes, struct wg_str peer, struct wg_public_key *ret_key,
                  int64_t *ret_since_s);
/** Is a key pinned that is not this one. */
bool wg_notes_refuse(struct wg_notes *notes, struct wg_str peer,
                     const struct wg_public_key *key, struct wg_public_key *ret_pinned);

/** {"labels": {...}, "note": "...", "pin": {"public_key", "kid", "since", "by"}}, each member
 * only when set. @return a new reference, or NULL when there is nothing. */
json_t *wg_notes_document(struct wg_notes *notes, struct wg_str peer);
/** Judges the document, then puts it in the place of what was there; one without members takes
 * the peer out. Copies. @return WG_INVALID with member and rule, WG_FULL past WG_NOTES_LIMIT.
 */
WG_MUST_USE enum wg_code wg_notes_set(struct wg_notes *notes, struct wg_str peer,
                                      const json_t *document, struct wg_err *err);
