// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/map.h"

/** Where the fields of a configuration stand. Lua keeps no lines for the fields of a table, so
 * the source is read a second time: the table constructor behind the file's last `return` is
 * followed through its nested constructors.
 *
 * A path is its keys, each followed by WG_LINES_END; items of a list are "1", "2", ... Any
 * bytes may be given: what is not Lua ends the walk, never the program. */
enum { WG_LINES_END = 0x1f };

struct wg_config_lines {
    struct wg_arena arena;
    struct wg_str source;
    struct wg_map fields; /**< path to its line */
    struct wg_config_lines_twice {
        struct wg_config_lines_twice *next;
        struct wg_str path;
        int first, second;
    } * twice; /**< fields that stand twice in one constructor: Lua keeps the last silently */
    int return_line;
};

/** source is lent until _done. */
void wg_config_lines_init(struct wg_config_lines *lines, struct wg_str source);
void wg_config_lines_done(struct wg_config_lines *lines);
/** 0: does not stand in the returned constructor. */
int wg_config_lines_find(const struct wg_config_lines *lines, struct wg_str path);
/** Line of the first name or string in the source that reads so; 0: none. */
int wg_config_lines_mention(const struct wg_config_lines *lines, struct wg_str name);
