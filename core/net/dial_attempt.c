// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "net/dialer_impl.h"
#include "net/socket_impl.h"
#include "net/stream_impl.h"
#include "net/tls_impl.h"

/** RFC 8305 5: "Connection Attempt Delay". */
enum { NEXT_ADDRESS_MS = 250 };

/** One address being connected to, until its handshake is done. Lives as long as its stream,
 * which the winner only outlives. */
struct attempt {
    struct wg_link link;  /**< in dial->attempts */
    struct wg_dial *dial; /**< NULL once given up */
    struct wg_stream *stream;
    struct wg_timer *timer;
    uv_connect_t connect;
    char address[WG_SOCKET_TEXT];
    bool is_connected;
};

static void leave(struct attempt *attempt)
{
    if (!attempt->dial)
        return;
    wg_link_take(&attempt->link);
    if (attempt->is_connected)
        attempt->dial->connected--;
    attempt->dial = NULL;
    attempt->timer = wg_timer_free(attempt->timer);
}

static void on_attempt_closed(void *owner)
{
    wg_free(owner);
}

static void note(struct attempt *attempt, struct wg_err *err)
{
    wg_while(err, "reaching %s at %s", attempt->dial->host, attempt->address);
    wg_dial_note(attempt->dial, err);
}

static void give_up(struct attempt *attempt, struct wg_err *err)
{
    struct wg_dial *dial = attempt->dial;

    note(attempt, err);
    leave(attempt);
    /* After a failed handshake our alert is still to be seen off. */
    if (attempt->is_connected)
        wg_stream_finish(attempt->stream);
    else
        wg_stream_close(attempt->stream);
    wg_dial_go_on(dial);
}

static void win(struct attempt *attempt)
{
    struct wg_dial *dial = attempt->dial;
    struct wg_stream *stream = attempt->stream;

    leave(attempt);
    wg_stream_hold(stream, NULL, NULL);
    wg_free(attempt);
    wg_dial_end(dial, stream);
}

static void on_handshake(void *owner, const struct wg_err *err)
{
    struct attempt *attempt = owner;
    struct wg_err why;

    if (!err) {
        win(attempt);
        return;
    }
    why = *err;
    if (why.code != WG_TIMEOUT)
        why.code = WG_TLS_FAILED;
    give_up(attempt, &why);
}

static void begin_handshake(struct attempt *attempt)
{
    struct wg_dial *dial = attempt->dial;
    const struct wg_dialer_options *options = &dial->dialer->options;
    struct wg_tls_conn *tls;
    struct wg_err err;

    if (!WG_CHECK(options->tls))
        wg_fail(&err, WG_INTERNAL, "no trust anchors are set up");
    else if (wg_tls_conn_dial(options->tls, wg_str(dial->host), dial->port,
                              dial->is_pinned || dial->dialer->is_fresh, &tls, &err) == WG_OK) {
        wg_stream_handshake(attempt->stream, tls, options->handshake_timeout_ms, on_handshake,
                            attempt);
        return;
    }
    give_up(attempt, &err);
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct attempt *attempt = connect->data;
    struct wg_err err;

    if (!attempt->dial)
        return;
    if (status != 0 || !wg_stream_connected(attempt->stream)) {
        wg_fail(&err, WG_CONNECT_FAILED, "%s", uv_strerror(status ? status : UV_ENOTCONN));
        give_up(attempt, &err);
        return;
    }
    wg_timer_stop(attempt->timer);
    attempt->is_connected = true;
    attempt->dial->connected++;
    if (attempt->dial->is_tls)
        begin_handshake(attempt);
    else
        win(attempt);
}

static void on_connect_timeout(void *owner)
{
    struct attempt *attempt = owner;
    struct wg_err err;

    wg_fail(&err, WG_TIMEOUT, "no answer within %lld ms",
            (long long)attempt->dial->dialer->options.connect_timeout_ms);
    give_up(attempt, &err);
}

/** @return false when it failed at once; that is noted */
static bool start(struct wg_dial *dial, const struct sockaddr *address)
{
    const struct wg_stream_events events = {.on_closed = on_attempt_closed};
    struct attempt *attempt = wg_new(struct attempt);
    struct wg_err err;
    struct wg_ip ip;
    uint16_t port;
    int status;

    if (wg_ip_from_sockaddr(address, &ip, &port))
        wg_socket_address_write(&ip, port, attempt->address);
    attempt->dial = dial;
    wg_link_add(&dial->attempts, &attempt->link);
    attempt->connect.data = attempt;
    attempt->stream = wg_stream_new(dial->loop);
    wg_stream_hold(attempt->stream, &events, attempt);
    status = uv_tcp_connect(&attempt->connect, &attempt->stream->tcp, address, on_connect);
    if (status == 0) {
        attempt->timer = wg_timer_new(dial->loop, on_connect_timeout, attempt);
        wg_timer_start(attempt->timer, dial->dialer->options.connect_timeout_ms);
        return true;
    }
    wg_fail(&err, WG_CONNECT_FAILED, "%s", uv_strerror(status));
    note(attempt, &err);
    leave(attempt);
    wg_stream_close(attempt->stream);
    return false;
}

static void on_next_address(void *owner)
{
    struct wg_dial *dial = owner;

    /* A connection that got through deserves its handshake's time; if that fails, we come here
     * through give_up(). */
    if (dial->connected == 0 && dial->address_next < dial->address_count)
        wg_dial_go_on(dial);
}

void wg_dial_go_on(struct wg_dial *dial)
{
    while (dial->address_next < dial->address_count) {
        const struct sockaddr_storage *address = &dial->addresses[dial->address_next++];

        if (start(dial, (const struct sockaddr *)address)) {
            dial->timer = wg_timer_free(dial->timer);
            dial->timer = wg_timer_new(dial->loop, on_next_address, dial);
            wg_timer_start(dial->timer, NEXT_ADDRESS_MS);
            return;
        }
    }
    if (wg_link_is_alone(&dial->attempts))
        wg_dial_end(dial, NULL);
}

void wg_dial_stop_attempts(struct wg_dial *dial)
{
    while (!wg_link_is_alone(&dial->attempts)) {
        struct attempt *attempt = WG_CONTAINER(dial->attempts.next, struct attempt, link);

        leave(attempt);
        wg_stream_close(attempt->stream);
    }
}
