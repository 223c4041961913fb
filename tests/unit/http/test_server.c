// SPDX-License-Identifier: Apache-2.0
/* Requests and answers; how connections live and end is in test_server_life.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "server_rig.h"

#define EXPECTING \
    "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"

static void answers_and_keeps_the_connection(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, "POST /echo?q HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi");
    peer_until(rig->loop, &peer, "[POST /echo?q hi]");
    assert_non_null(strstr(peer.in, "HTTP/1.1 200 OK\r\nDate: "));
    assert_non_null(strstr(peer.in, " GMT\r\nX-Test: yes\r\nContent-Length: 17\r\n\r\n["));
    assert_null(strstr(peer.in, "Connection:"));
    peer_forget(&peer);
    peer_send(&peer, ECHO);
    peer_until(rig->loop, &peer, "[GET /echo ]");
    peer_close(&peer);
    until_connections(rig, 0);
    rig_free(rig);
}

static void reads_a_request_byte_by_byte(void **state)
{
    static const char request[] =
        "POST /echo HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: t\r\n\r\n";
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    for (size_t i = 0; i < sizeof request - 1; i++) {
        assert_int_equal(peer_send_bytes(&peer, request + i, 1), 1);
        wg_loop_turn(rig->loop);
    }
    peer_until(rig->loop, &peer, "[POST /echo abc]");
    peer_close(&peer);
    rig_free(rig);
}

static void answers_pipelined_requests_in_their_order(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, HOLD HOLD "GET /echo/3 HTTP/1.1\r\n" HOST "\r\n");
    until_held(rig, 2);
    loop_some(rig->loop);
    assert_int_equal(rig->requests, 3);
    rig_answer(rig->held[1], WG_STR("<second>"));
    loop_some(rig->loop);
    peer_receive(&peer);
    assert_int_equal(peer.len, 0);
    rig_answer(rig->held[0], WG_STR("<first>"));
    peer_until(rig->loop, &peer, "[GET /echo/3 ]");
    assert_true(strstr(peer.in, "<first>") < strstr(peer.in, "<second>"));
    assert_true(strstr(peer.in, "<second>") < strstr(peer.in, "/echo/3"));
    peer_close(&peer);
    rig_free(rig);
}

static void holds_a_bounded_number_of_requests(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    for (int i = 0; i < 20; i++)
        peer_send(&peer, HOLD);
    peer_send(&peer, ECHO);
    until_held(rig, 16);
    loop_some(rig->loop);
    assert_int_equal(rig->held_count, 16);
    for (unsigned i = 0; i < 20; i++) {
        until_held(rig, i + 1);
        rig_answer(rig->held[i], WG_STR("<held>"));
    }
    peer_until(rig->loop, &peer, "[GET /echo ]");
    assert_int_equal(peer_count(&peer, "<held>"), 20);
    peer_close(&peer);
    rig_free(rig);
}

static void a_refusal_comes_behind_the_answers_before_it(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, HOLD "GET * HTTP/1.1\r\n" HOST "\r\n" ECHO);
    until_held(rig, 1);
    loop_some(rig->loop);
    assert_int_equal(rig->refused, 1);
    rig_answer(rig->held[0], WG_STR("<held>"));
    peer_until_end(rig->loop, &peer);
    assert_true(strstr(peer.in, "<held>") < strstr(peer.in, "HTTP/1.1 400 Bad Request"));
    assert_non_null(strstr(peer.in, "Connection: close\r\n\r\n{\"error\":400}"));
    assert_int_equal(rig->requests, 1);
    peer_close(&peer);
    rig_free(rig);
}

static void refuses_with_the_status_that_says_why(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET /a|b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /\r\n" HOST "\r\n", 505},
        {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
        {"GET / HTTP/1.2\r\n" HOST "\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"GET / HTTP/01.1\r\n" HOST "\r\n", 400},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 262145\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\n" HOST "Expect: tea\r\nContent-Length: 1\r\n\r\n", 417},
        {"POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 999999\r\n\r\n",
         413},
        {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 400},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct rig *rig = rig_default();
        struct peer peer = peer_connect(rig->port);
        char line[32];

        snprintf(line, sizeof line, "HTTP/1.1 %d ", cases[i].status);
        peer_send(&peer, cases[i].request);
        peer_until_end(rig->loop, &peer);
        if (strncmp(peer.in, line, strlen(line)) != 0)
            fail_msg("%s: got %s", cases[i].request, peer.in);
        assert_int_equal(rig->refused_status, cases[i].status);
        assert_true(rig->refused_reason[0]);
        assert_int_equal(rig->requests, 0);
        peer_close(&peer);
        rig_free(rig);
    }
}

static void a_header_over_the_limit_is_431(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);
    char big[20000];

    (void)state;
    memset(big, 'x', sizeof big);
    peer_send(&peer, "GET / HTTP/1.1\r\nA: ");
    peer_send_bytes(&peer, big, sizeof big);
    peer_until_end(rig->loop, &peer);
    assert_non_null(strstr(peer.in, "HTTP/1.1 431 "));
    peer_close(&peer);
    rig_free(rig);
}

static void a_413_is_not_lost_while_the_body_still_comes(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);
    char big[65536];

    (void)state;
    memset(big, 'x', sizeof big);
    peer_send(&peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10000000\r\n\r\n");
    for (int i = 0; i < 40; i++) {
        peer_send_bytes(&peer, big, sizeof big);
        wg_loop_turn(rig->loop);
    }
    peer_until_end(rig->loop, &peer);
    assert_non_null(strstr(peer.in, "HTTP/1.1 413 "));
    assert_non_null(strstr(peer.in, "{\"error\":413}"));
    peer_close(&peer);
    rig_free(rig);
}

static void a_chunked_body_over_the_limit_is_413(void **state)
{
    struct wg_http_server_options options;
    struct rig *rig;
    struct peer peer;

    (void)state;
    wg_http_server_defaults(&options);
    options.body_limit_bytes = 10;
    rig = rig_new(&options);
    peer = peer_connect(rig->port);
    peer_send(&peer, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                     "A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n");
    peer_until_end(rig->loop, &peer);
    assert_non_null(strstr(peer.in, "HTTP/1.1 413 "));
    assert_non_null(strstr(peer.in, "Content-Length: 0\r\n"));
    peer_close(&peer);
    rig_free(rig);
}

static void says_continue_only_when_the_body_is_waited_for(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, EXPECTING);
    peer_until(rig->loop, &peer, "HTTP/1.1 100 Continue\r\n\r\n");
    peer_send(&peer, "hi");
    peer_until(rig->loop, &peer, "[POST /echo hi]");
    peer_forget(&peer);
    peer_send(&peer, EXPECTING "ho");
    peer_until(rig->loop, &peer, "[POST /echo ho]");
    assert_null(strstr(peer.in, "100 Continue"));
    peer_close(&peer);
    rig_free(rig);
}

static void says_continue_in_its_place_among_the_answers(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, HOLD EXPECTING);
    until_held(rig, 1);
    loop_some(rig->loop);
    peer_receive(&peer);
    assert_int_equal(peer.len, 0);
    rig_answer(rig->held[0], WG_STR("<held>"));
    peer_until(rig->loop, &peer, "100 Continue");
    assert_true(strstr(peer.in, "<held>") < strstr(peer.in, "100 Continue"));
    peer_send(&peer, "hi");
    peer_until(rig->loop, &peer, "[POST /echo hi]");
    peer_close(&peer);
    rig_free(rig);
}

static void answers_head_and_204_without_a_body(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, "HEAD /echo HTTP/1.1\r\n" HOST "\r\n"
                     "GET /nothing HTTP/1.1\r\n" HOST "\r\n" ECHO);
    peer_until(rig->loop, &peer, "[GET /echo ]");
    assert_null(strstr(peer.in, "[HEAD"));
    assert_non_null(strstr(peer.in, "Content-Length: 13\r\n\r\nHTTP/1.1 204 No Content\r\n"));
    assert_null(strstr(peer.in, "dropped"));
    assert_int_equal(peer_count(&peer, "Content-Length"), 2);
    peer_close(&peer);
    rig_free(rig);
}

static void a_header_that_would_break_the_answer_is_left_out(void **state)
{
    const struct wg_header headers[] = {{WG_STR("X-Bad"), WG_STR("a\r\nSet-Cookie: b")},
                                        {WG_STR("X Bad"), WG_STR("a")},
                                        {WG_STR("content-length"), WG_STR("1")},
                                        {WG_STR("X-Good"), WG_STR("yes")}};
    const struct wg_http_answer bad = {200, headers, WG_COUNT(headers), WG_STR("body"), false};
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, HOLD);
    until_held(rig, 1);
    wg_http_respond(rig->held[0], &bad);
    peer_until(rig->loop, &peer, "\r\n\r\nbody");
    assert_null(strstr(peer.in, "Bad"));
    assert_null(strstr(peer.in, "Set-Cookie"));
    assert_int_equal(peer_count(&peer, "ontent-"), 1);
    assert_non_null(strstr(peer.in, "X-Good: yes\r\n"));
    peer_close(&peer);
    rig_free(rig);
}

static void sends_an_answer_in_chunks(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);
    struct wg_err err;

    (void)state;
    peer_send(&peer, HOLD ECHO);
    until_held(rig, 1);
    rig_begin(rig, rig->held[0]);
    assert_int_equal(wg_http_respond_chunk(rig->held[0], WG_STR("one"), &err), WG_OK);
    peer_until(rig->loop, &peer, "\r\n\r\n3\r\none\r\n");
    assert_non_null(strstr(peer.in, "Transfer-Encoding: chunked\r\n"));
    loop_some(rig->loop);
    assert_true(rig->writable >= 1);
    assert_int_equal(wg_http_respond_chunk(rig->held[0], WG_STR(""), &err), WG_OK);
    assert_int_equal(wg_http_respond_chunk(rig->held[0], WG_STR("0123456789"), &err), WG_OK);
    wg_http_respond_end(rig->held[0]);
    peer_until(rig->loop, &peer, "a\r\n0123456789\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
    peer_until(rig->loop, &peer, "[GET /echo ]");
    peer_close(&peer);
    rig_free(rig);
}

static void chunks_for_http_1_0_end_with_the_connection(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);
    struct wg_err err;

    (void)state;
    peer_send(&peer, "GET /hold HTTP/1.0\r\n" HOST "\r\n");
    until_held(rig, 1);
    rig_begin(rig, rig->held[0]);
    assert_int_equal(wg_http_respond_chunk(rig->held[0], WG_STR("one"), &err), WG_OK);
    wg_http_respond_end(rig->held[0]);
    peer_until_end(rig->loop, &peer);
    assert_non_null(strstr(peer.in, "\r\n\r\none"));
    assert_null(strstr(peer.in, "chunked"));
    peer_close(&peer);
    rig_free(rig);
}

static void chunks_wait_for_a_slow_client_up_to_a_limit(void **state)
{
    static char piece[65536];
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);
    enum wg_code code = WG_OK;
    unsigned given = 0, writable;
    struct wg_err err;

    (void)state;
    peer_send(&peer, HOLD);
    until_held(rig, 1);
    rig_begin(rig, rig->held[0]);
    while (code == WG_OK && given < 1000) {
        code = wg_http_respond_chunk(rig->held[0], wg_str_of(piece, sizeof piece), &err);
        given += code == WG_OK;
    }
    assert_int_equal(code, WG_TOO_LARGE);
    loop_some(rig->loop);
    writable = rig->writable;
    peer_until_len(rig->loop, &peer, given * sizeof piece);
    loop_some(rig->loop);
    assert_true(rig->writable > writable);
    assert_int_equal(wg_http_respond_chunk(rig->held[0], WG_STR("more"), &err), WG_OK);
    peer_reset(&peer);
    until_gone(rig, 1);
    wg_http_respond_end(rig->held[0]);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_keeps_the_connection),
        cmocka_unit_test(reads_a_request_byte_by_byte),
        cmocka_unit_test(answers_pipelined_requests_in_their_order),
        cmocka_unit_test(holds_a_bounded_number_of_requests),
        cmocka_unit_test(a_refusal_comes_behind_the_answers_before_it),
        cmocka_unit_test(refuses_with_the_status_that_says_why),
        cmocka_unit_test(a_header_over_the_limit_is_431),
        cmocka_unit_test(a_413_is_not_lost_while_the_body_still_comes),
        cmocka_unit_test(a_chunked_body_over_the_limit_is_413),
        cmocka_unit_test(says_continue_only_when_the_body_is_waited_for),
        cmocka_unit_test(says_continue_in_its_place_among_the_answers),
        cmocka_unit_test(answers_head_and_204_without_a_body),
        cmocka_unit_test(a_header_that_would_break_the_answer_is_left_out),
        cmocka_unit_test(sends_an_answer_in_chunks),
        cmocka_unit_test(chunks_for_http_1_0_end_with_the_connection),
        cmocka_unit_test(chunks_wait_for_a_slow_client_up_to_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
