// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/** How a value is written and what it becomes. Columns: name; words of the reference; what it
 * becomes in the struct. */
#define WG_SETTING_KINDS(X)                                             \
    X(LISTEN, "list of `ip:port`")        /* wg_names */                \
    X(PEERS, "list of server names")      /* wg_names */                \
    X(FOLDERS, "list of folders")         /* wg_names */                \
    X(PATH, "path")                       /* const char *, absolute */  \
    X(FILE, "file")                       /* const char *, absolute */  \
    X(ANCHORS, "`\"system\"` or a file")  /* const char * */            \
    X(URL, "URL")                         /* const char * */            \
    X(TEXT, "text")                       /* const char * */            \
    X(SPANS, "table of name to duration") /* struct wg_config_span * */ \
    X(INTEGER, "integer")                 /* int64_t */                 \
    X(DURATION, "duration")               /* int64_t, ms */             \
    X(TIME, "time")                       /* int64_t, s since 1970 */   \
    X(SIZE, "size")                       /* int64_t, bytes */          \
    X(BOOLEAN, "boolean")                 /* bool */                    \
    X(CHOICE, "one of")                   /* an enum, counted from 0 */ \
    X(WORKERS, "`\"auto\"` or integer")   /* int */                     \
    X(RESOLVE, "table of name to `ip:port`")                            \
    X(CIDRS, "list of CIDR blocks")                                     \
    X(INSTANCES, "table of server name to instance")

enum wg_setting_kind {
#define X(name, words) KIND_##name,
    WG_SETTING_KINDS(X)
#undef X
};

/** One row of settings.def. */
struct wg_setting {
    const char *path;
    enum wg_setting_kind kind;
    size_t offset;
    const char *standard; /**< the default; NULL: must be given */
    int64_t least, most;
    const char *detail, *help;
};

/** A group of rows, ended by path == NULL. */
extern const struct wg_setting wg_settings_top[];
extern const struct wg_setting wg_settings_instance[];

enum { WG_SETTING_NAMES = 64 };

/** The names that may stand below section ("" or "peers"), in order, NULL-terminated. */
void wg_setting_names(const struct wg_setting *settings, struct wg_str section,
                      struct wg_str ret_names[WG_SETTING_NAMES], size_t *ret_count);
/** What stands at path: a setting, a section, or neither. */
enum wg_setting_at { AT_NOTHING, AT_SETTING, AT_SECTION };
enum wg_setting_at wg_setting_find(const struct wg_setting *settings, struct wg_str path);

/** "30s", "7d" / "256KiB", "64 KB": digits and one of the units; *ret_value in ms or bytes. */
bool wg_duration_parse(struct wg_str text, int64_t *ret_value);
bool wg_size_parse(struct wg_str text, int64_t *ret_value);
/** "2026-01-31" or "2026-01-31T12:00:00Z", in UTC; seconds since 1970. */
bool wg_time_parse(struct wg_str text, int64_t *ret_value);
/** In the largest unit that loses nothing. */
void wg_duration_write(int64_t value, struct wg_buf *out);
void wg_size_write(int64_t value, struct wg_buf *out);
