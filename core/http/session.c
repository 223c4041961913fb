// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "http/parse.h"
#include "http/server_impl.h"

static bool is_finished(const struct wg_http_session *session)
{
    return session->state == WG_HTTP_SESSION_CLOSED;
}

static bool is_full(const struct wg_http_session *session)
{
    return session->call_count >= WG_HTTP_CALLS_LIMIT ||
           session->held_bytes + wg_stream_unsent(session->stream) > WG_HTTP_UNSENT_LIMIT;
}

/* Nothing under way, nothing half read. */
static bool is_idle(const struct wg_http_session *session)
{
    return !session->first && !session->backlog.len &&
           !wg_http_reader_is_inside(&session->reader);
}

void wg_http_session_finish(struct wg_http_session *session)
{
    if (is_finished(session))
        return;
    session->state = WG_HTTP_SESSION_CLOSED;
    wg_timer_stop(session->timer);
    wg_stream_finish(session->stream);
}

void wg_http_session_drop(struct wg_http_session *session)
{
    session->state = WG_HTTP_SESSION_CLOSED;
    wg_timer_stop(session->timer);
    wg_stream_close(session->stream);
}

/* Takes the first call out; its answer is with the stream. */
static void pop_call(struct wg_http_session *session)
{
    struct wg_http_call *call = session->first;

    session->first = call->next;
    if (!session->first)
        session->last = NULL;
    session->call_count--;
    wg_http_call_free(call);
}

/* @return false: no more can be given now */
static bool give_answer(struct wg_http_session *session, struct wg_http_call *call)
{
    struct wg_err err;

    if (!call->answer.len)
        return true;
    if (wg_stream_unsent(session->stream) >= WG_HTTP_UNSENT_LIMIT)
        return false;
    if (wg_stream_write(session->stream, call->answer.at, call->answer.len, &err) != WG_OK)
        return false;
    session->given_bytes += (int64_t)call->answer.len;
    session->held_bytes -= call->answer.len;
    wg_buf_done(&call->answer);
    wg_buf_init(&call->answer, SIZE_MAX / 4);
    return true;
}

/* RFC 9110 10.1.1: said in its place among the answers, and only where the body is read. */
static void invite_body(struct wg_http_session *session, struct wg_http_call *call)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct wg_err err;

    if (!call->frame.wants_go)
        return;
    call->frame.wants_go = false;
    if (wg_stream_write(session->stream, go_on, sizeof go_on - 1, &err) != WG_OK)
        wg_http_session_drop(session);
}

static void settle(struct wg_http_session *session)
{
    bool has_ended = session->has_peer_ended || session->server->is_draining ||
                     session->state == WG_HTTP_SESSION_LAST;

    if (is_finished(session))
        return;
    if (session->is_answered || (has_ended && is_idle(session))) {
        /* A stream that finishes has a few seconds; a slow client is waited for here. */
        if (wg_stream_unsent(session->stream) == 0)
            wg_http_session_finish(session);
        else
            wg_http_session_watch(session);
        return;
    }
    /* Reading goes on from the loop, so that on_request never comes from inside an answer. */
    if (session->is_paused && !is_full(session))
        wg_timer_start(session->timer, session->ring_ms = 0);
    else
        wg_http_session_watch(session);
}

void wg_http_session_advance(struct wg_http_session *session)
{
    struct wg_http_call *call;

    while (!is_finished(session) && !session->is_answered && (call = session->first)) {
        bool is_last = call->is_last;

        if (call->stage == WG_HTTP_CALL_READING)
            invite_body(session, call);
        if (call->stage < WG_HTTP_CALL_BEGUN || !give_answer(session, call) ||
            call->stage != WG_HTTP_CALL_ENDED)
            break;
        pop_call(session);
        session->is_answered = is_last;
    }
    settle(session);
}

