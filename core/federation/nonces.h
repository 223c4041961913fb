// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

/** Nonces seen from each server inside the window in which a signature is valid, so that a
 * request cannot be replayed. Sharded; any thread. */
struct wg_nonces;

/** limit: nonces remembered at most; past it new ones are refused (fail closed). */
struct wg_nonces *wg_nonces_new(const struct wg_clock *clock, size_t limit);
struct wg_nonces *wg_nonces_free(struct wg_nonces *nonces);

/** Only looks: a cheap refusal before the curve. */
bool wg_nonces_has(struct wg_nonces *nonces, struct wg_str server, struct wg_str nonce);
/** Remembers it, after the signature was verified. @return WG_BAD_SIGNATURE when it was there
 * already, WG_RATE_LIMITED when there is no room. */
WG_MUST_USE enum wg_code wg_nonces_add(struct wg_nonces *nonces, struct wg_str server,
                                       struct wg_str nonce, struct wg_err *err);
