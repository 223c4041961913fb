// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lua.h>

#include "base/arena.h"

/** Which lines of which files have run, over all states that note it.
 *
 * Owner: the tool that wants to know. One thread. */
struct wg_coverage {
    struct wg_arena arena;
    struct wg_coverage_file *files;
    /* The file of the last line, by the pointer of its chunk's name, which Lua keeps. */
    const char *last_name;
    struct wg_coverage_file *last;
};

struct wg_coverage_file {
    const char *shown;
    bool *has_run; /**< by line */
    int line_count;
    struct wg_coverage_file *next;
};

void wg_coverage_init(struct wg_coverage *coverage);
void wg_coverage_done(struct wg_coverage *coverage);
/** For the line hook. coverage may be NULL. */
void wg_coverage_hit(struct wg_coverage *coverage, lua_State *L, lua_Debug *activation);
/** A state ends: the names that Lua kept are gone. coverage may be NULL. */
void wg_coverage_forget(struct wg_coverage *coverage);
/** Has any line from first to last run. */
bool wg_coverage_has(const struct wg_coverage *coverage, const char *shown, int first,
                     int last);
bool wg_coverage_knows(const struct wg_coverage *coverage, const char *shown);
