// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "http/client_impl.h"

enum { DEFAULT_ANSWER_BYTES = 1024 * 1024, DEFAULT_TIMEOUT_MS = 30 * 1000 };

static bool is_idempotent(struct wg_str method)
{
    static const char *const names[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};

    for (size_t i = 0; i < WG_COUNT(names); i++)
        if (wg_str_is(method, names[i]))
            return true;
    return false;
}

void wg_http_fetch_wait(struct wg_http_fetch *fetch, bool is_first)
{
    struct wg_http_origin *origin = fetch->origin;

    fetch->waiting_next = is_first ? origin->waiting : NULL;
    if (!origin->waiting)
        origin->waiting = origin->waiting_end = fetch;
    else if (is_first)
        origin->waiting = fetch;
    else
        origin->waiting_end = origin->waiting_end->waiting_next = fetch;
}

static void stop_waiting(struct wg_http_fetch *fetch)
{
    struct wg_http_origin *origin = fetch->origin;
    struct wg_http_fetch *before = NULL;

    for (struct wg_http_fetch *at = origin->waiting; at; before = at, at = at->waiting_next) {
        if (at != fetch)
            continue;
        if (before)
            before->waiting_next = at->waiting_next;
        else
            origin->waiting = at->waiting_next;
        if (origin->waiting_end == at)
            origin->waiting_end = before;
        return;
    }
}

/* Out of link or queue; the origin may be gone after this. */
static void leave_origin(struct wg_http_fetch *fetch)
{
    struct wg_http_origin *origin = fetch->origin;

    if (!origin)
        return;
    if (fetch->link)
        wg_http_link_drop(fetch->link);
    else
        stop_waiting(fetch);
    fetch->origin = NULL;
    wg_http_origin_serve(origin);
}

void wg_http_fetch_end(struct wg_http_fetch *fetch, const struct wg_http_response *response,
                       const struct wg_err *err)
{
    struct wg_http_client *client = fetch->client;

    leave_origin(fetch);
    wg_metric_time(CLIENT_TIME, wg_metric_now_ns() - fetch->began_ns, fetch->purpose,
                   wg_metric_answer(response ? response->status : 0));
    fetch->is_over = true;
    fetch->timer = wg_timer_free(fetch->timer);
    fetch->on_answer(fetch->owner, response, response ? NULL : err);
    if (fetch->prev)
        fetch->prev->next = fetch->next;
    else
        client->fetches = fetch->next;
    if (fetch->next)
        fetch->next->prev = fetch->prev;
    wg_buf_done(&fetch->request);
    wg_arena_done(&fetch->arena);
    wg_free(fetch);
    wg_http_client_settle(client);
}

static const char *what_is_waited_for(const struct wg_http_fetch *fetch)
{
    if (!fetch->link)
        return "waiting for a free connection";
    if (!fetch->link->stream)
        return "connecting";
    return fetch->has_answer_begun ? "reading the answer" : "waiting for the answer";
}

static void on_ring(void *owner)
{
    struct wg_http_fetch *fetch = owner;

    if (!fetch->is_over)
        wg_fail(&fetch->err, WG_TIMEOUT, "asking %.*s: no answer in time while %s",
                WG_STR_F(fetch->origin->target.host), what_is_waited_for(fetch));
    wg_http_fetch_end(fetch, NULL, &fetch->err);
}

/* The end comes from the loop, in its next turn. */
static void end_later(struct wg_http_fetch *fetch)
{
    fetch->is_over = true;
    leave_origin(fetch);
    wg_timer_start(fetch->timer, 0);
}

struct wg_http_fetch *
wg_http_fetch(struct wg_http_client *client, const struct wg_http_request *request,
              void (*on_answer)(void *owner, const struct wg_http_response *response,
                                const struct wg_err *err),
              void *owner)
{
    struct wg_http_fetch *fetch = wg_new(struct wg_http_fetch);

    fetch->client = client;
    fetch->began_ns = wg_metric_now_ns();
    fetch->purpose = request->purpose;
    fetch->on_answer = on_answer;
    fetch->owner = owner;
    fetch->is_to_head = wg_str_is(request->method, "HEAD");
    fetch->is_idempotent = is_idempotent(request->method);
    fetch->answer_limit_bytes =
        request->answer_limit_bytes ? request->answer_limit_bytes : DEFAULT_ANSWER_BYTES;
    fetch->timer = wg_timer_new(client->loop, on_ring, fetch);
    wg_arena_init(&fetch->arena);
    wg_buf_init(&fetch->request, SIZE_MAX / 4); /* what our own side sends */
    fetch->next = client->fetches;
    if (fetch->next)
        fetch->next->prev = fetch;
    client->fetches = fetch;
    if (client->is_closing) {
        wg_fail(&fetch->err, WG_CANCELLED, "the HTTP client is closing");
        end_later(fetch);
    } else if (wg_http_request_write(request, &fetch->request, &fetch->err) != WG_OK) {
        end_later(fetch);
    } else {
        wg_timer_start(fetch->timer,
                       request->timeout_ms ? request->timeout_ms : DEFAULT_TIMEOUT_MS);
        fetch->origin = wg_http_origin_get(client, &request->origin);
        wg_http_fetch_wait(fetch, false);
        wg_http_origin_serve(fetch->origin);
    }
    return fetch;
}

void wg_http_fetch_cancel(struct wg_http_fetch *fetch)
{
    if (fetch->is_over)
        return;
    wg_fail(&fetch->err, WG_CANCELLED, "the request was cancelled");
    end_later(fetch);
}
