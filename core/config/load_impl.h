// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lua.h>

#include "base/arena.h"
#include "config/config.h"
#include "config/lines.h"
#include "config/setting_impl.h"

/** One load: what its parts share.
 *
 * Lua may jump out of any function here that calls it, so everything is in one of the two
 * arenas or in lines, which wg_config_load() holds outside of the protected call. */
struct load {
    const char *file;
    struct wg_str source;
    struct config_box *box; /**< what the caller gets: its arena outlives the load */
    struct wg_arena scratch;
    struct wg_config_lines lines;
    lua_State *L;
    struct problem *problems;
    size_t problem_count;
    struct listener *listeners; /**< of all doors, for duplicates */
};

struct config_box {
    struct wg_config config;
    struct wg_arena arena;
};

/** Where in the table we are; a chain on the C stack. */
struct place {
    const struct place *parent; /**< NULL: the returned table itself */
    struct wg_str key;
    bool is_item; /**< key is a number of a list */
};

/** Keeps "file:line: <place>: text" for the report, with the line of place. */
void wg_problem(struct load *load, const struct place *place, const char *format, ...)
    WG_PRINTF(3, 4);
/** The same without place in the text: format names the field itself. */
void wg_problem_plain(struct load *load, const struct place *place, const char *format, ...)
    WG_PRINTF(3, 4);
void wg_problem_at_line(struct load *load, int line, const char *text);
/** By line; the first PROBLEM_LIMIT to on_problem. @return WG_OK when there was none. */
enum wg_code wg_problems_report(struct load *load,
                                void (*on_problem)(void *owner, const char *text), void *owner,
                                struct wg_err *err);
/** `peers.resolve["a.example"]`; in load->scratch. */
const char *wg_place_text(struct load *load, const struct place *place);
int wg_place_line(struct load *load, const struct place *place);

/** Runs load->source in its sandbox and leaves the returned value on the stack of load->L, with
 * all budgets lifted. Only inside a protected call. */
void wg_sandbox_run(struct load *load);
lua_State *wg_sandbox_new(void);
void wg_sandbox_free(lua_State *L);

/** Checks the table on top of the stack against settings, and fills target. */
void wg_section_read(struct load *load, const struct place *place,
                     const struct wg_setting *settings, void *target);

/** One value, on top of the stack (left there), of setting->kind, to its place in the struct.
 * What is wrong becomes a problem, and the struct is left alone. */
void wg_value_read(struct load *load, const struct place *place,
                   const struct wg_setting *setting, void *to);
/** The readers of kinds, by file. */
typedef void (*wg_value_reader)(struct load *load, const struct place *place,
                                const struct wg_setting *setting, void *to);
void wg_read_listen(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_peers(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_folders(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_cidrs(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_resolve(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_instances(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_spans(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_path(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_file(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_anchors(struct load *, const struct place *, const struct wg_setting *, void *);
void wg_read_url(struct load *, const struct place *, const struct wg_setting *, void *);

/** The string on top of the stack, or a problem that says what was wanted. */
bool wg_take_string(struct load *load, const struct place *place, const char *wanted,
                    struct wg_str *ret_text);
/** "a number" and the like, of the value on top of the stack. */
const char *wg_value_words(lua_State *L);
/** The names of the table on top of the stack, sorted, in load->scratch; others are problems.
 */
struct wg_str *wg_take_names(struct load *load, const struct place *place, size_t *ret_count);

/** Absolute, from the configuration's folder, in the box's arena. */
const char *wg_path_resolve(struct load *load, struct wg_str path);
/** Absolute folder of file. */
enum wg_code wg_path_folder(const char *file, struct wg_arena *arena, const char **ret_folder,
                            struct wg_err *err);

/** CPUs this process may use: affinity, and the CPU quota of its cgroups (v2 and v1) rounded
 * up. */
int wg_cpus_usable(void);
/** The quota alone, 0 for none; cgroup_root is "/sys/fs/cgroup", self the text of
 * /proc/self/cgroup. */
int wg_cpus_quota(const char *cgroup_root, struct wg_str self);
