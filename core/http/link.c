// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "http/answer_impl.h"
#include "http/client_impl.h"
#include "http/hop.h"
#include "http/parse.h"

static void free_link(struct wg_http_link *link)
{
    struct wg_http_client *client = link->client;

    if (link->prev)
        link->prev->next = link->next;
    else
        client->links = link->next;
    if (link->next)
        link->next->prev = link->prev;
    wg_timer_free(link->idle_timer);
    wg_http_reader_done(&link->reader);
    wg_free(link);
    wg_http_client_settle(client);
}

static void leave_idle(struct wg_http_link *link)
{
    struct wg_http_client *client = link->client;
    struct wg_http_link **at = &link->origin->idle;

    if (!link->is_idle)
        return;
    link->is_idle = false;
    client->idle_count--;
    *(link->older ? &link->older->newer : &client->idle_first) = link->newer;
    *(link->newer ? &link->newer->older : &client->idle_last) = link->older;
    while (*at && *at != link)
        at = &(*at)->idle_next;
    if (*at)
        *at = link->idle_next;
    link->idle_next = NULL;
    wg_timer_stop(link->idle_timer);
}

void wg_http_link_drop(struct wg_http_link *link)
{
    if (!link->origin)
        return;
    leave_idle(link);
    link->origin->link_count--;
    link->origin = NULL;
    if (link->fetch)
        link->fetch->link = NULL;
    link->fetch = NULL;
    if (link->stream)
        wg_stream_close(link->stream); /* on_closed frees */
    else if (link->dial)
        wg_dial_cancel(link->dial); /* on_dialed frees */
}

/* Nobody waits for this one: it goes, and its place is free. */
static void drop_and_serve(struct wg_http_link *link)
{
    struct wg_http_origin *origin = link->origin;

    if (!origin)
        return;
    wg_http_link_drop(link);
    wg_http_origin_serve(origin);
}

static void on_idle_ring(void *owner)
{
    drop_and_serve(owner);
}

static void become_idle(struct wg_http_link *link)
{
    struct wg_http_client *client = link->client;

    link->is_idle = true;
    link->idle_next = link->origin->idle;
    link->origin->idle = link;
    link->newer = NULL;
    link->older = client->idle_last;
    *(link->older ? &link->older->newer : &client->idle_first) = link;
    client->idle_last = link;
    client->idle_count++;
    wg_timer_start(link->idle_timer, client->options.idle_timeout_ms);
}

/* Many origins that were asked once must not hold a connection each. */
static void shed_idle(struct wg_http_client *client)
{
    while (client->idle_count > client->options.idle_limit)
        drop_and_serve(client->idle_first);
}

/* RFC 9112 9.3.1: a kept connection may have been closed by the other side while the request
 * was on its way. Sent again where that cannot do anything twice. */
static bool try_again(struct wg_http_link *link)
{
    struct wg_http_fetch *fetch = link->fetch;

    if (!link->was_used || fetch->has_answer_begun || fetch->needs_fresh ||
        (!fetch->is_idempotent && wg_stream_unsent(link->stream) == 0))
        return false;
    fetch->needs_fresh = true;
    wg_http_link_drop(link);
    wg_http_fetch_wait(fetch, true);
    wg_http_origin_serve(fetch->origin);
    return true;
}

static void fail_fetch(struct wg_http_link *link, struct wg_err *err)
{
    wg_while(err, "asking %.*s", WG_STR_F(link->origin->target.host));
    wg_http_fetch_end(link->fetch, NULL, err);
}

/* RFC 9112 6.3: whatever Content-Length says. */
static bool has_no_body(const struct wg_http_fetch *fetch)
{
    return fetch->is_to_head || !wg_http_status_has_body(fetch->response.status);
}

static enum wg_http_verdict on_head(void *owner, struct wg_http_reader *reader)
{
    struct wg_http_link *link = owner;
    struct wg_http_fetch *fetch = link->fetch;

    fetch->response = (struct wg_http_response){0};
    fetch->response.status = llhttp_get_status_code(&reader->llhttp);
    if (wg_http_judge_response(reader, fetch->is_to_head, &fetch->arena,
                               &fetch->response.headers, &fetch->frame, &reader->err) != WG_OK)
        return wg_http_reader_refuse(reader, 400);
    return has_no_body(fetch) ? WG_HTTP_NO_BODY : WG_HTTP_GO_ON;
}

static bool has_known_end(const struct wg_http_fetch *fetch)
{
    return fetch->frame.is_chunked || fetch->frame.has_length || has_no_body(fetch);
}

/* The link is free again before the caller hears of the answer, so that its next request can
 * use it. */
