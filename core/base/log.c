// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

/* A text takes at most TEXT_LIMIT, so that a long foreign one leaves room for the fields behind
 * it; TAIL is kept for what ends a line. */
enum {
    LINE_LIMIT_BYTES = 16 * 1024,
    TEXT_LIMIT_BYTES = 4 * 1024,
    NAME_LIMIT_BYTES = 128,
    TAIL_BYTES = 32,
    ROOM_BYTES = LINE_LIMIT_BYTES - TAIL_BYTES,
};

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

/* A line being made, on the stack: the log must work when memory is out. */
struct line {
    struct wg_buf buf;
    enum wg_log_format format;
    bool is_cut;
    char storage[LINE_LIMIT_BYTES + 1];
};

static void add_time(struct wg_buf *out)
{
    struct timespec now;
    struct tm parts;
    char text[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    wg_buf_addf(out, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

/* Names may come from a policy: what could end one early becomes '_', in every format. */
static void add_name(struct wg_buf *out, const char *name)
{
    for (size_t i = 0; name[i] && i < NAME_LIMIT_BYTES; i++)
        wg_buf_addc(out, name[i] > ' ' && name[i] < 0x7f && !strchr("\"=\\", name[i]) ? name[i]
                                                                                      : '_');
}

/* As much of text as there is room for, in whole characters; one byte stays for a quote. */
static void add_text(struct line *line, struct wg_str text)
{
    struct wg_buf *buf = &line->buf;
    size_t room = ROOM_BYTES - 1 - buf->len;

    buf->limit = buf->len + (room < TEXT_LIMIT_BYTES ? room : TEXT_LIMIT_BYTES);
    wg_buf_add_json(buf, text);
    line->is_cut |= buf->is_overflown;
    buf->is_overflown = false;
    buf->limit = ROOM_BYTES;
}

static bool is_bare(struct wg_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] <= ' ' || text.at[i] >= 0x7f || strchr("\"=\\", text.at[i]))
            return false;
    }
    return text.len > 0;
}

static void add_value(struct line *line, const struct wg_field *field)
{
    struct wg_buf *buf = &line->buf;
    const char *quote = line->format != WG_LOG_JSON && is_bare(field->text) ? "" : "\"";

    if (field->type == WG_FIELD_INT) {
        wg_buf_addf(buf, "%" PRId64, field->integer);
    } else if (field->type == WG_FIELD_FLOAT) {
        /* JSON has no word for what is not a number. */
        if (isfinite(field->real))
            wg_buf_addf(buf, "%.3f", field->real);
        else
            wg_buf_addf(buf, "null");
    } else {
        wg_buf_addf(buf, "%s", quote);
        if (buf->is_overflown || buf->len >= ROOM_BYTES) {
            buf->is_overflown = true;
            return;
        }
        add_text(line, field->text);
        wg_buf_addf(buf, "%s", quote);
    }
}

/* Whole, or with its text cut, or not at all: never half. */
static void add_field(struct line *line, const struct wg_field *field)
{
    struct wg_buf *buf = &line->buf;
    size_t was = buf->len;

    if (field->type == WG_FIELD_STR && !field->text.at)
        return;
    wg_buf_addf(buf, line->format == WG_LOG_JSON ? ",\"" : " ");
    add_name(buf, field->name);
    wg_buf_addf(buf, line->format == WG_LOG_JSON ? "\":" : "=");
    add_value(line, field);
    if (buf->is_overflown) {
        buf->is_overflown = false;
        buf->len = was;
        line->is_cut = true;
    }
}

static void add_head(struct line *line, enum wg_log_level level, const char *event,
                     const char *message)
{
    static const struct {
        const char *time, *level, *event, *message, *end;
    } words[] = {
        [WG_LOG_JSON] = {"{\"time\":\"", "\",\"level\":\"", "\",\"event\":\"",
                         "\",\"message\":\"", "\""},
        [WG_LOG_LOGFMT] = {"time=", " level=", " event=", " message=\"", "\""},
        [WG_LOG_HUMAN] = {"", " ", " ", ": ", ""},
    };
    struct wg_buf *buf = &line->buf;

    wg_buf_addf(buf, "%s", words[line->format].time);
    add_time(buf);
    wg_buf_addf(buf, line->format == WG_LOG_HUMAN ? "%s%-5s" : "%s%s",
                words[line->format].level, level_names[level]);
    wg_buf_addf(buf, "%s", words[line->format].event);
    add_name(buf, event);
    wg_buf_addf(buf, "%s", words[line->format].message);
    add_text(line, wg_str(message));
    wg_buf_addf(buf, "%s", words[line->format].end);
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
    struct line line;
    bool is_json;
    int was = errno;

    if (!wg_log_is_on(level))
        return;
    line.format = (enum wg_log_format)atomic_load(&format_now);
    line.is_cut = false;
    line.buf = (struct wg_buf){
        .at = line.storage, .capacity = sizeof line.storage, .limit = ROOM_BYTES};
    is_json = line.format == WG_LOG_JSON;
    add_head(&line, level, event, message);
    for (; fields->name; fields++)
        add_field(&line, fields);
    line.buf.limit = LINE_LIMIT_BYTES;
    if (line.is_cut)
        wg_buf_addf(&line.buf, is_json ? ",\"cut\":true" : " cut=true");
    wg_buf_addf(&line.buf, is_json ? "}\n" : "\n");
    write_line(&line.buf);
    errno = was;
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
