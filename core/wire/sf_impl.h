// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/sf.h"

/** What is left to read of a field. Texts of the result point into the arena's copy of it. */
struct wg_sf_reader {
    const char *at, *end, *start;
    struct wg_arena *arena;
    struct wg_err *err;
};

/** @return WG_INVALID with reason and offset. */
enum wg_code wg_sf_fail(const struct wg_sf_reader *reader, const char *reason) WG_COLD;
WG_MUST_USE enum wg_code wg_sf_read_bare(struct wg_sf_reader *reader,
                                         struct wg_sf_bare *ret_bare);

/** Takes the next byte if it is the one wanted. */
static inline bool wg_sf_accept(struct wg_sf_reader *reader, char wanted)
{
    if (reader->at == reader->end || *reader->at != wanted)
        return false;
    reader->at++;
    return true;
}

static inline bool wg_sf_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/** RFC 9651 3.1.2: key = ( lcalpha / "*" ) *( lcalpha / DIGIT / "_" / "-" / "." / "*" ). */
static inline bool wg_sf_is_key_start(char c)
{
    return (c >= 'a' && c <= 'z') || c == '*';
}

static inline bool wg_sf_is_key_char(char c)
{
    return wg_sf_is_key_start(c) || wg_sf_is_digit(c) || c == '_' || c == '-' || c == '.';
}

/** RFC 9651 3.3.4: a token starts with ALPHA or "*", then tchar, ":" or "/". */
static inline bool wg_sf_is_token_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*';
}

static inline bool wg_sf_is_token_char(char c)
{
    return wg_sf_is_token_start(c) || wg_sf_is_digit(c) ||
           (c != '\0' && strchr("!#$%&'+-.^_`|~:/", c));
}

static inline bool wg_sf_is_visible_or_space(char c)
{
    return c >= 0x20 && c <= 0x7e;
}

#define WG_SF_INTEGER_MAX INT64_C(999999999999999)
