// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "base/str.h"

/** One line an outcome, on standard error, as JSON, logfmt or for people. Any thread; a line is
 * one write(2), so lines never mix.
 *
 * Secrets and message bodies are never fields; keys print as their kid. Foreign text may be: it
 * is escaped. */
enum wg_log_level { WG_LOG_DEBUG, WG_LOG_INFO, WG_LOG_WARN, WG_LOG_ERROR };
enum wg_log_format { WG_LOG_JSON, WG_LOG_LOGFMT, WG_LOG_HUMAN };

struct wg_field {
    const char *name; /**< NULL ends a list of fields */
    enum { WG_FIELD_STR, WG_FIELD_INT, WG_FIELD_FLOAT } type;
    struct wg_str text; /**< absent (at == NULL): the field is left out */
    int64_t integer;
    double real;
};

#define WG_F_STR(name, value)           \
    {                                   \
        name, WG_FIELD_STR, value, 0, 0 \
    }
#define WG_F_TEXT(name, value)                  \
    {                                           \
        name, WG_FIELD_STR, wg_str(value), 0, 0 \
    }
#define WG_F_INT(name, value)                            \
    {                                                    \
        name, WG_FIELD_INT, {"", 0}, (int64_t)(value), 0 \
    }
#define WG_F_FLOAT(name, value)                 \
    {                                           \
        name, WG_FIELD_FLOAT, {"", 0}, 0, value \
    }

/** wg_log(WG_LOG_INFO, "federation.send.success", "event accepted",
 *         WG_F_STR("peer", name), WG_F_INT("status", 200));
 * event is the documented name operators search for; message a sentence for people. */
#define wg_log(level, event, message, ...) \
    wg_log_fields(level, event, message,   \
                  (const struct wg_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

void wg_log_fields(enum wg_log_level level, const char *event, const char *message,
                   const struct wg_field *fields);
/** Both may change while other threads log. */
void wg_log_set_level(enum wg_log_level level);
void wg_log_set_format(enum wg_log_format format);
bool wg_log_is_on(enum wg_log_level level);
enum wg_log_level wg_log_level(void);
enum wg_log_format wg_log_format(void);
const char *wg_log_level_name(enum wg_log_level level);
const char *wg_log_format_name(enum wg_log_format format);
/** "debug", "info", "warn", "error" / "json", "logfmt", "human". */
bool wg_log_level_parse(struct wg_str text, enum wg_log_level *ret_level);
bool wg_log_format_parse(struct wg_str text, enum wg_log_format *ret_format);
