// SPDX-License-Identifier: Apache-2.0
/* How the server's connections are kept, timed and ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "server_rig.h"

enum { BIG_BYTES = 8 * 1024 * 1024 };

static int64_t now_ms(void)
{
    return wg_clock_mono_ms(wg_clock_system());
}

static void closes_where_the_connection_was_to_end(void **state)
{
    static const char *const requests[] = {
        "GET /echo HTTP/1.1\r\n" HOST "Connection: foo, Close\r\n\r\n" ECHO,
        "GET /echo HTTP/1.0\r\n" HOST "\r\n" ECHO,
        "GET /echo HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n" ECHO,
        "GET /close HTTP/1.1\r\n" HOST "\r\n" ECHO,
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(requests); i++) {
        struct rig *rig = rig_default();
        struct peer peer = peer_connect(rig->port);

        peer_send(&peer, requests[i]);
        peer_until_end(rig->loop, &peer);
        assert_int_equal(peer_count(&peer, "HTTP/1.1 200 OK"), 1);
        assert_int_equal(peer_count(&peer, "Connection: close\r\n"), 1);
        assert_int_equal(rig->requests, 1);
        peer_close(&peer);
        rig_free(rig);
    }
}

static void closes_after_the_limit_of_requests(void **state)
{
    struct wg_http_server_options options;
    struct rig *rig;
    struct peer peer;

    (void)state;
    wg_http_server_defaults(&options);
    options.requests_limit = 2;
    rig = rig_new(&options);
    peer = peer_connect(rig->port);
    peer_send(&peer, ECHO ECHO ECHO);
    peer_until_end(rig->loop, &peer);
    assert_int_equal(peer_count(&peer, "[GET /echo ]"), 2);
    assert_int_equal(peer_count(&peer, "Connection: close\r\n"), 1);
    peer_close(&peer);
    rig_free(rig);
}

static struct rig *rig_hasty(int64_t head_ms, int64_t body_ms, int64_t idle_ms)
{
    struct wg_http_server_options options;

    wg_http_server_defaults(&options);
    options.head_timeout_ms = head_ms;
    options.body_timeout_ms = body_ms;
    options.idle_timeout_ms = idle_ms;
    return rig_new(&options);
}

static void a_slow_header_is_408_counted_from_its_first_byte(void **state)
{
    struct rig *rig = rig_hasty(40, 10000, 10000);
    struct peer peer = peer_connect(rig->port);
    int64_t began_ms = now_ms();

    (void)state;
    peer_send(&peer, "GET / HTTP/1.1\r\nA: ");
    /* Drops that never stop do not move the deadline. */
    for (int64_t last_ms = 0; !rig->refused && last_ms < began_ms + 5000;) {
        if (now_ms() != last_ms)
            peer_send_bytes(&peer, "x", 1);
        last_ms = now_ms();
        wg_loop_turn(rig->loop);
    }
    peer_until_end(rig->loop, &peer);
    assert_non_null(strstr(peer.in, "HTTP/1.1 408 "));
    peer_close(&peer);
    rig_free(rig);
}

static void a_slow_body_is_408(void **state)
{
    struct rig *rig = rig_hasty(10000, 30, 10000);
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
    peer_until_end(rig->loop, &peer);
    assert_non_null(strstr(peer.in, "HTTP/1.1 408 "));
    assert_int_equal(rig->requests, 0);
    peer_close(&peer);
    rig_free(rig);
}

static void each_request_has_a_time_of_its_own(void **state)
{
    struct rig *rig = rig_hasty(60, 10000, 10000);
    struct peer peer = peer_connect(rig->port);
    int64_t began_ms = now_ms();

    (void)state;
    /* Every packet ends one request and begins the next, for longer than one may take. */
    peer_send(&peer, "GET ");
    while (now_ms() < began_ms + 150) {
        peer_send(&peer, "/echo HTTP/1.1\r\n" HOST "\r\nGET ");
        peer_until(rig->loop, &peer, "[GET /echo ]");
        peer_forget(&peer);
    }
    assert_int_equal(rig->refused, 0);
    peer_close(&peer);
    rig_free(rig);
}

