// SPDX-License-Identifier: Apache-2.0
#include "net/stream_impl.h"
#include "net/tls_impl.h"

static void finish_handshake(struct wg_stream *stream, const struct wg_err *err)
{
    void (*on_ready)(void *owner, const struct wg_err *err) = stream->on_ready;

    stream->on_ready = NULL;
    stream->timer = wg_timer_free(stream->timer);
    uv_read_stop((uv_stream_t *)&stream->tcp);
    if (!err)
        wg_tls_conn_describe(stream->tls, &stream->info);
    on_ready(stream->ready_owner, err);
    if (!stream->is_closing)
        wg_later_add(stream->loop, &stream->later);
}

static void shake_hands(struct wg_stream *stream)
{
    struct wg_err err;
    enum wg_tls_step step = wg_tls_conn_handshake(stream->tls, &err);

    /* Also after a failure: the alert tells the peer what was wrong. */
    wg_stream_send_scratch(stream);
    if (step == WG_TLS_STEP_DONE)
        finish_handshake(stream, NULL);
    else if (step != WG_TLS_STEP_MORE)
        finish_handshake(stream, &err);
}

/** Hands on what TLS has ready, until it wants more, the reader pauses, or it is over. */
static void read_all(struct wg_stream *stream)
{
    char *at = stream->loop->plain_bytes;

    while (wg_stream_can_read(stream)) {
        struct wg_err err = {0};
        size_t len;
        enum wg_tls_step step =
            wg_tls_conn_read(stream->tls, at, sizeof stream->loop->plain_bytes, &len, &err);

        wg_stream_send_scratch(stream);
        if (step == WG_TLS_STEP_MORE)
            return;
        if (step == WG_TLS_STEP_DONE && stream->events.on_read)
            stream->events.on_read(stream->owner, at, len);
        else if (step != WG_TLS_STEP_DONE)
            wg_stream_end(stream, &err);
    }
}

static void on_handshake_timeout(void *owner)
{
    struct wg_stream *stream = owner;
    struct wg_err err;

    wg_fail(&err, WG_TIMEOUT, "the TLS handshake took too long");
    finish_handshake(stream, &err);
}

void wg_stream_handshake(struct wg_stream *stream, struct wg_tls_conn *tls, int64_t timeout_ms,
                         void (*on_ready)(void *owner, const struct wg_err *err), void *owner)
{
    stream->tls = tls;
    wg_tls_conn_set_output(tls, &stream->loop->scratch);
    stream->on_ready = on_ready;
    stream->ready_owner = owner;
    stream->timer = wg_timer_new(stream->loop, on_handshake_timeout, stream);
    wg_timer_start(stream->timer, timeout_ms);
    wg_later_add(stream->loop, &stream->later);
}

void wg_stream_tls_start(struct wg_stream *stream)
{
    wg_stream_read_start(stream);
    shake_hands(stream);
}

void wg_stream_tls_input(struct wg_stream *stream, const char *data, size_t len)
{
    size_t rest;

    wg_tls_conn_feed(stream->tls, data, len);
    if (stream->on_ready)
        shake_hands(stream);
    if (!stream->is_closing && !stream->on_ready)
        read_all(stream);
    rest = wg_tls_conn_rest(stream->tls);
    if (rest && !stream->is_finishing && !stream->is_closing)
        wg_buf_add(&stream->stash, data + len - rest, rest);
}

void wg_stream_tls_resume(struct wg_stream *stream)
{
    size_t rest;

    wg_tls_conn_feed(stream->tls, stream->stash.at, stream->stash.len);
    read_all(stream);
    rest = wg_tls_conn_rest(stream->tls);
    if (rest)
        wg_buf_drop(&stream->stash, stream->stash.len - rest);
    else
        wg_buf_done(&stream->stash);
}

void wg_stream_tls_write(struct wg_stream *stream, const char *data, size_t len)
{
    struct wg_err err;
    size_t taken;

    while (len && !stream->is_broken) {
        if (wg_tls_conn_write(stream->tls, data, len, &taken, &err) != WG_OK) {
            wg_stream_fail(stream, &err);
            break;
        }
        data += taken;
        len -= taken;
        if (stream->loop->scratch.len >= WG_SCRATCH_BYTES)
            wg_stream_send_scratch(stream);
    }
    wg_stream_send_scratch(stream);
}
