// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "http/client.h"
#include "peer.h"

#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* A client, and a listening socket whose connections the test answers by hand. */
struct rig {
    struct wg_loop *loop;
    struct wg_dialer *dialer;
    struct wg_http_client *client;
    int listen_fd;
    uint16_t port;
    bool is_closed;
};

/* What one fetch ended with. */
struct result {
    unsigned calls;
    enum wg_code code;
    char text[300];
    int status;
    char body[64];
    size_t body_len;
    char headers[300];
    uint16_t remote_port;
    struct rig *again; /* fetched again from the callback */
    struct result *next;
};

static struct rig *rig_new(const struct wg_http_client_options *options)
{
    const struct wg_dialer_options dialing = {0};
    struct rig *rig = wg_new(struct rig);
    struct wg_err err;

    assert_int_equal(wg_loop_new(wg_clock_system(), &rig->loop, &err), WG_OK);
    rig->dialer = wg_dialer_new(rig->loop, &dialing);
    rig->client = wg_http_client_new(rig->loop, rig->dialer, options);
    rig->listen_fd = peer_listen(&rig->port);
    return rig;
}

static void on_closed(void *owner)
{
    ((struct rig *)owner)->is_closed = true;
}

static bool is_closed(void *owner)
{
    return ((struct rig *)owner)->is_closed;
}

static void rig_close_client(struct rig *rig)
{
    wg_http_client_close(rig->client, on_closed, rig);
    rig->client = NULL;
    assert_false(rig->is_closed);
    assert_true(loop_until(rig->loop, is_closed, rig));
}

static void rig_free(struct rig *rig)
{
    if (rig->client)
        rig_close_client(rig);
    wg_dialer_free(rig->dialer);
    close(rig->listen_fd);
    wg_loop_stop(rig->loop);
    wg_loop_run(rig->loop);
    wg_loop_free(rig->loop);
    wg_free(rig);
}

static struct wg_http_fetch *get(struct rig *rig, struct result *result);

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct result *result = owner;
    int len = 0;

    result->calls++;
    assert_true((response == NULL) != (err == NULL));
    result->code = err ? err->code : WG_OK;
    if (err)
        snprintf(result->text, sizeof result->text, "%s", err->text);
    if (response) {
        result->status = response->status;
        result->body_len = response->body.len;
        snprintf(result->body, sizeof result->body, "%.*s", WG_STR_F(response->body));
        for (size_t i = 0; i < response->headers.count; i++)
            len += snprintf(result->headers + len, sizeof result->headers - (size_t)len,
                            "%.*s=%.*s;", WG_STR_F(response->headers.at[i].name),
                            WG_STR_F(response->headers.at[i].value));
        result->remote_port = response->info->remote_port;
    }
    if (result->again)
        get(result->again, result->next);
}

static const struct wg_header host[] = {{WG_STR("Host"), WG_STR("a.example")}};

static struct wg_http_request request_of(const struct rig *rig, const char *method,
                                         const char *body)
{
    return (struct wg_http_request){
        .origin = {WG_STR("127.0.0.1"), rig->port, false, true},
        .method = wg_str(method),
        .target = WG_STR("/x?y"),
        .headers = host,
        .header_count = 1,
        .body = wg_str(body),
    };
}

static struct wg_http_fetch *fetch(struct rig *rig, struct result *result, const char *method,
                                   const char *body)
{
    struct wg_http_request request = request_of(rig, method, body);
    struct wg_http_fetch *fetch = wg_http_fetch(rig->client, &request, on_answer, result);

    assert_int_equal(result->calls, 0);
    return fetch;
}

static struct wg_http_fetch *get(struct rig *rig, struct result *result)
{
    return fetch(rig, result, "GET", "");
}

static bool has_result(void *owner)
{
    return ((struct result *)owner)->calls > 0;
}

