// SPDX-License-Identifier: Apache-2.0
#include "http/reader_impl.h"

#include "base/alloc.h"

enum {
    CHUNK_ALLOWANCE =
        16, /* bytes of framing a chunk may cost before they count as header bytes */
    VERSION_LIMIT = 8,
};

static struct wg_http_reader *reader_of(llhttp_t *llhttp)
{
    return WG_CONTAINER(llhttp, struct wg_http_reader, llhttp);
}

static int refuse(struct wg_http_reader *reader, int status)
{
    reader->status = status;
    return -1;
}

static int refuse_head_size(struct wg_http_reader *reader)
{
    wg_fail(&reader->err, WG_TOO_LARGE, "the header is over %zu bytes",
            reader->limits.header_bytes);
    return refuse(reader, 431);
}

static int add_to_head(struct wg_http_reader *reader, const char *at, size_t len)
{
    if (reader->stage != WG_HTTP_IN_HEAD) /* a trailer: read, judged, dropped */
        return 0;
    wg_buf_add(&reader->head, at, len);
    return reader->head.is_overflown ? refuse_head_size(reader) : 0;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wg_http_reader *reader = reader_of(llhttp);

    reader->target.len += len;
    return add_to_head(reader, at, len);
}

static int on_version(llhttp_t *llhttp, const char *at, size_t len)
{
    wg_buf_add(&reader_of(llhttp)->version, at, len);
    return 0;
}

static int on_field(llhttp_t *llhttp, const char *at, size_t len)
{
    return add_to_head(reader_of(llhttp), at, len);
}

static int on_field_complete(llhttp_t *llhttp)
{
    struct wg_http_reader *reader = reader_of(llhttp);
    struct wg_http_field_span *field;

    if (reader->stage != WG_HTTP_IN_HEAD)
        return 0;
    if (reader->field_count == reader->limits.header_count) {
        wg_fail(&reader->err, WG_TOO_LARGE, "more than %zu header fields",
                reader->limits.header_count);
        return refuse(reader, 431);
    }
    if (reader->field_count == reader->field_capacity) {
        reader->field_capacity = reader->field_capacity ? reader->field_capacity * 2 : 16;
        reader->fields =
            wg_realloc(reader->fields, reader->field_capacity * sizeof *reader->fields);
    }
    field = &reader->fields[reader->field_count];
    field->name = (struct wg_http_span){reader->field_at, reader->head.len - reader->field_at};
    for (size_t i = reader->field_at; i < reader->head.len; i++)
        if (reader->head.at[i] >= 'A' && reader->head.at[i] <= 'Z')
            reader->head.at[i] = (char)(reader->head.at[i] | 0x20);
    reader->field_at = reader->head.len;
    return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wg_http_reader *reader = reader_of(llhttp);

    /* RFC 9110 5.5: llhttp stops at most of these, but not at DEL. */
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)at[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            wg_fail(&reader->err, WG_INVALID, "control byte 0x%02x in a header value", byte);
            return refuse(reader, 400);
        }
    }
    return add_to_head(reader, at, len);
}

static int on_value_complete(llhttp_t *llhttp)
{
    struct wg_http_reader *reader = reader_of(llhttp);
    struct wg_http_field_span *field;

    if (reader->stage != WG_HTTP_IN_HEAD)
        return 0;
    field = &reader->fields[reader->field_count++];
    field->value = (struct wg_http_span){reader->field_at, reader->head.len - reader->field_at};
    reader->field_at = reader->head.len;
    return 0;
}

static int on_url_complete(llhttp_t *llhttp)
{
    struct wg_http_reader *reader = reader_of(llhttp);

    reader->field_at = reader->head.len;
    return 0;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct wg_http_reader *reader = reader_of(llhttp);

    reader->stage = WG_HTTP_IN_BODY;
    switch (reader->on_head(reader->owner, reader)) {
    case WG_HTTP_GO_ON:
        return 0;
    case WG_HTTP_NO_BODY:
        return 1;
    default:
        return -1;
    }
}

static int on_chunk_header(llhttp_t *llhttp)
{
    reader_of(llhttp)->chunks++;
    return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wg_http_reader *reader = reader_of(llhttp);

    wg_buf_add(&reader->body, at, len);
    if (!reader->body.is_overflown)
        return 0;
    wg_fail(&reader->err, WG_TOO_LARGE, "the body is over %zu bytes",
            reader->limits.body_bytes);
    return refuse(reader, 413);
}

