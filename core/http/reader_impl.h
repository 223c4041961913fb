// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <llhttp.h>

#include "base/buf.h"
#include "wire/message.h"

/** One HTTP/1.1 message after the other from a stream of bytes: llhttp in strict mode, with
 * limits on all that the other side chooses. What llhttp lets through all the same is refused
 * by the rules (rules_impl.h), which on_head is there to call.
 *
 * Owner: whoever called _init(). */
struct wg_http_reader;

struct wg_http_limits {
    size_t header_bytes; /**< head, chunk extensions and trailers together */
    size_t header_count;
    size_t body_bytes;
};

enum wg_http_verdict {
    WG_HTTP_GO_ON,
    WG_HTTP_NO_BODY, /**< whatever the head says: an answer to HEAD */
    WG_HTTP_REFUSED, /**< wg_http_reader_refuse() was called */
};

enum wg_http_progress {
    WG_HTTP_MORE,   /**< every byte was used */
    WG_HTTP_DONE,   /**< a message is whole; wg_http_reader_next() before the next byte */
    WG_HTTP_FAILED, /**< reader->status and reader->err say why; no further byte */
};

struct wg_http_span {
    size_t at, len;
};

struct wg_http_field_span {
    struct wg_http_span name, value;
};

struct wg_http_reader {
    llhttp_t llhttp;
    struct wg_http_limits limits;
    enum wg_http_verdict (*on_head)(void *owner, struct wg_http_reader *reader);
    void *owner;

    enum { WG_HTTP_IN_HEAD, WG_HTTP_IN_BODY, WG_HTTP_AT_END } stage;
    struct wg_buf head; /**< target, names and values, one behind the other */
    struct wg_http_span target;
    struct wg_http_field_span *fields;
    size_t field_count, field_capacity;
    size_t field_at; /**< where the field being read begins in head */
    struct wg_buf version;
    struct wg_buf body;
    size_t used;   /**< bytes of this message so far */
    size_t chunks; /**< chunk headers so far */

    int status; /**< of the answer to a request that failed: 400, 413, 431 or 505 */
    struct wg_err err;
};

/** on_head comes once a message, when the last byte of the head is here. */
void wg_http_reader_init(
    struct wg_http_reader *reader, llhttp_type_t type, const struct wg_http_limits *limits,
    enum wg_http_verdict (*on_head)(void *owner, struct wg_http_reader *reader), void *owner);
void wg_http_reader_done(struct wg_http_reader *reader);
/** Ready for the next message. */
void wg_http_reader_next(struct wg_http_reader *reader);
enum wg_http_progress wg_http_reader_feed(struct wg_http_reader *reader, const char *data,
                                          size_t len, size_t *ret_used);
/** The other side has ended: DONE for an answer that ends so, else FAILED. */
enum wg_http_progress wg_http_reader_end(struct wg_http_reader *reader);
/** A byte of a message was read and the message is not whole. */
bool wg_http_reader_is_inside(const struct wg_http_reader *reader);

/** From on_head only. @return WG_HTTP_REFUSED */
enum wg_http_verdict wg_http_reader_refuse(struct wg_http_reader *reader, int status);

/** From on_head on: the target (requests; absent when empty) and the fields, names in lower
 * case, values without surrounding white space, copied into arena. */
void wg_http_reader_head(const struct wg_http_reader *reader, struct wg_arena *arena,
                         struct wg_str *ret_target, struct wg_headers *ret_headers);
