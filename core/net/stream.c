// SPDX-License-Identifier: Apache-2.0
#include "net/stream_impl.h"

#include "base/alloc.h"
#include "net/counter_impl.h"
#include "net/socket_impl.h"
#include "net/tls_impl.h"

static void on_later(void *owner)
{
    struct wg_stream *stream = owner;

    if (stream->on_ready) {
        wg_stream_tls_start(stream);
        return;
    }
    /* What the peer sent before it went may still be unread, and may say why ("413"): while
     * there is somebody to read it, the end of input tells that sending failed. */
    if (stream->failure && !(stream->is_broken && wg_stream_can_read(stream)))
        wg_stream_end(stream, stream->failure);
    if (stream->is_closing)
        return;
    if (stream->wants_writable && wg_stream_unsent(stream) == 0) {
        stream->wants_writable = false;
        if (stream->events.on_writable)
            stream->events.on_writable(stream->owner);
    }
    if (stream->stash.len && wg_stream_can_read(stream))
        wg_stream_tls_resume(stream);
    if (!stream->stash.len)
        wg_stream_read_start(stream);
}

struct wg_stream *wg_stream_new(struct wg_loop *loop)
{
    struct wg_stream *stream = wg_new(struct wg_stream);

    uv_tcp_init(&loop->uv, &stream->tcp);
    stream->tcp.data = stream;
    stream->loop = loop;
    wg_later_init(&stream->later, on_later, stream);
    wg_buf_init(&stream->out, WG_OUT_LIMIT_BYTES);
    wg_buf_init(&stream->in_flight, WG_OUT_LIMIT_BYTES);
    wg_buf_init(&stream->stash, WG_READ_BYTES);
    return stream;
}

bool wg_stream_connected(struct wg_stream *stream)
{
    struct sockaddr_storage address;
    int len = sizeof address;

    /* Requests and answers are written whole; waiting for more would only delay them. */
    uv_tcp_nodelay(&stream->tcp, 1);
    return uv_tcp_getpeername(&stream->tcp, (struct sockaddr *)&address, &len) == 0 &&
           wg_ip_from_sockaddr((struct sockaddr *)&address, &stream->info.remote_ip,
                               &stream->info.remote_port);
}

const struct wg_stream_info *wg_stream_info(const struct wg_stream *stream)
{
    return &stream->info;
}

static void lend_read_bytes(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct wg_stream *stream = handle->data;

    (void)suggested;
    *ret_buf = uv_buf_init(stream->loop->read_bytes, sizeof stream->loop->read_bytes);
}

/* RFC 9112 9.6: data that comes after our last word is read and dropped; left in the kernel, it
 * would turn our FIN into a reset that can destroy the last word before the peer has read it.
 */
static void drop_input(struct wg_stream *stream, ssize_t len)
{
    if (len >= 0)
        return;
    stream->is_ended = true;
    if (len != UV_EOF || stream->is_shut)
        wg_stream_close(stream);
    else
        uv_read_stop((uv_stream_t *)&stream->tcp);
}

static void fail_input(struct wg_stream *stream, int status)
{
    struct wg_err err = {0};

    if (stream->failure)
        err = *stream->failure;
    else if (status != UV_EOF)
        wg_fail(&err, WG_CLOSED, "%s", uv_strerror(status));
    if (stream->tls && status == UV_EOF && !stream->failure)
        wg_stream_tls_input(stream, NULL, 0);
    else if (stream->on_ready)
        stream->on_ready(stream->ready_owner, &err);
    else
        wg_stream_end(stream, &err);
}

static void on_input(uv_stream_t *tcp, ssize_t len, const uv_buf_t *buf)
{
    struct wg_stream *stream = tcp->data;

    if (stream->is_closing || len == 0)
        return;
    if (stream->is_finishing)
        drop_input(stream, len);
    else if (len < 0)
        fail_input(stream, (int)len);
    else if (stream->tls)
        wg_stream_tls_input(stream, buf->base, (size_t)len);
    else if (stream->events.on_read)
        stream->events.on_read(stream->owner, buf->base, (size_t)len);
}

bool wg_stream_can_read(const struct wg_stream *stream)
{
    return stream->has_listener && !stream->is_paused && !stream->is_ended &&
           !stream->is_finishing && !stream->is_closing;
}

void wg_stream_read_start(struct wg_stream *stream)
{
    int status = 0;

    if (wg_stream_can_read(stream) || stream->on_ready ||
        (stream->is_finishing && !stream->is_ended && !stream->is_closing))
        status = uv_read_start((uv_stream_t *)&stream->tcp, lend_read_bytes, on_input);
    if (status != 0 && status != UV_EALREADY) {
        struct wg_err err;

        wg_fail(&err, WG_CLOSED, "%s", uv_strerror(status));
        wg_stream_fail(stream, &err);
    }
}

void wg_stream_end(struct wg_stream *stream, const struct wg_err *err)
{
    if (stream->is_ended || stream->is_finishing || stream->is_closing)
        return;
    stream->is_ended = true;
    uv_read_stop((uv_stream_t *)&stream->tcp);
    if (stream->events.on_end)
        stream->events.on_end(stream->owner, err);
}

void wg_stream_hold(struct wg_stream *stream, const struct wg_stream_events *events,
                    void *owner)
{
    stream->events = events ? *events : (struct wg_stream_events){0};
    stream->owner = owner;
}

void wg_stream_listen(struct wg_stream *stream, const struct wg_stream_events *events,
                      void *owner)
{
    if (stream->is_finishing || stream->is_closing) {
        stream->events.on_closed = events->on_closed;
        stream->owner = owner;
        return;
    }
    wg_stream_hold(stream, events, owner);
    stream->has_listener = true;
    wg_later_add(stream->loop, &stream->later);
}

void wg_stream_pause(struct wg_stream *stream)
{
    stream->is_paused = true;
    if (!stream->is_finishing && !stream->is_closing)
        uv_read_stop((uv_stream_t *)&stream->tcp);
    if (stream->failure && !stream->is_closing)
        wg_later_add(stream->loop, &stream->later);
}

void wg_stream_resume(struct wg_stream *stream)
{
    stream->is_paused = false;
    if (!stream->is_closing)
        wg_later_add(stream->loop, &stream->later);
}

static void on_closed(uv_handle_t *handle)
{
    struct wg_stream *stream = handle->data;
    void (*call)(void *owner) = stream->events.on_closed;
    void *owner = stream->owner;

    if (stream->is_counted)
        wg_metric_move(CONNECTIONS_OPEN, -1, stream->door);
    if (stream->counter)
        wg_connection_counter_give(stream->counter, &stream->info.remote_ip);
    wg_tls_conn_free(stream->tls);
    wg_buf_done(&stream->out);
    wg_buf_done(&stream->in_flight);
    wg_buf_done(&stream->stash);
    wg_free(stream->failure);
    wg_free(stream);
    if (call)
        call(owner);
}

void wg_stream_close(struct wg_stream *stream)
{
    if (stream->is_closing)
        return;
    stream->is_closing = true;
    stream->on_ready = NULL;
    stream->timer = wg_timer_free(stream->timer);
    wg_later_cancel(&stream->later);
    uv_close((uv_handle_t *)&stream->tcp, on_closed);
}
