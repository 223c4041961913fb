// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "wire/descriptor.h"

/** The signing keys of one instance over time. Which of them signs follows from the clock
 * alone, so a rotation is written down once, whole, and nothing has to happen at its moment:
 * neither a crash nor a stopped gateway can miss it. Pure functions.
 *
 * The key that signs is the one with a secret and the latest from_s that has come. */

enum {
    WG_OWN_KEYS_MAX = 64,      /**< remembered; the oldest go first */
    WG_OWN_KEYS_PUBLISHED = 8, /**< at once; a descriptor takes 16 */
    WG_OWN_KEYS_LEAD_S = 300,  /**< published as valid so long before it signs: clocks differ */
    WG_OWN_KEYS_TEXT_BYTES = 64 * 1024,
};

struct wg_own_key {
    struct wg_public_key key;
    bool has_secret;
    struct wg_secret_key secret;
    int64_t from_s;  /**< signs from then on */
    int64_t until_s; /**< published until then, remembered for ever; INT64_MAX: no end is set */
};

struct wg_own_keys {
    struct wg_own_key *at; /**< by from_s */
    size_t count;
    struct wg_public_key
        file; /**< what stood in the file `signing_key` when it was last read */
};

/** One key, of the file. */
void wg_own_keys_init(struct wg_own_keys *keys, const struct wg_secret_key *secret,
                      int64_t from_s);
void wg_own_keys_copy(struct wg_own_keys *to, const struct wg_own_keys *from);
/** Wipes. */
void wg_own_keys_done(struct wg_own_keys *keys);

const struct wg_own_key *wg_own_keys_signer(const struct wg_own_keys *keys, int64_t now_s);
/** The key that will sign; NULL when no rotation runs. */
const struct wg_own_key *wg_own_keys_next(const struct wg_own_keys *keys, int64_t now_s);
/** One that we have ever had, to verify our own history; NULL when we have not. */
const struct wg_own_key *wg_own_keys_find(const struct wg_own_keys *keys, struct wg_str kid);
/** Those to be published, the signer first; writes up to WG_OWN_KEYS_PUBLISHED. */
size_t wg_own_keys_published(const struct wg_own_keys *keys, int64_t now_s,
                             struct wg_descriptor_key *ret_keys);
/** When what is published or what signs changes next; INT64_MAX: never. */
int64_t wg_own_keys_change_s(const struct wg_own_keys *keys, int64_t now_s);

/** secret signs from now_s + overlap_s on; the one before it stays published for keep_s more.
 * @return WG_EXISTS when a rotation runs, WG_FULL when too many are still published. */
WG_MUST_USE enum wg_code wg_own_keys_rotate(struct wg_own_keys *keys,
                                            const struct wg_secret_key *secret, int64_t now_s,
                                            int64_t overlap_s, int64_t keep_s,
                                            struct wg_err *err);
/** Takes the key that would sign next away. @return WG_NOT_FOUND when no rotation runs. */
WG_MUST_USE enum wg_code wg_own_keys_cancel(struct wg_own_keys *keys, int64_t now_s,
                                            struct wg_err *err);

enum wg_own_keys_news {
    WG_OWN_KEYS_SAME,
    WG_OWN_KEYS_NOTED,    /**< another file, but of a key that is in use anyway */
    WG_OWN_KEYS_REPLACED, /**< a new key: it signs from now on, a running rotation is void */
    WG_OWN_KEYS_FORMER,   /**< a former key, which is not taken back */
};
/** What the file `signing_key` holds now. */
enum wg_own_keys_news wg_own_keys_see_file(struct wg_own_keys *keys,
                                           const struct wg_secret_key *secret, int64_t now_s,
                                           int64_t keep_s);
/** Forgets secrets that sign nothing any more, and the oldest keys past WG_OWN_KEYS_MAX.
 * @return whether anything changed. */
bool wg_own_keys_tidy(struct wg_own_keys *keys, int64_t now_s);

/** The keyring file's text; out must be wiped by the caller. */
void wg_own_keys_write(const struct wg_own_keys *keys, struct wg_str server_name,
                       struct wg_buf *out);
/** @return WG_CONFIG with line and reason. */
WG_MUST_USE enum wg_code wg_own_keys_parse(struct wg_str text, struct wg_own_keys *ret_keys,
                                           struct wg_err *err);
/** After parsing and wg_own_keys_see_file(): is there a secret to sign with. */
WG_MUST_USE enum wg_code wg_own_keys_check(const struct wg_own_keys *keys, int64_t now_s,
                                           struct wg_err *err);
