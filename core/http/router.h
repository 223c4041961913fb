// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/err.h"

/** Finds the row of a table that a request belongs to. Rows are tried in order; patterns are
 * matched with the path as it is on the wire, so an encoded letter is not that letter. */
struct wg_route {
    const char *method;  /**< "GET" also serves HEAD where no row of the path says HEAD */
    const char *pattern; /**< "/rooms/{room_id}/members": {name} is one segment, not empty */
    const void *value;   /**< whose it is: the caller's */
};

enum { WG_ROUTE_CAPTURES_LIMIT = 8 };

struct wg_route_match {
    const struct wg_route *route;
    struct wg_route_capture {
        struct wg_str name;  /**< lent by the pattern */
        struct wg_str value; /**< decoded, in the arena */
    } captures[WG_ROUTE_CAPTURES_LIMIT];
    size_t capture_count;
    struct wg_str allow; /**< with WG_METHOD_NOT_ALLOWED: the Allow field, "GET, HEAD, POST" */
};

/** @return WG_OK; WG_METHOD_NOT_ALLOWED with ret_match->allow; WG_NOT_FOUND; or WG_INVALID when
 * a captured segment has a bad escape, or decodes to something with "/", control bytes or bytes
 * that are not UTF-8, or to a dot segment. */
WG_MUST_USE enum wg_code wg_route_find(const struct wg_route *routes, size_t count,
                                       struct wg_str method, struct wg_str path,
                                       struct wg_arena *arena, struct wg_route_match *ret_match,
                                       struct wg_err *err);
/** The captured value; absent when the pattern has no such name. */
struct wg_str wg_route_capture(const struct wg_route_match *match, const char *name);
