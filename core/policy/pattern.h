// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/** Lua patterns (Lua 5.4 reference manual, 6.4.1), matched with a bound on the work: a pattern
 * with nested repetitions can make any backtracking matcher take exponential time. Pure; no
 * Lua.
 *
 * Calls: fill text, pattern, steps_left; then wg_pattern_match() at each place. */

enum {
    WG_PATTERN_CAPTURES = 32,
    WG_PATTERN_DEPTH = 200,
    WG_CAPTURE_OPEN = -1,     /**< len of a capture that was not closed */
    WG_CAPTURE_POSITION = -2, /**< len of "()": the position itself */
};

enum wg_pattern_failure {
    WG_PATTERN_FINE,
    WG_PATTERN_OUT_OF_STEPS,
    WG_PATTERN_MALFORMED, /**< failure_text says how */
};

struct wg_pattern {
    struct wg_str text;
    struct wg_str pattern; /**< without the anchor '^' */
    int64_t steps_left;
    enum wg_pattern_failure failure;
    const char *failure_text;
    int depth;
    int capture_count;
    struct {
        const char *at;
        ptrdiff_t len;
    } captures[WG_PATTERN_CAPTURES];
};

/** Matches at exactly that place of the text. @return the end of the match; NULL when there is
 * none or on failure. */
const char *wg_pattern_match(struct wg_pattern *m, const char *at);
/** No magic characters: the pattern is the text to look for. */
bool wg_pattern_is_plain(struct wg_str pattern);
