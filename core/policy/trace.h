// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"

/** Who was asked, and what each said: for whoever wants to know why.
 *
 * Put one into struct wg_question before wg_policy_ask(); it is filled by the time the decision
 * is. Without one, nothing is noted and nothing costs. */
struct wg_trace {
    struct wg_arena *arena; /**< set by the caller; all that is noted lives here */
    struct wg_trace_step *steps;
    size_t count, capacity;
    int64_t peak_bytes; /**< of the Lua state during the call */
    int64_t call_bytes; /**< of these, what came on top while the call ran */
    bool has_waited;
};

/** An entry of a list that a handler found; not what it asked for. */
struct wg_trace_hit {
    struct wg_trace_hit *next;
    struct wg_str source, entry, reason; /**< reason: absent without */
    uint32_t line;
};
enum { WG_TRACE_HITS_MAX = 4 }; /**< of one handler; the rest is left out */

/** One handler. */
struct wg_trace_step {
    struct wg_str policy, file; /**< of the handler */
    int line;
    /** "nothing", "allow", "deny", "defer", "quarantine", "limit", "label", "failed", or
     * "waiting" for one that had not ended when it was cancelled. */
    const char *answer;
    struct wg_str
        said_file; /**< where the verdict was made, or the error raised; else absent */
    int said_line;
    struct wg_str text;        /**< reason, limits, labels or error; absent: none */
    struct wg_trace_hit *hits; /**< entries of lists that were found, the first first */
    int64_t instructions, running_us;
};
