// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

/** What policies remember: small values under keys, with a time to live, for all workers and
 * across reloads; gone with the process, but for what is kept (policy/kv_kept.h). Bounded: what
 * was not used for longest gives way.
 *
 * Owner: whoever called _new(). Any thread; each call is atomic. */
struct wg_kv;

enum {
    WG_KV_KEY_LIMIT = 512,
    WG_KV_VALUE_LIMIT = 64 * 1024,
    WG_KV_ENTRY_LIMIT = 256 * 1024,
    WG_KV_BYTES_LIMIT = 64 * 1024 * 1024,
};

enum wg_kv_type { WG_KV_NONE, WG_KV_BOOLEAN, WG_KV_INTEGER, WG_KV_NUMBER, WG_KV_TEXT };

struct wg_kv_value {
    enum wg_kv_type type; /**< NONE: there is none */
    bool boolean;
    int64_t integer;
    double number;
    struct wg_str text; /**< in: lent; out: a copy, to be freed with wg_kv_value_done() */
};

struct wg_kv *wg_kv_new(const struct wg_clock *clock);
struct wg_kv *wg_kv_free(struct wg_kv *kv);
void wg_kv_value_done(struct wg_kv_value *value);

void wg_kv_get(struct wg_kv *kv, struct wg_str key, struct wg_kv_value *ret_value);
/** NONE takes the key out. ttl_ms 0: until it gives way. @return WG_TOO_LARGE for key or value
 */
WG_MUST_USE enum wg_code wg_kv_set(struct wg_kv *kv, struct wg_str key,
                                   const struct wg_kv_value *value, int64_t ttl_ms,
                                   struct wg_err *err);
/** Sets only where there is none. @return WG_EXISTS */
WG_MUST_USE enum wg_code wg_kv_add(struct wg_kv *kv, struct wg_str key,
                                   const struct wg_kv_value *value, int64_t ttl_ms,
                                   struct wg_err *err);
/** Adds to a number (none: 0). ttl_ms counts from the first; -1 keeps what is left.
 * @return WG_INVALID when the value is no number */
WG_MUST_USE enum wg_code wg_kv_incr(struct wg_kv *kv, struct wg_str key, int64_t by,
                                    int64_t ttl_ms, int64_t *ret_value, struct wg_err *err);
/** Sets value where there is expected (NONE: nothing). *ret_done says whether. */
WG_MUST_USE enum wg_code wg_kv_cas(struct wg_kv *kv, struct wg_str key,
                                   const struct wg_kv_value *expected,
                                   const struct wg_kv_value *value, int64_t ttl_ms,
                                   bool *ret_done, struct wg_err *err);
