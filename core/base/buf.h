// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdarg.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/** Bytes that grow up to a limit and remember failure, so that a builder reads as a recipe:
 * add, add, add, then one wg_buf_status(). After a failure every add is a no-op.
 *
 * Owner: whoever called wg_buf_init(); ends with wg_buf_done(). Always NUL-terminated behind
 * len once something was added, for printing. */
struct wg_buf {
    char *at;
    size_t len;
    size_t capacity;
    size_t limit;
    bool is_overflown;
};

void wg_buf_init(struct wg_buf *buf, size_t limit);
void wg_buf_done(struct wg_buf *buf);
/** Empty again, failure forgotten, memory kept. */
void wg_buf_clear(struct wg_buf *buf);
void wg_buf_add(struct wg_buf *buf, const void *data, size_t len);
void wg_buf_adds(struct wg_buf *buf, struct wg_str text);
void wg_buf_addc(struct wg_buf *buf, char byte);
void wg_buf_addf(struct wg_buf *buf, const char *format, ...) WG_PRINTF(2, 3);
void wg_buf_addv(struct wg_buf *buf, const char *format, va_list arguments);
/** Text as the inside of a JSON string (no quotes); control bytes and invalid UTF-8 become
 * escapes, so that foreign bytes cannot break a line. */
void wg_buf_add_json(struct wg_buf *buf, struct wg_str text);
/** Takes the first len bytes away. */
void wg_buf_drop(struct wg_buf *buf, size_t len);
/** Room for len more bytes at the end, or NULL past the limit; fill it, then add to buf->len.
 */
WG_MUST_USE char *wg_buf_room(struct wg_buf *buf, size_t len);
/** WG_OK, or WG_TOO_LARGE with the limit in the text. */
WG_MUST_USE enum wg_code wg_buf_status(const struct wg_buf *buf, struct wg_err *err);

static inline struct wg_str wg_buf_str(const struct wg_buf *buf)
{
    return (struct wg_str){buf->at ? buf->at : "", buf->len};
}
