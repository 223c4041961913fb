// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Bytes that belong to somebody else; not NUL-terminated, may hold NUL. {NULL, 0} is "absent".
 */
struct wg_str {
    const char *at;
    size_t len;
};

#define WG_STR(literal) ((struct wg_str){"" literal, sizeof(literal) - 1})
/** For printf's "%.*s". */
#define WG_STR_F(str) (int)(str).len, (str).at ? (str).at : ""

static inline struct wg_str wg_str(const char *text)
{
    return (struct wg_str){text, text ? strlen(text) : 0};
}

static inline struct wg_str wg_str_of(const void *at, size_t len)
{
    return (struct wg_str){(const char *)at, len};
}

static inline bool wg_str_equal(struct wg_str a, struct wg_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool wg_str_is(struct wg_str a, const char *text)
{
    return wg_str_equal(a, wg_str(text));
}

/** ASCII case only. */
bool wg_str_equal_nocase(struct wg_str a, struct wg_str b);
bool wg_str_starts(struct wg_str a, struct wg_str prefix);
bool wg_str_ends(struct wg_str a, struct wg_str suffix);
/** Without spaces and tabs at both ends (HTTP's OWS). */
struct wg_str wg_str_trim(struct wg_str a);
/** The part before the first separator; *rest goes behind it. The last part leaves *rest absent
 * (at == NULL), so `while (rest.at)` walks all of them. */
struct wg_str wg_str_split(struct wg_str *rest, char separator);
/** Index of byte in a, or a.len. */
size_t wg_str_find(struct wg_str a, char byte);
/** Decimal digits only, no sign, at most max. @return false otherwise. */
bool wg_str_to_uint(struct wg_str a, uint64_t max, uint64_t *ret_value);

/** Edit distance, for "did you mean"; gives up past limit and returns limit + 1. */
size_t wg_str_distance(struct wg_str a, struct wg_str b, size_t limit);
/** The name of names[] (NULL-terminated) nearest to what was written, or NULL when none is
 * near. */
const char *wg_str_nearest(struct wg_str written, const char *const *names);
