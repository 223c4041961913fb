// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/err.h"

/** One header field as received: name in lower case, value without surrounding white space. */
struct wg_header {
    struct wg_str name;
    struct wg_str value;
};

/** Header fields in the order received; a name may stand several times.
 * Owner: the arena they were added with. */
struct wg_headers {
    struct wg_header *at;
    size_t count;
    size_t capacity;
};

/** Adds a field; name and value are lent (copy them into the arena first if they do not last). */
void wg_headers_add(struct wg_headers *headers, struct wg_arena *arena, struct wg_str name,
                    struct wg_str value);
/** The first field of that lower-case name; absent (at == NULL) when there is none. */
struct wg_str wg_headers_get(const struct wg_headers *headers, const char *name);
size_t wg_headers_count(const struct wg_headers *headers, const char *name);
/** All values of the name, joined with ", " (RFC 9110 5.3); absent when there is none. */
struct wg_str wg_headers_joined(const struct wg_headers *headers, const char *name,
                                struct wg_arena *arena);
/** Takes all fields of that name out. */
void wg_headers_remove(struct wg_headers *headers, const char *name);

/** An HTTP request as signatures see it, whoever read it from whatever wire.
 * Owner: an arena; everything is lent. */
struct wg_message {
    struct wg_str method;    /**< "POST" */
    struct wg_str scheme;    /**< "https" or "http" */
    struct wg_str target;    /**< the request target as on the wire: "/a?b", "http://h/a", "*" */
    struct wg_str authority; /**< Host or absolute-form authority, as received */
    struct wg_str path;      /**< of the target, not decoded; "/" when the target has none */
    struct wg_str query;     /**< with its "?"; absent when the target has none */
    struct wg_headers headers;
    struct wg_str body;
};

/** Fills scheme-independent parts (path, query; authority from an absolute-form target) from
 * message->target. @return WG_OK or WG_INVALID with the reason: control bytes, a fragment, dot
 * segments or characters that other signers would re-encode ({ } | " < > \ ^ ` and bytes past
 * ASCII), so that what is signed is what is on the wire. */
WG_MUST_USE enum wg_code wg_message_set_target(struct wg_message *message, struct wg_str target,
                                               struct wg_err *err);