static void an_idle_connection_ends_without_a_word(void **state)
{
    struct rig *rig = rig_hasty(10000, 10000, 30);
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, ECHO);
    peer_until_end(rig->loop, &peer);
    assert_int_equal(peer_count(&peer, "HTTP/1.1 "), 1);
    peer_close(&peer);
    rig_free(rig);
}

static void a_connection_that_never_speaks_is_idle(void **state)
{
    struct rig *rig = rig_hasty(10000, 10000, 30);
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_until_end(rig->loop, &peer);
    assert_int_equal(peer.len, 0);
    peer_close(&peer);
    rig_free(rig);
}

static void a_handler_may_take_longer_than_any_of_these(void **state)
{
    struct rig *rig = rig_hasty(10, 10, 10);
    struct peer peer = peer_connect(rig->port);
    int64_t began_ms = now_ms();

    (void)state;
    peer_send(&peer, HOLD);
    until_held(rig, 1);
    while (now_ms() < began_ms + 60)
        wg_loop_turn(rig->loop);
    assert_int_equal(rig->gone, 0);
    rig_answer(rig->held[0], WG_STR("<late>"));
    peer_until(rig->loop, &peer, "<late>");
    peer_close(&peer);
    rig_free(rig);
}

static void a_client_that_does_not_read_is_dropped(void **state)
{
    struct rig *rig = rig_hasty(10000, 40, 10000);
    struct peer peer = peer_connect_slow(rig->port);
    char *big = wg_alloc(BIG_BYTES);

    (void)state;
    peer_send(&peer, HOLD);
    until_held(rig, 1);
    rig_answer(rig->held[0], wg_str_of(big, BIG_BYTES));
    until_connections(rig, 0);
    wg_free(big);
    peer_close(&peer);
    rig_free(rig);
}

static void stops_reading_while_answers_wait_to_be_sent(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);
    char *big = wg_alloc(BIG_BYTES);

    (void)state;
    memset(big, 'x', BIG_BYTES);
    peer_send(&peer, HOLD);
    until_held(rig, 1);
    rig_answer(rig->held[0], wg_str_of(big, BIG_BYTES));
    peer_send(&peer, ECHO);
    loop_some(rig->loop);
    assert_int_equal(rig->requests, 1);
    peer_until_len(rig->loop, &peer, BIG_BYTES);
    peer_forget(&peer);
    peer_until(rig->loop, &peer, "[GET /echo ]");
    assert_int_equal(rig->requests, 2);
    wg_free(big);
    peer_close(&peer);
    rig_free(rig);
}

static void the_last_answer_has_all_the_time_a_slow_client_needs(void **state)
{
    struct rig *rig = rig_hasty(10, 10000, 10);
    struct peer peer = peer_connect(rig->port);
    char *big = wg_alloc(BIG_BYTES);
    int64_t began_ms = now_ms();

    (void)state;
    peer_send(&peer, "GET /hold HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    until_held(rig, 1);
    rig_answer(rig->held[0], wg_str_of(big, BIG_BYTES));
    while (now_ms() < began_ms + 50)
        wg_loop_turn(rig->loop);
    assert_int_equal(wg_http_server_connections(rig->server), 1);
    peer_until_end(rig->loop, &peer);
    assert_true(peer.len > BIG_BYTES);
    wg_free(big);
    peer_close(&peer);
    rig_free(rig);
}

static void says_when_the_client_went_away(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, HOLD HOLD);
    until_held(rig, 2);
    peer_reset(&peer);
    until_connections(rig, 0);
    assert_int_equal(rig->gone, 2);
    rig_answer(rig->held[1], WG_STR("nobody"));
    rig_answer(rig->held[0], WG_STR("nobody"));
    rig_free(rig);
}

static void a_client_that_ended_its_side_still_gets_its_answer(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, HOLD);
    peer_end(&peer);
    until_held(rig, 1);
    loop_some(rig->loop);
    rig_answer(rig->held[0], WG_STR("<late>"));
    peer_until_end(rig->loop, &peer);
    assert_non_null(strstr(peer.in, "<late>"));
    assert_int_equal(rig->gone, 0);
    peer_close(&peer);
    rig_free(rig);
}

static void an_end_inside_a_request_is_refused(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
    peer_end(&peer);
    peer_until_end(rig->loop, &peer);
    assert_non_null(strstr(peer.in, "HTTP/1.1 400 "));
    assert_int_equal(rig->requests, 0);
    peer_close(&peer);
    rig_free(rig);
}