static void finish_fetch(struct wg_http_link *link, bool is_clean)
{
    struct wg_http_fetch *fetch = link->fetch;
    struct wg_http_origin *origin = link->origin;
    bool is_kept = is_clean && fetch->frame.is_kept && has_known_end(fetch) &&
                   wg_stream_unsent(link->stream) == 0 && !link->client->is_closing;

    fetch->response.body = wg_arena_copy(&fetch->arena, wg_buf_str(&link->reader.body));
    fetch->response.info = wg_stream_info(link->stream);
    wg_http_remove_hop_by_hop(&fetch->response.headers);
    if (is_kept) {
        wg_http_reader_next(&link->reader);
        link->fetch = NULL;
        link->was_used = true;
        become_idle(link);
    } else {
        wg_http_link_drop(link);
    }
    fetch->link = NULL;
    fetch->origin = NULL;
    wg_http_origin_serve(origin);
    shed_idle(fetch->client);
    wg_http_fetch_end(fetch, &fetch->response, NULL);
}

/* @return whether bytes behind it may be the next answer to the same request */
static bool skip_interim(struct wg_http_link *link)
{
    struct wg_http_fetch *fetch = link->fetch;
    struct wg_err err;

    if (fetch->response.status >= 200)
        return false;
    if (++fetch->interim_count > WG_HTTP_INTERIM_LIMIT) {
        wg_fail(&err, WG_BAD_ANSWER, "more than %d interim answers", WG_HTTP_INTERIM_LIMIT);
        fail_fetch(link, &err);
        return true;
    }
    wg_http_reader_next(&link->reader);
    return true;
}

static void on_read(void *owner, const char *data, size_t len)
{
    struct wg_http_link *link = owner;

    if (!link->origin)
        return;
    if (!link->fetch) { /* an answer nobody asked for: not to be taken for the next one */
        drop_and_serve(link);
        return;
    }
    link->fetch->has_answer_begun = true;
    while (len && link->fetch) {
        size_t used;

        switch (wg_http_reader_feed(&link->reader, data, len, &used)) {
        case WG_HTTP_MORE:
            return;
        case WG_HTTP_DONE:
            data += used;
            len -= used;
            if (skip_interim(link))
                break;
            finish_fetch(link, len == 0);
            return;
        default: {
            struct wg_err err = link->reader.err;

            if (err.code == WG_INVALID)
                err.code = WG_BAD_ANSWER;
            fail_fetch(link, &err);
            return;
        }
        }
    }
}

static void on_end(void *owner, const struct wg_err *end)
{
    struct wg_http_link *link = owner;
    struct wg_err err;

    if (!link->origin)
        return;
    if (!link->fetch) {
        drop_and_serve(link);
        return;
    }
    if (end->code == WG_OK && link->reader.stage == WG_HTTP_IN_BODY &&
        !has_known_end(link->fetch) && wg_http_reader_end(&link->reader) == WG_HTTP_DONE) {
        finish_fetch(link, false);
        return;
    }
    if (try_again(link))
        return;
    if (end->code == WG_OK)
        wg_fail(&err, WG_CLOSED, "the connection ended %s",
                link->fetch->has_answer_begun ? "in the middle of the answer"
                                              : "without an answer");
    else
        err = *end;
    fail_fetch(link, &err);
}

static void on_closed(void *owner)
{
    free_link(owner);
}

static void send_request(struct wg_http_link *link)
{
    struct wg_http_fetch *fetch = link->fetch;
    struct wg_err err;

    link->reader.limits.body_bytes = fetch->answer_limit_bytes;
    link->reader.body.limit = fetch->answer_limit_bytes;
    /* Nothing waits on this stream, so it takes all; failures arrive in on_end. */
    WG_CHECK(wg_stream_write(link->stream, fetch->request.at, fetch->request.len, &err) ==
             WG_OK);
}

void wg_http_link_take(struct wg_http_link *link, struct wg_http_fetch *fetch)
{
    leave_idle(link);
    link->fetch = fetch;
    fetch->link = link;
    send_request(link);
}

static void on_dialed(void *owner, struct wg_stream *stream, const struct wg_err *err)
{
    static const struct wg_stream_events events = {on_read, on_end, NULL, on_closed};
    struct wg_http_link *link = owner;
    struct wg_http_fetch *fetch = link->fetch;

    link->dial = NULL;
    if (!stream) {
        struct wg_err failure = *err;

        if (link->origin)
            wg_http_link_drop(link);
        free_link(link);
        if (fetch)
            wg_http_fetch_end(fetch, NULL, &failure);
        return;
    }
    link->stream = stream;
    wg_stream_listen(stream, &events, link);
    if (fetch)
        send_request(link);
    else
        wg_stream_close(stream); /* given up while it was dialed */
}

void wg_http_link_dial(struct wg_http_origin *origin, struct wg_http_fetch *fetch)
{
#define X(name, value) .name = value,
    static const struct wg_http_limits limits = {WG_HTTP_LIMITS(X)};
#undef X
    struct wg_http_client *client = origin->client;
    struct wg_http_link *link = wg_new(struct wg_http_link);

    link->client = client;
    link->origin = origin;
    link->fetch = fetch;
    fetch->link = link;
    origin->link_count++;
    link->next = client->links;
    if (link->next)
        link->next->prev = link;
    client->links = link;
    link->idle_timer = wg_timer_new(client->loop, on_idle_ring, link);
    wg_http_reader_init(&link->reader, HTTP_RESPONSE, &limits, on_head, link);
    link->dial = wg_dial(client->dialer, &origin->target, on_dialed, link);
}
