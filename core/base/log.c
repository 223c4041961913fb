// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/metric.h"

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

enum wg_log_level wg_log_level(void)
{
    return (enum wg_log_level)atomic_load(&level_now);
}

enum wg_log_format wg_log_format(void)
{
    return (enum wg_log_format)atomic_load(&format_now);
}

const char *wg_log_level_name(enum wg_log_level level)
{
    return level_names[level];
}

const char *wg_log_format_name(enum wg_log_format format)
{
    return format_names[format];
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

/* Splitting a second into its date costs more than the rest of a short line, and lines come
 * many to a second. */
static void add_time(struct wg_buf *out)
{
    static _Thread_local struct {
        time_t second;
        size_t len;
        char text[32];
    } known;
    struct timespec now;
    struct tm parts;
    int ms;

    clock_gettime(CLOCK_REALTIME, &now);
    if (known.len == 0 || known.second != now.tv_sec) {
        gmtime_r(&now.tv_sec, &parts);
        known.len = strftime(known.text, sizeof known.text, "%Y-%m-%dT%H:%M:%S", &parts);
        known.second = now.tv_sec;
    }
    ms = (int)(now.tv_nsec / 1000000);
    wg_buf_add(out, known.text, known.len);
    wg_buf_add(out,
               (const char[]){'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
                              (char)('0' + ms % 10), 'Z'},
               5);
}

static void add_word(struct wg_buf *out, const char *word)
{
    wg_buf_add(out, word, strlen(word));
}

static void add_int(struct wg_buf *out, int64_t value)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char digits[20];
    size_t at = sizeof digits;

    if (value < 0)
        wg_buf_addc(out, '-');
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    wg_buf_add(out, digits + at, sizeof digits - at);
}

static bool is_name_byte(char byte)
{
    return byte > ' ' && byte < 0x7f && byte != '"' && byte != '=' && byte != '\\';
}

/* Names may come from a policy: what could end one early becomes '_', in every format. */
static void add_name(struct wg_buf *out, const char *name)
{
    size_t i = 0;

    while (i < NAME_LIMIT_BYTES && is_name_byte(name[i]))
        i++;
    wg_buf_add(out, name, i);
    for (; name[i] && i < NAME_LIMIT_BYTES; i++)
        wg_buf_addc(out, is_name_byte(name[i]) ? name[i] : '_');
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
        if (!is_name_byte(text.at[i]))
            return false;
    }
    return text.len > 0;
}

static void add_value(struct line *line, const struct wg_field *field)
{
    struct wg_buf *buf = &line->buf;
    const char *quote = line->format != WG_LOG_JSON && is_bare(field->text) ? "" : "\"";

    if (field->type == WG_FIELD_INT) {
        add_int(buf, field->integer);
    } else if (field->type == WG_FIELD_FLOAT) {
        /* JSON has no word for what is not a number. */
        if (isfinite(field->real))
            wg_buf_addf(buf, "%.3f", field->real);
        else
            add_word(buf, "null");
    } else {
        add_word(buf, quote);
        if (buf->is_overflown || buf->len >= ROOM_BYTES) {
            buf->is_overflown = true;
            return;
        }
        add_text(line, field->text);
        add_word(buf, quote);
    }
}

/* Whole, or with its text cut, or not at all: never half. */
static void add_field(struct line *line, const struct wg_field *field)
{
    struct wg_buf *buf = &line->buf;
    size_t was = buf->len;

    if (field->type == WG_FIELD_STR && !field->text.at)
        return;
    add_word(buf, line->format == WG_LOG_JSON ? ",\"" : " ");
    add_name(buf, field->name);
    add_word(buf, line->format == WG_LOG_JSON ? "\":" : "=");
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

    add_word(buf, words[line->format].time);
    add_time(buf);
    wg_buf_addf(buf, line->format == WG_LOG_HUMAN ? "%s%-5s" : "%s%s",
                words[line->format].level, level_names[level]);
    add_word(buf, words[line->format].event);
    add_name(buf, event);
    add_word(buf, words[line->format].message);
    add_text(line, wg_str(message));
    add_word(buf, words[line->format].end);
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
    wg_metric_count(LOG_LINES, level);
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
        add_word(&line.buf, is_json ? ",\"cut\":true" : " cut=true");
    add_word(&line.buf, is_json ? "}\n" : "\n");
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