static void until_result(struct rig *rig, struct result *result, enum wg_code code)
{
    assert_true(loop_until(rig->loop, has_result, result));
    loop_some(rig->loop);
    assert_int_equal(result->calls, 1);
    if (result->code != code)
        fail_msg("%s instead of %s: %s", wg_code_name(result->code), wg_code_name(code),
                 result->text);
}

/* A connection on which one request was answered: it is in the pool. */
static struct peer pooled(struct rig *rig)
{
    struct result result = {0};
    struct peer peer;

    get(rig, &result);
    peer = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &peer, "\r\n\r\n");
    peer_send(&peer, EMPTY);
    until_result(rig, &result, WG_OK);
    peer_forget(&peer);
    return peer;
}

static bool nobody_comes(struct rig *rig)
{
    loop_some(rig->loop);
    return accept(rig->listen_fd, NULL, NULL) < 0;
}

static void fetches_an_answer(void **state)
{
    const struct wg_header headers[] = {{WG_STR("Host"), WG_STR("a.example")},
                                        {WG_STR("Connection"), WG_STR("upgrade")},
                                        {WG_STR("Content-Length"), WG_STR("99")},
                                        {WG_STR("X-A"), WG_STR("b")}};
    struct rig *rig = rig_new(NULL);
    struct wg_http_request request = request_of(rig, "POST", "body");
    struct result result = {0};
    struct peer peer;

    (void)state;
    request.headers = headers;
    request.header_count = WG_COUNT(headers);
    wg_http_fetch(rig->client, &request, on_answer, &result);
    peer = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &peer, "body");
    assert_string_equal(peer.in, "POST /x?y HTTP/1.1\r\nHost: a.example\r\nX-A: b\r\n"
                                 "Content-Length: 4\r\n\r\nbody");
    peer_send(&peer,
              "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
              "Keep-Alive: x\r\nX-B: c \r\n\r\nhel");
    loop_some(rig->loop);
    assert_int_equal(result.calls, 0);
    peer_send(&peer, "lo");
    until_result(rig, &result, WG_OK);
    assert_int_equal(result.status, 201);
    assert_string_equal(result.body, "hello");
    assert_string_equal(result.headers, "content-length=5;x-b=c;");
    assert_int_equal(result.remote_port, rig->port);
    peer_close(&peer);
    rig_free(rig);
}

static void reads_every_way_a_body_can_end(void **state)
{
    static const struct {
        const char *why, *method, *answer, *body;
        bool ends;
    } cases[] = {
        {"chunks", "GET",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: "
         "t\r\n\r\n",
         "abc", false},
        {"the end of the connection", "GET", "HTTP/1.1 200 OK\r\n\r\nabc", "abc", true},
        {"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\n\r\nabc", "abc", true},
        {"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", "", false},
        {"HEAD with chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
         "", false},
        {"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", "", false},
        {"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", false},
        {"interim answers first", "GET",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
         "a", false},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct rig *rig = rig_new(NULL);
        struct result result = {0}, second = {0};
        struct peer peer;

        fetch(rig, &result, cases[i].method, "");
        peer = peer_accept(rig->loop, rig->listen_fd);
        peer_until(rig->loop, &peer, "\r\n\r\n");
        peer_forget(&peer);
        peer_send(&peer, cases[i].answer);
        if (cases[i].ends)
            peer_end(&peer);
        until_result(rig, &result, WG_OK);
        assert_string_equal(result.body, cases[i].body);
        if (!cases[i].ends) { /* the connection is good for another */
            get(rig, &second);
            peer_until(rig->loop, &peer, "GET /x?y");
            peer_send(&peer, EMPTY);
            until_result(rig, &second, WG_OK);
        }
        peer_close(&peer);
        rig_free(rig);
    }
}

