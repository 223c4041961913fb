// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/answer_impl.h"
#include "http/rules_impl.h"
#include "http/server.h"

/** What stands behind server.h: a server has sessions (connections), a session has calls
 * (requests) in the order of their answers. server.c: all sessions; session.c: one from open to
 * closed; session_read.c: its requests; session_time.c: its deadlines; call.c: answers. */

enum {
    WG_HTTP_CALLS_LIMIT = 16,           /**< requests of one session under way */
    WG_HTTP_UNSENT_LIMIT = 1024 * 1024, /**< answers a session keeps before it stops reading */
};

struct wg_http_server {
    struct wg_loop *loop;
    struct wg_http_server_options options;
    struct wg_http_server_events events;
    void *owner;
    struct wg_http_session *sessions;
    unsigned session_count;
    bool is_draining;
    void (*on_drained)(void *owner);
    void *drained_owner;
    struct wg_timer *drained_timer;
    int64_t date_s; /**< that date says */
    char date[WG_HTTP_DATE_TEXT];
};

enum wg_http_phase {
    WG_HTTP_PHASE_NONE,
    WG_HTTP_PHASE_IDLE, /**< between requests */
    WG_HTTP_PHASE_HEAD, /**< since the first byte of a request */
    WG_HTTP_PHASE_BODY,
    WG_HTTP_PHASE_ANSWER, /**< the handler or the client's reading is waited for */
};

struct wg_http_session {
    struct wg_http_server *server;
    struct wg_http_session *prev, *next;
    struct wg_stream *stream;
    enum {
        WG_HTTP_SESSION_OPEN,
        WG_HTTP_SESSION_LAST,   /**< no request is read behind the last call */
        WG_HTTP_SESSION_CLOSED, /**< finished or dropped: only on_closed is to come */
    } state;
    struct wg_http_reader reader;
    struct wg_buf backlog; /**< read, but not looked at: too much is under way */
    bool is_paused;
    bool has_peer_ended;
    bool is_answered; /**< the last answer is with the stream */
    struct wg_http_call *first, *last;
    unsigned call_count;
    size_t held_bytes; /**< answers that wait for an earlier one, or for the client */
    unsigned request_count;
    struct wg_timer *timer;
    enum wg_http_phase phase;
    int64_t deadline_ms;
    int64_t ring_ms;     /**< when the timer rings; 0 when it does not */
    int64_t given_bytes; /**< to the stream, in all */
    int64_t sent_seen;   /**< by the kernel at the last look, to tell slow from stuck */
};

struct wg_http_call {
    struct wg_http_session *session; /**< NULL when it has gone */
    struct wg_http_call *next;
    enum {
        WG_HTTP_CALL_READING,
        WG_HTTP_CALL_WAITING, /**< for wg_http_respond() */
        WG_HTTP_CALL_BEGUN,
        WG_HTTP_CALL_ENDED,
    } stage;
    struct wg_arena arena;
    struct wg_message message;
    struct wg_http_frame frame;
    struct wg_stream_info info;
    bool is_last; /**< the session ends after this answer */
    enum wg_http_ending ending;
    struct wg_buf answer; /**< not yet given to the stream */
    void (*on_gone)(void *owner);
    void *gone_owner;
    void (*on_writable)(void *owner);
    void *writable_owner;
};

/* session.c */
void wg_http_session_open(struct wg_http_server *server, struct wg_stream *stream);
/** Closes when all is sent. */
void wg_http_session_finish(struct wg_http_session *session);
/** Closes now; calls learn it from on_closed. */
void wg_http_session_drop(struct wg_http_session *session);
/** Gives the stream the answers whose turn it is; finishes when nothing more is to come. */
void wg_http_session_advance(struct wg_http_session *session);

/** Goes on reading after a pause, where the reason has gone. From the loop only. */
void wg_http_session_resume(struct wg_http_session *session);

/* session_time.c */
/** Sets the deadline that belongs to what the session is doing now. */
void wg_http_session_watch(struct wg_http_session *session);
void wg_http_session_on_ring(void *owner);

/* session_read.c */
enum wg_http_verdict wg_http_session_on_head(void *owner, struct wg_http_reader *reader);
/** Reads up to the end of one request. @return how much was used, more than 0 */
size_t wg_http_session_read(struct wg_http_session *session, const char *data, size_t len);
/** Answers for the handler, as the last answer of the session. */
void wg_http_session_refuse(struct wg_http_session *session, int status, const char *reason);

/* server.c */
void wg_http_server_add(struct wg_http_server *server, struct wg_http_session *session);
void wg_http_server_remove(struct wg_http_server *server, struct wg_http_session *session);
const char *wg_http_server_date(struct wg_http_server *server);

/* call.c */
struct wg_http_call *wg_http_call_new(struct wg_http_session *session);
void wg_http_call_free(struct wg_http_call *call);
