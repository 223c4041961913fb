// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "policy/kv.h"

/** What of the key-value outlasts the process: values under prefixes that policies have named
 * with kv.persist(). Written behind by whoever has a store, as documents. Any thread. */

enum {
    WG_KV_PREFIX_LIMIT = 64,
    WG_KV_KEPT_LIMIT = 20 * 1000, /**< values; more are remembered as the others are */
};

/** Values put under keys with that prefix from here on are kept. @return WG_FULL */
WG_MUST_USE enum wg_code wg_kv_persist(struct wg_kv *kv, struct wg_str prefix,
                                       struct wg_err *err);

/** Keys whose document is not what is known now; they count as stored from here on. Copies in
 * arena. @return how many were written. */
size_t wg_kv_take_changed(struct wg_kv *kv, struct wg_arena *arena, struct wg_str *ret_keys,
                          size_t limit);
/** @return the document to store, or NULL: it is to be deleted. */
json_t *wg_kv_document(struct wg_kv *kv, struct wg_str key);
/** Before the first call. What has expired, or is under no prefix any more, is not taken, and
 * its document goes with the next that are written. */
WG_MUST_USE enum wg_code wg_kv_restore(struct wg_kv *kv, struct wg_str key,
                                       const json_t *document, struct wg_err *err);