static void process(struct wg_http_session *session, const char *data, size_t len)
{
    while (len && session->state == WG_HTTP_SESSION_OPEN) {
        size_t used;

        if (is_full(session)) {
            wg_buf_add(&session->backlog, data, len);
            if (!session->is_paused)
                wg_stream_pause(session->stream);
            session->is_paused = true;
            break;
        }
        used = wg_http_session_read(session, data, len);
        data += used;
        len -= used;
    }
    settle(session);
}

/* What waited is taken out first: processing may put a rest of it back. */
void wg_http_session_resume(struct wg_http_session *session)
{
    struct wg_buf backlog = session->backlog;

    if (is_finished(session) || !session->is_paused || is_full(session))
        return;
    session->is_paused = false;
    wg_buf_init(&session->backlog, session->backlog.limit);
    process(session, backlog.at, backlog.len);
    wg_buf_done(&backlog);
    if (!is_finished(session) && !session->is_paused)
        wg_stream_resume(session->stream);
}

static void on_read(void *owner, const char *data, size_t len)
{
    struct wg_http_session *session = owner;

    if (session->is_paused)
        wg_buf_add(&session->backlog, data, len);
    else
        process(session, data, len);
}

/* A client may end its side and still wait for answers (RFC 9112 9.6), but not for a stream of
 * events: there, the end is how it goes. */
static void on_end(void *owner, const struct wg_err *err)
{
    struct wg_http_session *session = owner;

    session->has_peer_ended = true;
    if (err->code != WG_OK) {
        wg_http_session_drop(session);
        return;
    }
    if (!session->backlog.len && wg_http_reader_is_inside(&session->reader)) {
        wg_http_session_refuse(session, 400, "the connection ended inside the request");
        return;
    }
    for (const struct wg_http_call *call = session->first; call; call = call->next)
        if (call->stage == WG_HTTP_CALL_BEGUN) {
            wg_http_session_drop(session);
            return;
        }
    settle(session);
}

static void on_writable(void *owner)
{
    struct wg_http_session *session = owner;
    struct wg_http_call *call;

    wg_http_session_advance(session);
    call = is_finished(session) ? NULL : session->first;
    if (call && call->stage == WG_HTTP_CALL_BEGUN && !call->answer.len && call->on_writable &&
        wg_stream_unsent(session->stream) == 0)
        call->on_writable(call->writable_owner);
    wg_http_session_resume(session);
}

static void on_closed(void *owner)
{
    struct wg_http_session *session = owner;
    struct wg_http_call *next;

    for (struct wg_http_call *call = session->first; call; call = next) {
        bool is_handled =
            call->stage == WG_HTTP_CALL_WAITING || call->stage == WG_HTTP_CALL_BEGUN;

        next = call->next;
        call->session = NULL;
        if (!is_handled)
            wg_http_call_free(call);
        else if (call->on_gone)
            call->on_gone(call->gone_owner); /* may end the call */
    }
    wg_timer_free(session->timer);
    wg_http_reader_done(&session->reader);
    wg_buf_done(&session->backlog);
    wg_http_server_remove(session->server, session);
    wg_free(session);
}

void wg_http_session_open(struct wg_http_server *server, struct wg_stream *stream)
{
    static const struct wg_stream_events events = {on_read, on_end, on_writable, on_closed};
#define X(name, value) .name = value,
    struct wg_http_limits limits = {WG_HTTP_LIMITS(X)};
#undef X
    struct wg_http_session *session = wg_new(struct wg_http_session);

    limits.header_bytes = server->options.header_limit_bytes;
    limits.body_bytes = server->options.body_limit_bytes;
    session->server = server;
    session->stream = stream;
    wg_buf_init(&session->backlog, WG_HTTP_UNSENT_LIMIT);
    wg_http_reader_init(&session->reader, HTTP_REQUEST, &limits, wg_http_session_on_head,
                        session);
    session->timer = wg_timer_new(server->loop, wg_http_session_on_ring, session);
    wg_http_server_add(server, session);
    wg_stream_listen(stream, &events, session);
    wg_http_session_watch(session);
}
