// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum { LINE_LIMIT_BYTES = 16 * 1024 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const format_names[] = {"json", "logfmt", "human"};

static atomic_int level_now = WG_LOG_INFO;
static atomic_int format_now = WG_LOG_JSON;

void wg_log_set_level(enum wg_log_level level)
{
    atomic_store(&level_now, level);
}

void wg_log_set_format(enum wg_log_format format)
{
    atomic_store(&format_now, format);
}

bool wg_log_is_on(enum wg_log_level level)
{
    return (int)level >= atomic_load(&level_now);
}

bool wg_log_level_parse(struct wg_str text, enum wg_log_level *ret_level)
{
    for (size_t i = 0; i < WG_COUNT(level_names); i++) {
        if (wg_str_is(text, level_names[i])) {
            *ret_level = (enum wg_log_level)i;
            return true;
        }
    }
    return false;
}

bool wg_log_format_parse(struct wg_str text, enum wg_log_format *ret_format)
{
    for (size_t i = 0; i < WG_COUNT(format_names); i++) {
        if (wg_str_is(text, format_names[i])) {
            *ret_format = (enum wg_log_format)i;
            return true;
        }
    }
    return false;
}

static void add_time(struct wg_buf *line)
{
    struct timespec now;
    struct tm parts;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    wg_buf_addf(line, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static void add_value(struct wg_buf *line, const struct wg_field *field, bool is_json)
{
    if (field->type == WG_FIELD_INT) {
        wg_buf_addf(line, "%" PRId64, field->integer);
    } else if (field->type == WG_FIELD_FLOAT) {
        wg_buf_addf(line, "%.3f", field->real);
    } else {
        bool is_bare = !is_json && field->text.len > 0;

        for (size_t i = 0; is_bare && i < field->text.len; i++)
            is_bare = field->text.at[i] > ' ' && field->text.at[i] < 0x7f &&
                      !strchr("\"=\\", field->text.at[i]);
        if (!is_bare)
            wg_buf_addc(line, '"');
        wg_buf_add_json(line, field->text);
        if (!is_bare)
            wg_buf_addc(line, '"');
    }
}

static void write_line(const struct wg_buf *line)
{
    size_t sent = 0;

    while (sent < line->len) {
        ssize_t n = write(STDERR_FILENO, line->at + sent, line->len - sent);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody reads our log: nothing better to do */
        sent += (size_t)n;
    }
}

void wg_log_fields(enum wg_log_level level, const char *event, const char *message,
                   const struct wg_field *fields)
{
    enum wg_log_format format = (enum wg_log_format)atomic_load(&format_now);
    bool is_json = format == WG_LOG_JSON;
    struct wg_buf line;

    if (!wg_log_is_on(level))
        return;
    wg_buf_init(&line, LINE_LIMIT_BYTES);
    wg_buf_addf(&line, is_json ? "{\"time\":\"" : format == WG_LOG_LOGFMT ? "time=" : "");
    add_time(&line);
    wg_buf_addf(&line,
                is_json ? "\",\"level\":\"%s\",\"event\":\"%s\",\"message\":\""
                : format == WG_LOG_LOGFMT ? " level=%s event=%s message=\""
                                          : " %-5s %s: ",
                level_names[level], event);
    if (format == WG_LOG_HUMAN)
        wg_buf_add_json(&line, wg_str(message));
    else
        wg_buf_add_json(&line, wg_str(message)), wg_buf_addc(&line, '"');
    for (; fields->name; fields++) {
        if (!fields->text.at && fields->type == WG_FIELD_STR)
            continue;
        wg_buf_addf(&line, is_json ? ",\"%s\":" : " %s=", fields->name);
        add_value(&line, fields, is_json);
    }
    /* A line that grew past the limit is cut and ended so that the next one starts fresh. */
    if (line.is_overflown) {
        line.is_overflown = false;
        line.len = line.len > LINE_LIMIT_BYTES - 64 ? LINE_LIMIT_BYTES - 64 : line.len;
        wg_buf_addf(&line, is_json ? "\",\"cut\":true" : " cut=true");
    }
    wg_buf_addf(&line, is_json ? "}\n" : "\n");
    write_line(&line);
    wg_buf_done(&line);
}

void wg_check_failed(const char *condition, const char *file, int line)
{
    wg_log(WG_LOG_ERROR, "internal.check_failed", condition, WG_F_TEXT("file", file),
           WG_F_INT("line", line));
#ifdef WG_STRICT_CHECKS
    abort();
#endif
}

void wg_panic(const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    wg_log(WG_LOG_ERROR, "internal.panic", text);
    abort();
}
