// SPDX-License-Identifier: Apache-2.0
#include "net/listener.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/counter_impl.h"
#include "net/stream_impl.h"
#include "net/tls_impl.h"

enum { HANDSHAKE_MS = 10000, HANDSHAKES = 1024, BACKLOG = 4096 };

struct wg_listener {
    uv_tcp_t tcp;
    struct wg_loop *loop;
    struct wg_listener_options options;
    void (*on_accept)(void *owner, struct wg_stream *stream);
    void *owner;
    struct wg_link guests; /**< handshakes under way */
    unsigned guest_count;
    struct wg_listener_counts counts;
    bool is_closing, is_closed;
};

/** A connection whose handshake is not over. */
struct guest {
    struct wg_link link;
    struct wg_listener *listener;
    struct wg_stream *stream;
};

static void free_when_empty(struct wg_listener *listener)
{
    if (listener->is_closed && listener->guest_count == 0)
        wg_free(listener);
}

/** @return the listener, which may be gone after free_when_empty() */
static struct wg_listener *forget(struct guest *guest)
{
    struct wg_listener *listener = guest->listener;

    wg_link_take(&guest->link);
    listener->guest_count--;
    wg_free(guest);
    return listener;
}

static void on_guest_closed(void *owner)
{
    free_when_empty(forget(owner));
}

static void hand_out(struct wg_listener *listener, struct wg_stream *stream)
{
    listener->counts.accepted++;
    wg_metric_count(CONNECTIONS, listener->options.door, WG_ARRIVAL_ACCEPTED);
    listener->on_accept(listener->owner, stream);
}

static void note_failed_handshake(struct wg_listener *listener)
{
    listener->counts.handshakes_failed++;
    wg_metric_count(CONNECTIONS, listener->options.door, WG_ARRIVAL_HANDSHAKE_FAILED);
}

static void on_guest_ready(void *owner, const struct wg_err *err)
{
    struct guest *guest = owner;
    struct wg_listener *listener = guest->listener;
    struct wg_stream *stream = guest->stream;
    char ip[WG_IP_TEXT];

    if (!err) {
        wg_stream_hold(stream, NULL, NULL);
        forget(guest);
        hand_out(listener, stream);
        return;
    }
    note_failed_handshake(listener);
    wg_ip_write(&wg_stream_info(stream)->remote_ip, ip);
    wg_log(WG_LOG_DEBUG, "net.handshake.failed", err->text, WG_F_TEXT("remote", ip));
    wg_stream_finish(stream);
}

static void shake_hands(struct wg_listener *listener, struct wg_stream *stream)
{
    const struct wg_stream_events events = {.on_closed = on_guest_closed};
    struct wg_tls_conn *tls;
    struct guest *guest;
    struct wg_err err;

    if (wg_tls_conn_accept(listener->options.tls, &tls, &err) != WG_OK) {
        note_failed_handshake(listener);
        wg_stream_close(stream);
        return;
    }
    guest = wg_new(struct guest);
    guest->listener = listener;
    guest->stream = stream;
    wg_link_add(&listener->guests, &guest->link);
    listener->guest_count++;
    wg_stream_hold(stream, &events, guest);
    wg_stream_handshake(stream, tls, listener->options.handshake_timeout_ms, on_guest_ready,
                        guest);
}

static bool has_room(struct wg_listener *listener, struct wg_stream *stream)
{
    struct wg_connection_counter *counter = listener->options.counter;

    if (listener->options.tls && listener->guest_count >= listener->options.handshakes_limit)
        return false;
    if (!counter)
        return true;
    if (!wg_connection_counter_take(counter, &stream->info.remote_ip))
        return false;
    stream->counter = counter;
    return true;
}

static void on_connection(uv_stream_t *tcp, int status)
{
    struct wg_listener *listener = tcp->data;
    struct wg_stream *stream;

    /* EMFILE and the like pass when connections end; libuv tries again. */
    if (status < 0 || listener->is_closing)
        return;
    stream = wg_stream_new(listener->loop);
    if (uv_accept(tcp, (uv_stream_t *)&stream->tcp) != 0 || !wg_stream_connected(stream)) {
        wg_stream_close(stream);
    } else if (!has_room(listener, stream)) {
        listener->counts.refused_by_limit++;
        wg_metric_count(CONNECTIONS, listener->options.door, WG_ARRIVAL_REFUSED);
        wg_stream_close(stream);
    } else {
        stream->is_counted = true;
        stream->door = listener->options.door;
        wg_metric_move(CONNECTIONS_OPEN, 1, stream->door);
        if (listener->options.tls)
            shake_hands(listener, stream);
        else
            hand_out(listener, stream);
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct wg_listener *listener = handle->data;

    listener->is_closed = true;
    free_when_empty(listener);
}

void wg_listener_close(struct wg_listener *listener)
{
    if (!listener || listener->is_closing)
        return;
    listener->is_closing = true;
    for (struct wg_link *link = listener->guests.next; link != &listener->guests;
         link = link->next)
        wg_stream_close(WG_CONTAINER(link, struct guest, link)->stream);
    uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
}

enum wg_code wg_listener_open(struct wg_loop *loop, const struct wg_listener_options *options,
                              void (*on_accept)(void *owner, struct wg_stream *stream),
                              void *owner, struct wg_listener **ret_listener,
                              struct wg_err *err)
{
    struct wg_listener *listener = wg_new(struct wg_listener);
    int status;

    listener->loop = loop;
    listener->options = *options;
    if (!listener->options.handshake_timeout_ms)
        listener->options.handshake_timeout_ms = HANDSHAKE_MS;
    if (!listener->options.handshakes_limit)
        listener->options.handshakes_limit = HANDSHAKES;
    listener->on_accept = on_accept;
    listener->owner = owner;
    wg_link_init(&listener->guests);
    uv_tcp_init(&loop->uv, &listener->tcp);
    listener->tcp.data = listener;
    status = uv_tcp_open(&listener->tcp, options->fd);
    if (status != 0)
        close(options->fd);
    else
        status = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
    if (status != 0) {
        wg_listener_close(listener);
        return wg_fail(err, WG_CONFIG, "listening: %s", uv_strerror(status));
    }
    *ret_listener = listener;
    return WG_OK;
}

struct wg_listener_counts wg_listener_counts(const struct wg_listener *listener)
{
    return listener->counts;
}