static void refuses_answers_that_cannot_be_trusted(void **state)
{
    static const struct {
        const char *answer;
        enum wg_code code;
        bool ends;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         WG_BAD_ANSWER, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", WG_BAD_ANSWER,
         false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", WG_BAD_ANSWER,
         false},
        {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", WG_BAD_ANSWER,
         false},
        {"HTTP/2.0 200 OK\r\n\r\n", WG_BAD_ANSWER, false},
        {"<html>", WG_BAD_ANSWER, false},
        {"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 "
         "C\r\n\r\n"
         "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 "
         "C\r\n\r\n"
         "HTTP/1.1 100 C\r\n\r\n" EMPTY,
         WG_BAD_ANSWER, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", WG_TOO_LARGE, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", WG_CLOSED, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", WG_CLOSED, true},
        {"HTTP/1.1 200 OK\r\n", WG_CLOSED, true},
        {"", WG_CLOSED, true},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct rig *rig = rig_new(NULL);
        struct result result = {0};
        struct peer peer;

        get(rig, &result);
        peer = peer_accept(rig->loop, rig->listen_fd);
        peer_until(rig->loop, &peer, "\r\n\r\n");
        peer_send(&peer, cases[i].answer);
        if (cases[i].ends)
            peer_end(&peer);
        until_result(rig, &result, cases[i].code);
        assert_non_null(strstr(result.text, "127.0.0.1"));
        peer_until_end(rig->loop, &peer);
        peer_close(&peer);
        rig_free(rig);
    }
}

static void an_answer_over_its_limit_is_too_large_however_it_comes(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nB\r\n0123456789a\r\n",
        "HTTP/1.1 200 OK\r\n\r\n0123456789a",
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(answers); i++) {
        struct rig *rig = rig_new(NULL);
        struct wg_http_request request = request_of(rig, "GET", "");
        struct result result = {0};
        struct peer peer;

        request.answer_limit_bytes = 10;
        wg_http_fetch(rig->client, &request, on_answer, &result);
        peer = peer_accept(rig->loop, rig->listen_fd);
        peer_send(&peer, answers[i]);
        until_result(rig, &result, WG_TOO_LARGE);
        peer_close(&peer);
        rig_free(rig);
    }
}

static void reuses_the_connection_used_last(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct result first = {0}, second = {0}, third = {0};
    struct peer a, b;

    (void)state;
    get(rig, &first);
    a = peer_accept(rig->loop, rig->listen_fd);
    get(rig, &second);
    b = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &a, "\r\n\r\n");
    peer_until(rig->loop, &b, "\r\n\r\n");
    peer_send(&a, EMPTY);
    until_result(rig, &first, WG_OK);
    peer_send(&b, EMPTY);
    until_result(rig, &second, WG_OK);
    peer_forget(&b);
    get(rig, &third);
    peer_until(rig->loop, &b, "GET /x?y");
    peer_send(&b, EMPTY);
    until_result(rig, &third, WG_OK);
    assert_true(nobody_comes(rig));
    peer_close(&a);
    peer_close(&b);
    rig_free(rig);
}

static void does_not_share_between_origins(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct wg_http_request request = request_of(rig, "GET", "");
    struct peer peer = pooled(rig);
    struct result result = {0};

    (void)state;
    /* The same address, but not trusted: the guard judges anew, and refuses. */
    request.origin.is_trusted = false;
    wg_http_fetch(rig->client, &request, on_answer, &result);
    assert_true(loop_until(rig->loop, has_result, &result));
    assert_int_not_equal(result.code, WG_OK);
    peer_receive(&peer);
    assert_int_equal(peer.len, 0);
    peer_close(&peer);
    rig_free(rig);
}

static void a_connection_that_was_to_close_is_not_used_again(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
        EMPTY "HTTP/1.1 200 OK\r\n",
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(answers); i++) {
        struct rig *rig = rig_new(NULL);
        struct result result = {0};
        struct peer peer;

        get(rig, &result);
        peer = peer_accept(rig->loop, rig->listen_fd);
        peer_until(rig->loop, &peer, "\r\n\r\n");
        peer_send(&peer, answers[i]);
        until_result(rig, &result, WG_OK);
        peer_until_end(rig->loop, &peer);
        peer_close(&peer);
        rig_free(rig);
    }
}

