// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "http/server_impl.h"

struct wg_http_call *wg_http_call_new(struct wg_http_session *session)
{
    struct wg_http_call *call = wg_new(struct wg_http_call);

    call->session = session;
    wg_arena_init(&call->arena);
    wg_buf_init(&call->answer, SIZE_MAX / 4); /* what our own side answers */
    call->info = *wg_stream_info(session->stream);
    if (call->info.server_name.at) /* the call may outlive the stream */
        call->info.server_name = wg_arena_copy(&call->arena, call->info.server_name);
    return call;
}

void wg_http_call_free(struct wg_http_call *call)
{
    wg_arena_done(&call->arena);
    wg_buf_done(&call->answer);
    wg_free(call);
}

struct wg_message *wg_http_call_message(struct wg_http_call *call)
{
    return &call->message;
}

struct wg_arena *wg_http_call_arena(struct wg_http_call *call)
{
    return &call->arena;
}

const struct wg_stream_info *wg_http_call_info(const struct wg_http_call *call)
{
    return &call->info;
}

void wg_http_call_on_gone(struct wg_http_call *call, void (*on_gone)(void *owner), void *owner)
{
    call->on_gone = on_gone;
    call->gone_owner = owner;
}

static bool is_to_head(const struct wg_http_call *call)
{
    return wg_str_is(call->message.method, "HEAD");
}

/* Nobody is there to read an answer: the call only ends. @return whether that is so */
static bool end_if_gone(struct wg_http_call *call)
{
    if (call->session && call->session->state != WG_HTTP_SESSION_CLOSED)
        return false;
    if (call->session)
        call->stage = WG_HTTP_CALL_ENDED; /* freed with the session */
    else
        wg_http_call_free(call);
    return true;
}

/* While draining, the last answer that can be the last is. */
static void mark_last(struct wg_http_call *call, bool wants_close)
{
    struct wg_http_session *session = call->session;

    if (wants_close || (session->server->is_draining && session->last == call &&
                        !session->backlog.len && !wg_http_reader_is_inside(&session->reader)))
        call->is_last = true;
    if (call->is_last)
        session->state = WG_HTTP_SESSION_LAST;
}

static void write_head(struct wg_http_call *call, const struct wg_http_answer *answer)
{
    wg_http_answer_head(&call->answer, answer, call->ending, call->is_last,
                        wg_http_server_date(call->session->server));
}

/* Bytes went into call->answer, which held len before. */
static void hold(struct wg_http_call *call, size_t len)
{
    call->session->held_bytes += call->answer.len - len;
}

void wg_http_respond(struct wg_http_call *call, const struct wg_http_answer *answer)
{
    struct wg_http_session *session = call->session;

    if (end_if_gone(call) || !WG_CHECK(call->stage == WG_HTTP_CALL_WAITING))
        return;
    call->ending = WG_HTTP_BY_LENGTH;
    mark_last(call, answer->close);
    write_head(call, answer);
    if (!is_to_head(call) && wg_http_status_has_body(answer->status))
        wg_buf_adds(&call->answer, answer->body);
    hold(call, 0);
    call->stage = WG_HTTP_CALL_ENDED;
    wg_arena_done(&call->arena);
    wg_arena_init(&call->arena);
    wg_http_session_advance(session);
}

void wg_http_respond_begin(struct wg_http_call *call, const struct wg_http_answer *head,
                           void (*on_writable)(void *owner), void *owner)
{
    struct wg_http_session *session = call->session;

    if (!session || session->state == WG_HTTP_SESSION_CLOSED ||
        !WG_CHECK(call->stage == WG_HTTP_CALL_WAITING))
        return;
    call->ending = call->frame.is_old ? WG_HTTP_BY_CLOSE : WG_HTTP_BY_CHUNKS;
    mark_last(call, head->close || call->frame.is_old);
    call->on_writable = on_writable;
    call->writable_owner = owner;
    write_head(call, head);
    hold(call, 0);
    call->stage = WG_HTTP_CALL_BEGUN;
    /* Who ended its side will not stay for a stream of events; see on_end() of session.c. */
    if (session->has_peer_ended)
        wg_http_session_drop(session);
    else
        wg_http_session_advance(session);
}

enum wg_code wg_http_respond_chunk(struct wg_http_call *call, struct wg_str data,
                                   struct wg_err *err)
{
    struct wg_http_session *session = call->session;
    size_t held = call->answer.len;

    if (!session || session->state == WG_HTTP_SESSION_CLOSED)
        return wg_fail(err, WG_CLOSED, "the client has gone");
    if (held + (session->first == call ? wg_stream_unsent(session->stream) : 0) >=
        WG_HTTP_UNSENT_LIMIT)
        return wg_fail(err, WG_TOO_LARGE, "%d bytes wait for the client already",
                       WG_HTTP_UNSENT_LIMIT);
    if (data.len == 0 || is_to_head(call)) /* an empty chunk would be the end */
        return WG_OK;
    if (call->ending == WG_HTTP_BY_CHUNKS)
        wg_buf_addf(&call->answer, "%zx\r\n", data.len);
    wg_buf_adds(&call->answer, data);
    if (call->ending == WG_HTTP_BY_CHUNKS)
        wg_buf_adds(&call->answer, WG_STR("\r\n"));
    hold(call, held);
    wg_http_session_advance(session);
    return WG_OK;
}

void wg_http_respond_end(struct wg_http_call *call)
{
    struct wg_http_session *session = call->session;
    size_t held = call->answer.len;

    if (end_if_gone(call) || !WG_CHECK(call->stage == WG_HTTP_CALL_BEGUN))
        return;
    if (call->ending == WG_HTTP_BY_CHUNKS && !is_to_head(call))
        wg_buf_adds(&call->answer, WG_STR("0\r\n\r\n"));
    hold(call, held);
    call->stage = WG_HTTP_CALL_ENDED;
    wg_http_session_advance(session);
}
