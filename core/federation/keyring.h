// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"
#include "wire/key.h"

/** The signing keys of peers that hook "key" has accepted, for each instance by itself, newest
 * first. A copy of the store's namespace "peer_keys", so that a peer that changes its key while
 * we are down is noticed. Any thread. */
struct wg_keyring;

enum {
    WG_KEYRING_KEYS = 16,          /**< of one peer; the oldest go first */
    WG_KEYRING_LIMIT = 200 * 1000, /**< peers; of more, keys are asked about each time */
};

struct wg_keyring *wg_keyring_new(void);
struct wg_keyring *wg_keyring_free(struct wg_keyring *keyring);

bool wg_keyring_has(struct wg_keyring *keyring, struct wg_str server_name, struct wg_str peer,
                    const struct wg_public_key *key);
/** The newest of that peer. @return false when none was accepted yet. */
bool wg_keyring_newest(struct wg_keyring *keyring, struct wg_str server_name,
                       struct wg_str peer, struct wg_public_key *ret_key);
/** @return whether it was not there before. */
bool wg_keyring_add(struct wg_keyring *keyring, struct wg_str server_name, struct wg_str peer,
                    const struct wg_public_key *key);

struct wg_buf;
/** The key of a peer's document, "server_name/peer", and its value: a list of keys. */
void wg_keyring_key(struct wg_str server_name, struct wg_str peer, struct wg_buf *out);
void wg_keyring_write(struct wg_keyring *keyring, struct wg_str server_name, struct wg_str peer,
                      struct wg_buf *out);
WG_MUST_USE enum wg_code wg_keyring_restore(struct wg_keyring *keyring, struct wg_str key,
                                            const json_t *value, struct wg_err *err);
