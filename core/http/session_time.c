// SPDX-License-Identifier: Apache-2.0
#include "http/server_impl.h"

static enum wg_http_phase phase_of(const struct wg_http_session *session)
{
    if (session->state == WG_HTTP_SESSION_OPEN && !session->is_paused &&
        wg_http_reader_is_inside(&session->reader))
        return session->reader.stage == WG_HTTP_IN_HEAD ? WG_HTTP_PHASE_HEAD
                                                        : WG_HTTP_PHASE_BODY;
    if (session->first || wg_stream_unsent(session->stream))
        return WG_HTTP_PHASE_ANSWER;
    return WG_HTTP_PHASE_IDLE;
}

static int64_t time_for(const struct wg_http_session *session, enum wg_http_phase phase)
{
    const struct wg_http_server_options *options = &session->server->options;

    switch (phase) {
    case WG_HTTP_PHASE_HEAD:
        return options->head_timeout_ms;
    case WG_HTTP_PHASE_IDLE:
        return options->idle_timeout_ms;
    default:
        return options->body_timeout_ms;
    }
}

/* Deadlines move with every request; the timer is set again only where it would ring too late.
 */
static void set_deadline(struct wg_http_session *session, int64_t after_ms)
{
    int64_t now_ms = wg_loop_now_ms(session->server->loop);

    session->deadline_ms = now_ms + after_ms;
    if (session->ring_ms && session->ring_ms <= session->deadline_ms)
        return;
    session->ring_ms = session->deadline_ms;
    wg_timer_start(session->timer, after_ms);
}

static int64_t sent_bytes(const struct wg_http_session *session)
{
    return session->given_bytes - (int64_t)wg_stream_unsent(session->stream);
}

void wg_http_session_watch(struct wg_http_session *session)
{
    enum wg_http_phase phase = phase_of(session);

    if (phase == session->phase)
        return;
    session->phase = phase;
    session->sent_seen = sent_bytes(session);
    set_deadline(session, time_for(session, phase));
}

/* Handlers have their own time; here is only seen whether the client takes what it was sent. */
static void look_at_progress(struct wg_http_session *session)
{
    int64_t sent = sent_bytes(session);

    if (wg_stream_unsent(session->stream) && sent <= session->sent_seen) {
        wg_http_session_drop(session);
        return;
    }
    session->sent_seen = sent;
    set_deadline(session, time_for(session, WG_HTTP_PHASE_ANSWER));
}

static void expire(struct wg_http_session *session)
{
    switch (session->phase) {
    case WG_HTTP_PHASE_HEAD:
        wg_http_session_refuse(session, 408, "the request's header did not come in time");
        break;
    case WG_HTTP_PHASE_BODY:
        wg_http_session_refuse(session, 408, "the request's body did not come in time");
        break;
    case WG_HTTP_PHASE_ANSWER:
        look_at_progress(session);
        break;
    default:
        wg_http_session_finish(session);
    }
}

void wg_http_session_on_ring(void *owner)
{
    struct wg_http_session *session = owner;
    int64_t left_ms;

    if (session->state == WG_HTTP_SESSION_CLOSED)
        return;
    session->ring_ms = 0;
    wg_http_session_resume(session);
    wg_http_session_watch(session);
    left_ms = session->deadline_ms - wg_loop_now_ms(session->server->loop);
    if (session->state == WG_HTTP_SESSION_CLOSED || session->ring_ms)
        return;
    if (left_ms > 0)
        set_deadline(session, left_ms);
    else
        expire(session);
}
