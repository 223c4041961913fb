// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/str.h"

/** Reads a Lua source that compiles, without running it, and tells what names it uses. Scopes
 * are followed as Lua 5.4 has them (manual 3.5), so a global is told from a local for certain;
 * what a table holds at run time is not known here.
 *
 * Texts are lent from the source. Any callback may be NULL. */
struct wg_scan {
    /** A name that is no local: read, or assigned to. */
    void (*on_global)(void *owner, struct wg_str name, int line, bool is_write);
    /** `local log = require "wavegate.log"`, then `log.info`: module "wavegate.log", field
     * "info". Also for a global's field, as in `string.dump`: module "string". */
    void (*on_field)(void *owner, struct wg_str module, struct wg_str field, int line);
    /** A function whose body begins on that line, as debug information has it. It always
     * answers when every way out of it returns a verdict that ends the chain. */
    void (*on_function)(void *owner, int line, bool always_answers);
    /** A statement, or the condition of one, that runs when any of these lines does. */
    void (*on_statement)(void *owner, int first, int last);
    void *owner;
};

void wg_scan_run(const struct wg_scan *scan, struct wg_str source);
