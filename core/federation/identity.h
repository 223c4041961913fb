// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "federation/own_keys.h"

/** Who an instance is to its peers: its keys, and the descriptor made of them. Any thread; what
 * is handed out is a copy, so a rotation takes nothing away from who is just signing. */
struct wg_identity;

struct wg_identity *wg_identity_new(struct wg_str server_name);
struct wg_identity *wg_identity_free(struct wg_identity *identity);
/** From now on these. */
void wg_identity_set(struct wg_identity *identity, const struct wg_own_keys *keys);
/** A copy of all; wg_own_keys_done() it. */
void wg_identity_keys(struct wg_identity *identity, struct wg_own_keys *ret_keys);

/** The key that signs at now_s; wg_secret_key_done() it. */
void wg_identity_signer(struct wg_identity *identity, int64_t now_s,
                        struct wg_secret_key *ret_key);
/** The same key, without its secret. */
struct wg_public_key wg_identity_public_key(struct wg_identity *identity, int64_t now_s);
/** A key that we have ever had. @return false when there is none of that kid. */
bool wg_identity_find(struct wg_identity *identity, struct wg_str kid,
                      struct wg_public_key *ret_key);
/** The same, of those that are published at now_s. */
bool wg_identity_find_published(struct wg_identity *identity, struct wg_str kid, int64_t now_s,
                                struct wg_public_key *ret_key);
/** The descriptor, and for how long peers may keep it: no longer than it stays true. */
struct wg_str wg_identity_descriptor(struct wg_identity *identity, int64_t now_s,
                                     struct wg_arena *arena, int64_t *ret_max_age_s);
