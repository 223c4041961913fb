// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "http/parse.h"
#include "http/server_impl.h"

void wg_http_server_defaults(struct wg_http_server_options *options)
{
#define X(name, value) .name = value,
    static const struct wg_http_limits limits = {WG_HTTP_LIMITS(X)};
#undef X

    *options = (struct wg_http_server_options){
        .header_limit_bytes = limits.header_bytes,
        .body_limit_bytes = limits.body_bytes,
        .head_timeout_ms = 10 * 1000,
        .body_timeout_ms = 30 * 1000,
        .idle_timeout_ms = 75 * 1000,
        .requests_limit = 10000,
        .scheme = "https",
    };
}

static void fill_defaults(struct wg_http_server_options *options)
{
    struct wg_http_server_options defaults;

    wg_http_server_defaults(&defaults);
    if (!options->header_limit_bytes)
        options->header_limit_bytes = defaults.header_limit_bytes;
    if (!options->body_limit_bytes)
        options->body_limit_bytes = defaults.body_limit_bytes;
    if (!options->head_timeout_ms)
        options->head_timeout_ms = defaults.head_timeout_ms;
    if (!options->body_timeout_ms)
        options->body_timeout_ms = defaults.body_timeout_ms;
    if (!options->idle_timeout_ms)
        options->idle_timeout_ms = defaults.idle_timeout_ms;
    if (!options->requests_limit)
        options->requests_limit = defaults.requests_limit;
    if (!options->scheme)
        options->scheme = defaults.scheme;
}

static void report_drained(void *owner)
{
    struct wg_http_server *server = owner;
    void (*on_drained)(void *owner) = server->on_drained;

    if (server->session_count || !on_drained)
        return;
    server->on_drained = NULL;
    on_drained(server->drained_owner); /* may free the server */
}

struct wg_http_server *wg_http_server_new(struct wg_loop *loop,
                                          const struct wg_http_server_options *options,
                                          const struct wg_http_server_events *events,
                                          void *owner)
{
    struct wg_http_server *server = wg_new(struct wg_http_server);

    server->loop = loop;
    server->options = *options;
    fill_defaults(&server->options);
    server->events = *events;
    server->owner = owner;
    server->drained_timer = wg_timer_new(loop, report_drained, server);
    server->date_s = -1;
    return server;
}

struct wg_http_server *wg_http_server_free(struct wg_http_server *server)
{
    if (!server || !WG_CHECK(server->session_count == 0))
        return NULL;
    wg_timer_free(server->drained_timer);
    wg_free(server);
    return NULL;
}

void wg_http_server_adopt(struct wg_http_server *server, struct wg_stream *stream)
{
    if (server->is_draining)
        wg_stream_close(stream);
    else
        wg_http_session_open(server, stream);
}

void wg_http_server_add(struct wg_http_server *server, struct wg_http_session *session)
{
    session->next = server->sessions;
    if (session->next)
        session->next->prev = session;
    server->sessions = session;
    server->session_count++;
}

void wg_http_server_remove(struct wg_http_server *server, struct wg_http_session *session)
{
    if (session->prev)
        session->prev->next = session->next;
    else
        server->sessions = session->next;
    if (session->next)
        session->next->prev = session->prev;
    if (--server->session_count == 0 && server->is_draining)
        wg_timer_start(server->drained_timer, 0);
}

void wg_http_server_drain(struct wg_http_server *server, void (*on_drained)(void *owner),
                          void *owner)
{
    server->is_draining = true;
    server->on_drained = on_drained;
    server->drained_owner = owner;
    for (struct wg_http_session *session = server->sessions; session; session = session->next)
        wg_http_session_advance(session);
    if (server->session_count == 0)
        wg_timer_start(server->drained_timer, 0);
}

void wg_http_server_abort(struct wg_http_server *server)
{
    for (struct wg_http_session *session = server->sessions; session; session = session->next)
        wg_http_session_drop(session);
}

unsigned wg_http_server_connections(const struct wg_http_server *server)
{
    return server->session_count;
}

const char *wg_http_server_date(struct wg_http_server *server)
{
    int64_t now_s = wg_clock_wall_s(wg_loop_clock(server->loop));

    if (now_s != server->date_s) {
        wg_http_date_write(now_s, server->date);
        server->date_s = now_s;
    }
    return server->date;
}
