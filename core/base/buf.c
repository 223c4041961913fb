// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/utf8.h"

/* Heads, events and answers fit into it, and malloc still has it at hand. */
enum { FIRST_BYTES = 1024 };

void wg_buf_init(struct wg_buf *buf, size_t limit)
{
    *buf = (struct wg_buf){.limit = limit};
}

void wg_buf_done(struct wg_buf *buf)
{
    wg_free(buf->at);
    *buf = (struct wg_buf){.limit = buf->limit};
}

void wg_buf_clear(struct wg_buf *buf)
{
    buf->len = 0;
    buf->is_overflown = false;
}

char *wg_buf_room(struct wg_buf *buf, size_t len)
{
    if (buf->is_overflown || len > buf->limit - buf->len) {
        buf->is_overflown = true;
        return NULL;
    }
    if (buf->len + len + 1 > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity * 2 : FIRST_BYTES;

        while (capacity < buf->len + len + 1)
            capacity *= 2;
        buf->at = wg_realloc(buf->at, capacity);
        buf->capacity = capacity;
    }
    return buf->at + buf->len;
}

void wg_buf_add(struct wg_buf *buf, const void *data, size_t len)
{
    char *room = wg_buf_room(buf, len);

    if (!room)
        return;
    if (len)
        memcpy(room, data, len);
    buf->len += len;
    buf->at[buf->len] = '\0';
}

void wg_buf_adds(struct wg_buf *buf, struct wg_str text)
{
    wg_buf_add(buf, text.at, text.len);
}

void wg_buf_addc(struct wg_buf *buf, char byte)
{
    if (buf->is_overflown || buf->len + 1 >= buf->capacity || buf->len >= buf->limit) {
        wg_buf_add(buf, &byte, 1);
        return;
    }
    buf->at[buf->len++] = byte;
    buf->at[buf->len] = '\0';
}

void wg_buf_addv(struct wg_buf *buf, const char *format, va_list arguments)
{
    va_list again;
    int wanted;
    char *room;

    va_copy(again, arguments);
    wanted = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (wanted < 0 || !(room = wg_buf_room(buf, (size_t)wanted)))
        return;
    vsnprintf(room, (size_t)wanted + 1, format, arguments);
    buf->len += (size_t)wanted;
}

void wg_buf_addf(struct wg_buf *buf, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    wg_buf_addv(buf, format, arguments);
    va_end(arguments);
}

/* Nearly every text is ASCII without anything to escape: that goes in one piece. */
static size_t plain_run(const char *at, size_t len)
{
    size_t i = 0;

    while (i < len && (unsigned char)(at[i] - 0x20) < 0x5f && at[i] != '"' && at[i] != '\\')
        i++;
    return i;
}

static void add_escaped(struct wg_buf *buf, unsigned char byte)
{
    static const char *const shorts[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f",
        ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"};

    if (byte < WG_COUNT(shorts) && shorts[byte])
        wg_buf_add(buf, shorts[byte], 2);
    else
        wg_buf_addf(buf, "\\u%04x", byte);
}

void wg_buf_add_json(struct wg_buf *buf, struct wg_str text)
{
    for (size_t i = 0; i < text.len && !buf->is_overflown;) {
        size_t width = plain_run(text.at + i, text.len - i);
        unsigned char byte = (unsigned char)text.at[i];

        if (width > buf->limit - buf->len) {
            wg_buf_add(buf, text.at + i, buf->limit - buf->len);
            buf->is_overflown = true;
        } else if (width > 0) {
            wg_buf_add(buf, text.at + i, width);
        } else if ((width = wg_utf8_width(text.at + i, text.len - i)) == 0) {
            wg_buf_add(buf, "\\ufffd", 6);
            width = 1;
        } else if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
            add_escaped(buf, byte);
        } else {
            wg_buf_add(buf, text.at + i, width);
        }
        i += width;
    }
}

void wg_buf_drop(struct wg_buf *buf, size_t len)
{
    if (len > buf->len)
        len = buf->len;
    buf->len -= len;
    if (buf->len)
        memmove(buf->at, buf->at + len, buf->len);
    if (buf->at)
        buf->at[buf->len] = '\0';
}

enum wg_code wg_buf_status(const struct wg_buf *buf, struct wg_err *err)
{
    if (!buf->is_overflown)
        return WG_OK;
    return wg_fail(err, WG_TOO_LARGE, "longer than the limit of %zu bytes", buf->limit);
}