static void an_answer_nobody_asked_for_ends_the_connection(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct peer peer = pooled(rig);

    (void)state;
    peer_send(&peer, EMPTY);
    peer_until_end(rig->loop, &peer);
    peer_close(&peer);
    rig_free(rig);
}

static void an_idle_connection_is_closed_after_its_time(void **state)
{
    struct rig *rig = rig_new(&(struct wg_http_client_options){.idle_timeout_ms = 20});
    struct peer peer = pooled(rig);

    (void)state;
    peer_until_end(rig->loop, &peer);
    peer_close(&peer);
    rig_free(rig);
}

static void past_the_idle_limit_the_one_unused_longest_closes(void **state)
{
    struct rig *rig = rig_new(&(struct wg_http_client_options){.idle_limit = 1});
    struct result results[3] = {0};
    struct peer first, second;

    (void)state;
    get(rig, &results[0]);
    first = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &first, "\r\n\r\n");
    get(rig, &results[1]);
    second = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &second, "\r\n\r\n");
    peer_send(&first, EMPTY);
    until_result(rig, &results[0], WG_OK);
    peer_send(&second, EMPTY);
    until_result(rig, &results[1], WG_OK);
    peer_until_end(rig->loop, &first);
    get(rig, &results[2]);
    peer_until(rig->loop, &second, "\r\n\r\n");
    peer_send(&second, EMPTY);
    until_result(rig, &results[2], WG_OK);
    peer_close(&first);
    peer_close(&second);
    rig_free(rig);
}

static void waits_in_order_for_a_free_connection(void **state)
{
    struct rig *rig = rig_new(&(struct wg_http_client_options){.connections_per_origin = 1});
    struct result results[4] = {0};
    struct wg_http_fetch *third;
    struct peer peer;

    (void)state;
    get(rig, &results[0]);
    fetch(rig, &results[1], "DELETE", "");
    third = get(rig, &results[2]);
    fetch(rig, &results[3], "PUT", "x");
    peer = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &peer, "GET /x?y");
    assert_true(nobody_comes(rig));
    wg_http_fetch_cancel(third);
    assert_int_equal(results[2].calls, 0);
    peer_send(&peer, EMPTY);
    until_result(rig, &results[0], WG_OK);
    until_result(rig, &results[2], WG_CANCELLED);
    peer_until(rig->loop, &peer, "DELETE /x?y");
    assert_null(strstr(peer.in, "PUT"));
    peer_send(&peer, EMPTY);
    peer_until(rig->loop, &peer, "PUT /x?y");
    assert_int_equal(peer_count(&peer, "GET"), 1);
    peer_send(&peer, EMPTY);
    until_result(rig, &results[3], WG_OK);
    peer_close(&peer);
    rig_free(rig);
}

static void fetches_again_from_the_callback_on_the_same_connection(void **state)
{
    struct rig *rig = rig_new(&(struct wg_http_client_options){.connections_per_origin = 1});
    struct result second = {0}, first = {.again = rig, .next = &second};
    struct peer peer;

    (void)state;
    get(rig, &first);
    peer = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &peer, "\r\n\r\n");
    peer_forget(&peer);
    peer_send(&peer, EMPTY);
    until_result(rig, &first, WG_OK);
    peer_until(rig->loop, &peer, "GET /x?y");
    peer_send(&peer, EMPTY);
    until_result(rig, &second, WG_OK);
    peer_close(&peer);
    rig_free(rig);
}

static void a_dead_kept_connection_is_replaced_once(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct peer old = pooled(rig), fresh;
    struct result result = {0};

    (void)state;
    get(rig, &result);
    peer_until(rig->loop, &old, "GET /x?y"); /* it was on its way when the other side closed */
    peer_close(&old);
    fresh = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &fresh, "GET /x?y");
    peer_close(&fresh);
    until_result(rig, &result, WG_CLOSED);
    assert_true(nobody_comes(rig));
    rig_free(rig);
}

