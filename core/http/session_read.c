// SPDX-License-Identifier: Apache-2.0
#include "http/server_impl.h"

static void append_call(struct wg_http_session *session, struct wg_http_call *call)
{
    if (session->last)
        session->last->next = call;
    else
        session->first = call;
    session->last = call;
    session->call_count++;
}

static struct wg_http_call *reading_call(const struct wg_http_session *session)
{
    return session->last && session->last->stage == WG_HTTP_CALL_READING ? session->last : NULL;
}

enum wg_http_verdict wg_http_session_on_head(void *owner, struct wg_http_reader *reader)
{
    struct wg_http_session *session = owner;
    struct wg_http_server *server = session->server;
    struct wg_http_call *call = wg_http_call_new(session);
    int status;

    call->message.scheme = wg_str(server->options.scheme);
    append_call(session, call);
    status =
        wg_http_judge_request(reader, &call->arena, &call->message, &call->frame, &reader->err);
    if (status)
        return wg_http_reader_refuse(reader, status);
    call->is_last =
        !call->frame.is_kept || ++session->request_count >= server->options.requests_limit;
    return WG_HTTP_GO_ON;
}

static void hand_over(struct wg_http_session *session)
{
    struct wg_http_server *server = session->server;
    struct wg_http_call *call = session->last;

    call->message.body = wg_arena_copy(&call->arena, wg_buf_str(&session->reader.body));
    call->frame.wants_go = false; /* the body came uninvited */
    call->stage = WG_HTTP_CALL_WAITING;
    if (call->is_last)
        session->state = WG_HTTP_SESSION_LAST;
    session->phase = WG_HTTP_PHASE_NONE; /* the next request has a time of its own */
    wg_http_reader_next(&session->reader);
    server->events.on_request(server->owner, call);
}

void wg_http_session_refuse(struct wg_http_session *session, int status, const char *reason)
{
    struct wg_http_server *server = session->server;
    struct wg_http_call *call = reading_call(session);
    struct wg_http_answer answer = {.status = status, .close = true};
    struct wg_header type = {WG_STR("Content-Type"), WG_STR("application/json")};
    struct wg_buf body;

    if (!call)
        append_call(session, call = wg_http_call_new(session));
    call->stage = WG_HTTP_CALL_WAITING;
    call->frame.wants_go = false;
    session->state = WG_HTTP_SESSION_LAST;
    wg_http_reader_next(&session->reader);
    wg_buf_init(&body, 4096);
    if (server->options.error_body) {
        server->options.error_body(status, reason, &body);
        answer.headers = &type;
        answer.header_count = 1;
        answer.body = wg_buf_str(&body);
    }
    if (server->events.on_refused)
        server->events.on_refused(server->owner, &call->info, status, reason);
    wg_http_respond(call, &answer);
    wg_buf_done(&body);
}

size_t wg_http_session_read(struct wg_http_session *session, const char *data, size_t len)
{
    size_t used;

    switch (wg_http_reader_feed(&session->reader, data, len, &used)) {
    case WG_HTTP_MORE: {
        struct wg_http_call *call = reading_call(session);

        if (call && call->frame.wants_go)
            wg_http_session_advance(session);
        return used;
    }
    case WG_HTTP_DONE:
        hand_over(session);
        return used;
    default:
        wg_http_session_refuse(session, session->reader.status, session->reader.err.text);
        return len;
    }
}
