// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "net/stream_impl.h"
#include "net/tls_impl.h"

enum {
    FINISH_MS = 5000,
    /** How long a peer that does not close its side may keep ours half open. */
    LINGER_MS = 1000,
    /** What a stream may keep between bursts; thousands of idle ones must stay small. */
    KEPT_BYTES = 4096
};

static void send_next(struct wg_stream *stream);

static bool is_drained(const struct wg_stream *stream)
{
    return !stream->out.len && !stream->in_flight.len;
}

void wg_stream_fail(struct wg_stream *stream, const struct wg_err *err)
{
    if (!stream->failure) {
        stream->failure = wg_new(struct wg_err);
        *stream->failure = *err;
    }
    if (!stream->is_closing)
        wg_later_add(stream->loop, &stream->later);
}

static void break_output(struct wg_stream *stream, int status)
{
    struct wg_err err;

    if (stream->is_closing)
        return;
    stream->is_broken = true;
    wg_buf_clear(&stream->out);
    if (stream->is_finishing) {
        wg_stream_close(stream);
        return;
    }
    wg_fail(&err, WG_CLOSED, "%s", uv_strerror(status));
    stream->wants_writable = true;
    wg_stream_fail(stream, &err);
}

static void trim(struct wg_buf *buf)
{
    wg_buf_clear(buf);
    if (buf->capacity > KEPT_BYTES)
        wg_buf_done(buf);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct wg_stream *stream = request->data;

    if (stream->is_closing)
        return;
    stream->is_shut = true;
    if (status < 0 || stream->is_ended)
        wg_stream_close(stream);
    else
        wg_timer_start(stream->timer, LINGER_MS);
}

static void shut(struct wg_stream *stream)
{
    stream->shutdown.data = stream;
    if (uv_shutdown(&stream->shutdown, (uv_stream_t *)&stream->tcp, on_shut) != 0)
        wg_stream_close(stream);
}

static void on_sent(uv_write_t *request, int status)
{
    struct wg_stream *stream = request->data;

    trim(&stream->in_flight);
    if (stream->is_closing)
        return;
    if (status < 0)
        break_output(stream, status);
    else
        send_next(stream);
    if (stream->is_closing || !is_drained(stream))
        return;
    if (stream->is_finishing)
        shut(stream);
    else
        wg_later_add(stream->loop, &stream->later);
}

static void send_next(struct wg_stream *stream)
{
    struct wg_buf sent = stream->in_flight;
    uv_buf_t buf;
    int status;

    if (!stream->out.len || stream->in_flight.len)
        return;
    stream->in_flight = stream->out;
    stream->out = sent;
    stream->write.data = stream;
    buf = uv_buf_init(stream->in_flight.at, (unsigned)stream->in_flight.len);
    status = uv_write(&stream->write, (uv_stream_t *)&stream->tcp, &buf, 1, on_sent);
    if (status < 0) {
        trim(&stream->in_flight);
        break_output(stream, status);
    }
}

void wg_stream_send(struct wg_stream *stream, const void *data, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)len);
    int sent = 0;

    if (stream->is_broken || stream->is_closing)
        return;
    if (is_drained(stream))
        sent = uv_try_write((uv_stream_t *)&stream->tcp, &buf, 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0) {
        break_output(stream, sent);
    } else if ((size_t)sent < len) {
        wg_buf_add(&stream->out, buf.base + sent, len - (size_t)sent);
        if (stream->out.is_overflown)
            break_output(stream, UV_ENOBUFS);
        send_next(stream);
    }
}

void wg_stream_send_scratch(struct wg_stream *stream)
{
    struct wg_buf *scratch = &stream->loop->scratch;

    if (scratch->len)
        wg_stream_send(stream, scratch->at, scratch->len);
    wg_buf_clear(scratch);
}

size_t wg_stream_unsent(const struct wg_stream *stream)
{
    return stream->out.len + uv_stream_get_write_queue_size((const uv_stream_t *)&stream->tcp);
}

enum wg_code wg_stream_write(struct wg_stream *stream, const void *data, size_t len,
                             struct wg_err *err)
{
    if (wg_stream_unsent(stream) >= WG_UNSENT_LIMIT_BYTES)
        return wg_fail(err, WG_TOO_LARGE, "%zu bytes wait to be sent already",
                       wg_stream_unsent(stream));
    /* Whoever writes after a failure hears of it in on_end. */
    if (stream->is_broken || stream->is_finishing || stream->is_closing)
        return WG_OK;
    if (stream->tls)
        wg_stream_tls_write(stream, data, len);
    else
        wg_stream_send(stream, data, len);
    stream->wants_writable = true;
    if (wg_stream_unsent(stream) == 0)
        wg_later_add(stream->loop, &stream->later);
    return WG_OK;
}

static void on_finish_timeout(void *owner)
{
    wg_stream_close(owner);
}

void wg_stream_finish(struct wg_stream *stream)
{
    if (stream->is_finishing || stream->is_closing)
        return;
    if (stream->is_broken) {
        wg_stream_close(stream);
        return;
    }
    if (stream->tls) {
        wg_tls_conn_close_notify(stream->tls);
        wg_stream_send_scratch(stream);
    }
    stream->is_finishing = true;
    stream->on_ready = NULL;
    wg_later_cancel(&stream->later);
    wg_timer_free(stream->timer);
    stream->timer = wg_timer_new(stream->loop, on_finish_timeout, stream);
    wg_timer_start(stream->timer, FINISH_MS);
    wg_stream_read_start(stream);
    if (stream->is_broken)
        wg_stream_close(stream);
    else if (is_drained(stream))
        shut(stream);
}