static void a_request_that_may_have_been_done_is_not_sent_twice(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct peer old = pooled(rig);
    struct result result = {0};

    (void)state;
    fetch(rig, &result, "POST", "x");
    peer_until(rig->loop, &old, "POST /x?y");
    peer_close(&old);
    until_result(rig, &result, WG_CLOSED);
    assert_true(nobody_comes(rig));
    rig_free(rig);
}

static void an_answer_that_broke_off_is_not_asked_for_again(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct peer old = pooled(rig);
    struct result result = {0};

    (void)state;
    get(rig, &result);
    peer_until(rig->loop, &old, "GET /x?y");
    peer_send(&old, "HTTP/1.1 2");
    loop_some(rig->loop);
    peer_close(&old);
    until_result(rig, &result, WG_CLOSED);
    assert_true(nobody_comes(rig));
    rig_free(rig);
}

static void a_kept_connection_that_was_closed_is_not_even_tried(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct peer old = pooled(rig), fresh;
    struct result result = {0};

    (void)state;
    peer_close(&old);
    loop_some(rig->loop);
    fetch(rig, &result, "POST", "x");
    fresh = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &fresh, "POST /x?y");
    peer_send(&fresh, EMPTY);
    until_result(rig, &result, WG_OK);
    peer_close(&fresh);
    rig_free(rig);
}

