// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/err.h"

/** Parameters of a query ("?limit=5&before=x"; the "?" may be missing, the query absent), as
 * forms write them: percent-encoded, "+" for a space. */

/** The decoded value; absent (at == NULL) when there is no such parameter, empty when it has no
 * "=".
 * @return WG_INVALID for a bad escape, control bytes, bytes that are not UTF-8, and a name that
 * stands twice: which one counts would be anybody's guess. */
WG_MUST_USE enum wg_code wg_http_query_get(struct wg_str query, const char *name,
                                           struct wg_arena *arena, struct wg_str *ret_value,
                                           struct wg_err *err);
/** Walks the names: begin with *rest as the query without its '?', go on until rest->at is NULL.
 * The decoded name may be empty ("&"). @return WG_INVALID for one that cannot be decoded. */
WG_MUST_USE enum wg_code wg_http_query_next(struct wg_str *rest, struct wg_arena *arena,
                                            struct wg_str *ret_name, struct wg_err *err);
/** A decimal number up to max; fallback when the parameter is missing. @return also WG_INVALID
 * for anything else. */
WG_MUST_USE enum wg_code wg_http_query_uint(struct wg_str query, const char *name, uint64_t max,
                                            uint64_t fallback, uint64_t *ret_value,
                                            struct wg_err *err);
