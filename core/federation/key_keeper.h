// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/gateway.h"

/** Keeps the instances' keyrings: data/keys/NAME.keyring has every key an instance has ever
 * signed with, and when (docs/keys.md). A change is on the disk before anything of it is
 * published, and the file says all, so that a gateway that is killed at any moment goes on
 * where it was.
 *
 * Thread: the control loop. */
struct wg_key_keeper;

enum {
    WG_KEY_OVERLAP_S = 25 * 3600, /**< a little more than a peer may keep a descriptor */
    WG_KEY_OVERLAP_MAX_S = 90 * 24 * 3600,
    WG_KEY_KEEP_MAX_S = 10 * 365 * 24 * 3600,
};

/** Reads all keyrings, before the first worker. @return WG_CONFIG with file and remedy: a
 * keyring that cannot be read is not passed over, since peers know the keys in it. */
WG_MUST_USE enum wg_code wg_key_keeper_new(struct wg_gateway *gateway, struct wg_loop *loop,
                                           struct wg_key_keeper **ret_keeper,
                                           struct wg_err *err);
/** Writes under way end by themselves. NULL is fine. */
void wg_key_keeper_close(struct wg_key_keeper *keeper);

/** How long a key that signs no more stays published unless said otherwise: events that it
 * signed may be on their way for as long as the queue keeps them. */
int64_t wg_key_keep_s(const struct wg_config *config);

typedef void (*wg_key_done)(void *owner, const struct wg_err *err);
/** A new key, published at once, signs after overlap_s. on_done once, from the loop: WG_EXISTS
 * when a rotation runs or a change is being written. */
void wg_key_keeper_rotate(struct wg_key_keeper *keeper, size_t index, int64_t overlap_s,
                          int64_t keep_s, wg_key_done on_done, void *owner);
/** Takes back a key that does not sign yet. */
void wg_key_keeper_cancel(struct wg_key_keeper *keeper, size_t index, wg_key_done on_done,
                          void *owner);
/** Is what is in force on the disk: false when it cannot be written. */
bool wg_key_keeper_is_stored(const struct wg_key_keeper *keeper, size_t index);
/** Reads the files of `signing_key` again (SIGHUP). */
void wg_key_keeper_reload(struct wg_key_keeper *keeper);