static void an_early_refusal_of_a_large_body_is_heard(void **state)
{
    size_t size = 16 * 1024 * 1024;
    char *body = wg_alloc(size);
    struct rig *rig = rig_new(NULL);
    struct wg_http_request request = request_of(rig, "POST", "");
    struct result result = {0};
    struct peer peer;

    (void)state;
    request.body = wg_str_of(body, size);
    wg_http_fetch(rig->client, &request, on_answer, &result);
    peer = peer_accept(rig->loop, rig->listen_fd);
    peer_send(&peer, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    until_result(rig, &result, WG_OK);
    assert_int_equal(result.status, 413);
    wg_free(body);
    peer_close(&peer);
    rig_free(rig);
}

static void a_fetch_ends_after_its_time(void **state)
{
    struct rig *rig = rig_new(&(struct wg_http_client_options){.connections_per_origin = 1});
    struct wg_http_request request = request_of(rig, "GET", "");
    struct result first = {0}, second = {0};
    struct peer peer;

    (void)state;
    request.timeout_ms = 30;
    wg_http_fetch(rig->client, &request, on_answer, &second);
    peer = peer_accept(rig->loop, rig->listen_fd);
    wg_http_fetch(rig->client, &request, on_answer, &first);
    until_result(rig, &first, WG_TIMEOUT);
    until_result(rig, &second, WG_TIMEOUT);
    assert_non_null(strstr(second.text, "waiting for the answer"));
    peer_until_end(rig->loop, &peer);
    peer_close(&peer);
    rig_free(rig);
}

static void a_cancelled_fetch_ends_from_the_loop(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct result dialing = {0}, asked = {0};
    struct wg_http_fetch *fetch;
    struct peer peer;

    (void)state;
    wg_http_fetch_cancel(get(rig, &dialing));
    assert_int_equal(dialing.calls, 0);
    until_result(rig, &dialing, WG_CANCELLED);
    fetch = get(rig, &asked);
    do { /* the dial that was cancelled may have got as far as the kernel */
        peer = peer_accept(rig->loop, rig->listen_fd);
        loop_some(rig->loop);
        peer_receive(&peer);
        if (!peer.len)
            peer_close(&peer);
    } while (!peer.in);
    peer_until(rig->loop, &peer, "GET /x?y");
    wg_http_fetch_cancel(fetch);
    wg_http_fetch_cancel(fetch);
    assert_int_equal(asked.calls, 0);
    until_result(rig, &asked, WG_CANCELLED);
    peer_until_end(rig->loop, &peer);
    peer_close(&peer);
    rig_free(rig);
}

static void closing_cancels_what_is_under_way(void **state)
{
    struct rig *rig = rig_new(&(struct wg_http_client_options){.connections_per_origin = 1});
    struct result late = {0}, asked = {.again = rig, .next = &late}, waiting = {0};
    struct peer peer;

    (void)state;
    get(rig, &asked);
    get(rig, &waiting);
    peer = peer_accept(rig->loop, rig->listen_fd);
    peer_until(rig->loop, &peer, "GET /x?y");
    wg_http_client_close(rig->client, on_closed, rig);
    assert_int_equal(asked.calls, 0);
    until_result(rig, &asked, WG_CANCELLED);
    until_result(rig, &waiting, WG_CANCELLED);
    until_result(rig, &late, WG_CANCELLED);
    assert_true(loop_until(rig->loop, is_closed, rig));
    rig->client = NULL;
    peer_close(&peer);
    rig_free(rig);
}

static void a_failed_dial_says_why(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct result result = {0};

    (void)state;
    close(rig->listen_fd);
    rig->listen_fd = -1;
    get(rig, &result);
    until_result(rig, &result, WG_CONNECT_FAILED);
    assert_non_null(strstr(result.text, "127.0.0.1"));
    rig_free(rig);
}

static void does_not_send_what_would_break_the_request(void **state)
{
    static const struct {
        const char *method, *target, *name, *value;
    } cases[] = {
        {"GET", "/a b", "X", "y"},         {"GET", "/a\r\nX: y", "X", "y"},
        {"GET", "http://a/", "X", "y"},    {"GET", "", "X", "y"},
        {"GET", "/caf\xc3\xa9", "X", "y"}, {"G T", "/", "X", "y"},
        {"GET", "/", "X", "y\r\nZ: z"},    {"GET", "/", "X Y", "z"},
        {"GET", "/", "Host", "second"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct rig *rig = rig_new(NULL);
        const struct wg_header headers[] = {host[0],
                                            {wg_str(cases[i].name), wg_str(cases[i].value)}};
        struct wg_http_request request = request_of(rig, cases[i].method, "");
        struct result result = {0};

        request.target = wg_str(cases[i].target);
        request.headers = headers;
        request.header_count = 2;
        wg_http_fetch(rig->client, &request, on_answer, &result);
        assert_int_equal(result.calls, 0);
        until_result(rig, &result, WG_INVALID);
        assert_true(nobody_comes(rig));
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetches_an_answer),
        cmocka_unit_test(reads_every_way_a_body_can_end),
        cmocka_unit_test(refuses_answers_that_cannot_be_trusted),
        cmocka_unit_test(an_answer_over_its_limit_is_too_large_however_it_comes),
        cmocka_unit_test(reuses_the_connection_used_last),
        cmocka_unit_test(does_not_share_between_origins),
        cmocka_unit_test(a_connection_that_was_to_close_is_not_used_again),
        cmocka_unit_test(an_answer_nobody_asked_for_ends_the_connection),
        cmocka_unit_test(an_idle_connection_is_closed_after_its_time),
        cmocka_unit_test(past_the_idle_limit_the_one_unused_longest_closes),
        cmocka_unit_test(waits_in_order_for_a_free_connection),
        cmocka_unit_test(fetches_again_from_the_callback_on_the_same_connection),
        cmocka_unit_test(a_dead_kept_connection_is_replaced_once),
        cmocka_unit_test(a_request_that_may_have_been_done_is_not_sent_twice),
        cmocka_unit_test(an_answer_that_broke_off_is_not_asked_for_again),
        cmocka_unit_test(a_kept_connection_that_was_closed_is_not_even_tried),
        cmocka_unit_test(an_early_refusal_of_a_large_body_is_heard),
        cmocka_unit_test(a_fetch_ends_after_its_time),
        cmocka_unit_test(a_cancelled_fetch_ends_from_the_loop),
        cmocka_unit_test(closing_cancels_what_is_under_way),
        cmocka_unit_test(a_failed_dial_says_why),
        cmocka_unit_test(does_not_send_what_would_break_the_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