static int on_message_complete(llhttp_t *llhttp)
{
    reader_of(llhttp)->stage = WG_HTTP_AT_END;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_url = on_url,
    .on_url_complete = on_url_complete,
    .on_version = on_version,
    .on_header_field = on_field,
    .on_header_field_complete = on_field_complete,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void wg_http_reader_init(
    struct wg_http_reader *reader, llhttp_type_t type, const struct wg_http_limits *limits,
    enum wg_http_verdict (*on_head)(void *owner, struct wg_http_reader *reader), void *owner)
{
    *reader = (struct wg_http_reader){.limits = *limits, .on_head = on_head, .owner = owner};
    wg_buf_init(&reader->head, limits->header_bytes);
    wg_buf_init(&reader->version, VERSION_LIMIT);
    wg_buf_init(&reader->body, limits->body_bytes);
    llhttp_init(&reader->llhttp, type, &callbacks);
}

void wg_http_reader_done(struct wg_http_reader *reader)
{
    wg_buf_done(&reader->head);
    wg_buf_done(&reader->version);
    wg_buf_done(&reader->body);
    wg_free(reader->fields);
    reader->fields = NULL;
    reader->field_count = reader->field_capacity = 0;
}

void wg_http_reader_next(struct wg_http_reader *reader)
{
    /* A fresh llhttp for each message: its memory of the one before (close, upgrade) is judged
     * by our own rules. */
    llhttp_init(&reader->llhttp, (llhttp_type_t)llhttp_get_type(&reader->llhttp), &callbacks);
    wg_buf_clear(&reader->head);
    wg_buf_clear(&reader->version);
    wg_buf_done(&reader->body); /* an idle connection keeps no body's memory */
    reader->stage = WG_HTTP_IN_HEAD;
    reader->target = (struct wg_http_span){0, 0};
    reader->field_count = reader->field_at = 0;
    reader->used = reader->chunks = 0;
    reader->status = 0;
}

/* What llhttp itself refused, in our words. */
static enum wg_http_progress fail_syntax(struct wg_http_reader *reader, llhttp_errno_t error)
{
    struct wg_str version = wg_buf_str(&reader->version);
    const char *reason = llhttp_get_error_reason(&reader->llhttp);

    if (reader->status)
        return WG_HTTP_FAILED;
    if (error == HPE_PAUSED_H2_UPGRADE ||
        (error == HPE_INVALID_VERSION && version.len == 3 && version.at[1] == '.')) {
        reader->status = 505;
        wg_fail(&reader->err, WG_INVALID, "HTTP/1.1 is spoken here");
        return WG_HTTP_FAILED;
    }
    reader->status = 400;
    wg_fail(&reader->err, WG_INVALID, "not a valid HTTP/1.1 message: %s",
            reason && reason[0] ? reason : llhttp_errno_name(error));
    return WG_HTTP_FAILED;
}

/* The head, chunk extensions, zeros before a chunk's size and trailers share one limit, so that
 * no place is left where a peer could send without end. */
static bool is_framing_too_large(const struct wg_http_reader *reader)
{
    return reader->used - reader->body.len >
           reader->limits.header_bytes + CHUNK_ALLOWANCE * (reader->chunks + 1);
}

enum wg_http_progress wg_http_reader_feed(struct wg_http_reader *reader, const char *data,
                                          size_t len, size_t *ret_used)
{
    size_t done = 0;

    *ret_used = 0;
    if (reader->status)
        return WG_HTTP_FAILED;
    while (done < len && reader->stage != WG_HTTP_AT_END) {
        size_t slice = len - done;
        llhttp_errno_t error;

        if (reader->stage == WG_HTTP_IN_HEAD &&
            slice > reader->limits.header_bytes - reader->used)
            slice = reader->limits.header_bytes - reader->used;
        error = llhttp_execute(&reader->llhttp, data + done, slice);
        if (error != HPE_OK && reader->stage != WG_HTTP_AT_END)
            return fail_syntax(reader, error);
        if (error != HPE_OK)
            slice = (size_t)(llhttp_get_error_pos(&reader->llhttp) - (data + done));
        done += slice;
        reader->used += slice;
        if (reader->stage == WG_HTTP_IN_HEAD ? reader->used >= reader->limits.header_bytes
                                             : is_framing_too_large(reader)) {
            refuse_head_size(reader);
            return WG_HTTP_FAILED;
        }
    }
    *ret_used = done;
    return reader->stage == WG_HTTP_AT_END ? WG_HTTP_DONE : WG_HTTP_MORE;
}

enum wg_http_progress wg_http_reader_end(struct wg_http_reader *reader)
{
    if (reader->status)
        return WG_HTTP_FAILED;
    if (reader->stage == WG_HTTP_IN_BODY)
        llhttp_finish(&reader->llhttp);
    if (reader->stage == WG_HTTP_AT_END)
        return WG_HTTP_DONE;
    reader->status = 400;
    wg_fail(&reader->err, WG_INVALID, "it ends in the middle of the %s",
            reader->stage == WG_HTTP_IN_HEAD ? "header" : "body");
    return WG_HTTP_FAILED;
}

bool wg_http_reader_is_inside(const struct wg_http_reader *reader)
{
    return reader->used > 0 && reader->stage != WG_HTTP_AT_END;
}

enum wg_http_verdict wg_http_reader_refuse(struct wg_http_reader *reader, int status)
{
    reader->status = status;
    return WG_HTTP_REFUSED;
}

void wg_http_reader_head(const struct wg_http_reader *reader, struct wg_arena *arena,
                         struct wg_str *ret_target, struct wg_headers *ret_headers)
{
    struct wg_str head = wg_arena_copy(arena, wg_buf_str(&reader->head));

    *ret_target = wg_str_of(head.at, reader->target.len);
    for (size_t i = 0; i < reader->field_count; i++) {
        const struct wg_http_field_span *field = &reader->fields[i];

        wg_headers_add(ret_headers, arena, wg_str_of(head.at + field->name.at, field->name.len),
                       wg_str_trim(wg_str_of(head.at + field->value.at, field->value.len)));
    }
}