static void a_stream_of_events_is_over_when_the_client_ends(void **state)
{
    (void)state;
    for (int ends_first = 0; ends_first < 2; ends_first++) {
        struct rig *rig = rig_default();
        struct peer peer = peer_connect(rig->port);

        peer_send(&peer, HOLD);
        until_held(rig, 1);
        if (ends_first) {
            peer_end(&peer);
            loop_some(rig->loop);
        }
        rig_begin(rig, rig->held[0]);
        assert_int_equal(rig->gone, 0);
        if (!ends_first)
            peer_end(&peer);
        until_gone(rig, 1);
        wg_http_respond_end(rig->held[0]);
        peer_close(&peer);
        rig_free(rig);
    }
}

static void draining_ends_idle_connections_and_lets_busy_ones_answer(void **state)
{
    struct rig *rig = rig_default();
    struct peer idle = peer_connect(rig->port), busy = peer_connect(rig->port);

    (void)state;
    peer_send(&idle, ECHO);
    peer_until(rig->loop, &idle, "[GET /echo ]");
    peer_send(&busy, HOLD);
    until_held(rig, 1);
    rig_drain(rig);
    peer_until_end(rig->loop, &idle);
    peer_close(&idle);
    until_connections(rig, 1);
    assert_false(rig->is_drained);
    rig_answer(rig->held[0], WG_STR("<held>"));
    peer_until_end(rig->loop, &busy);
    assert_non_null(strstr(busy.in, "Connection: close\r\n\r\n<held>"));
    peer_close(&busy);
    until_drained(rig);
    rig_free(rig);
}

static void draining_lets_a_half_read_request_be_answered(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nh");
    loop_some(rig->loop);
    rig_drain(rig);
    loop_some(rig->loop);
    peer_send(&peer, "i");
    peer_until_end(rig->loop, &peer);
    assert_non_null(strstr(peer.in, "Connection: close\r\n\r\n[POST /echo hi]"));
    peer_close(&peer);
    until_drained(rig);
    rig_free(rig);
}

static void draining_without_connections_is_done_at_once_from_the_loop(void **state)
{
    struct rig *rig = rig_default();

    (void)state;
    rig_drain(rig);
    assert_false(rig->is_drained);
    until_drained(rig);
    rig_free(rig);
}

static void aborting_closes_what_drains_too_long(void **state)
{
    struct rig *rig = rig_default();
    struct peer peer = peer_connect(rig->port);

    (void)state;
    peer_send(&peer, HOLD);
    until_held(rig, 1);
    rig_drain(rig);
    wg_http_server_abort(rig->server);
    assert_int_equal(rig->gone, 0);
    until_drained(rig);
    assert_int_equal(rig->gone, 1);
    rig_answer(rig->held[0], WG_STR("nobody"));
    peer_close(&peer);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_where_the_connection_was_to_end),
        cmocka_unit_test(closes_after_the_limit_of_requests),
        cmocka_unit_test(a_slow_header_is_408_counted_from_its_first_byte),
        cmocka_unit_test(a_slow_body_is_408),
        cmocka_unit_test(each_request_has_a_time_of_its_own),
        cmocka_unit_test(an_idle_connection_ends_without_a_word),
        cmocka_unit_test(a_connection_that_never_speaks_is_idle),
        cmocka_unit_test(a_handler_may_take_longer_than_any_of_these),
        cmocka_unit_test(a_client_that_does_not_read_is_dropped),
        cmocka_unit_test(stops_reading_while_answers_wait_to_be_sent),
        cmocka_unit_test(the_last_answer_has_all_the_time_a_slow_client_needs),
        cmocka_unit_test(says_when_the_client_went_away),
        cmocka_unit_test(a_client_that_ended_its_side_still_gets_its_answer),
        cmocka_unit_test(an_end_inside_a_request_is_refused),
        cmocka_unit_test(a_stream_of_events_is_over_when_the_client_ends),
        cmocka_unit_test(draining_ends_idle_connections_and_lets_busy_ones_answer),
        cmocka_unit_test(draining_lets_a_half_read_request_be_answered),
        cmocka_unit_test(draining_without_connections_is_done_at_once_from_the_loop),
        cmocka_unit_test(aborting_closes_what_drains_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
