// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/alloc.h"
#include "net_kit.h"

/* Every test here runs twice: *state says whether TLS stands between. */
struct fixture {
    struct net_kit kit;
    struct tap client, *server;
};

static void open_pair(struct fixture *f, void **state)
{
    net_kit_open(&f->kit, *(const bool *)*state);
    tap_open(&f->client, net_kit_connect(&f->kit, &f->server));
}

static void close_pair(struct fixture *f)
{
    if (f->client.stream)
        wg_stream_close(f->client.stream);
    net_kit_close(&f->kit);
    tap_done(&f->client);
}

static void write_text(struct tap *tap, const char *text)
{
    struct wg_err err;

    assert_int_equal(wg_stream_write(tap->stream, text, strlen(text), &err), WG_OK);
}

static void carries_bytes_both_ways(void **state)
{
    struct fixture f;

    open_pair(&f, state);
    write_text(&f.client, "ping");
    net_kit_until(&f.kit, &f.server->reads, 1);
    write_text(f.server, "pong");
    net_kit_until(&f.kit, &f.client.reads, 1);
    assert_string_equal(f.server->got.at, "ping");
    assert_string_equal(f.client.got.at, "pong");
    assert_int_equal(f.client.writables, 1);
    close_pair(&f);
}

static void tells_who_is_there(void **state)
{
    const struct wg_stream_info *info;
    struct fixture f;
    char ip[WG_IP_TEXT];

    open_pair(&f, state);
    info = wg_stream_info(f.client.stream);
    wg_ip_write(&info->remote_ip, ip);
    assert_string_equal(ip, "127.0.0.1");
    assert_int_equal(info->remote_port, f.kit.port);
    assert_int_equal(info->is_tls, f.kit.is_tls);
    if (f.kit.is_tls) {
        assert_string_equal(info->tls_version, "TLSv1.3");
        assert_string_equal(info->tls_cipher, "TLS1-3-AES-128-GCM-SHA256");
        assert_int_equal(info->certificate_until_s, 2524607999);
        info = wg_stream_info(f.server->stream);
        assert_true(wg_str_is(info->server_name, "a.example.test"));
    } else {
        assert_null(info->tls_version);
    }
    close_pair(&f);
}

static void finish_sends_what_is_queued_and_ends_cleanly(void **state)
{
    enum { LEN = 900 * 1024 };
    char *data = wg_alloc(LEN);
    struct wg_err err;
    struct fixture f;

    memset(data, 'x', LEN);
    open_pair(&f, state);
    assert_int_equal(wg_stream_write(f.client.stream, data, LEN, &err), WG_OK);
    wg_stream_finish(f.client.stream);
    assert_int_equal(wg_stream_write(f.client.stream, "late", 4, &err), WG_OK);
    net_kit_until(&f.kit, &f.server->ends, 1);
    assert_int_equal(f.server->end.code, WG_OK);
    assert_int_equal(f.server->got.len, LEN);
    assert_int_equal(f.client.closes, 0);
    wg_stream_close(f.server->stream);
    net_kit_until(&f.kit, &f.client.closes, 1);
    assert_int_equal(f.client.ends, 0);
    wg_free(data);
    close_pair(&f);
}

static void answers_a_peer_that_has_ended_its_side(void **state)
{
    struct fixture f;

    open_pair(&f, state);
    write_text(&f.client, "question");
    wg_stream_finish(f.client.stream);
    net_kit_until(&f.kit, &f.server->ends, 1);
    write_text(f.server, "answer");
    wg_stream_finish(f.server->stream);
    net_kit_until(&f.kit, &f.server->closes, 1);
    net_kit_until(&f.kit, &f.client.closes, 1);
    close_pair(&f);
}

static void slow_down(struct tap *tap, const char *data, size_t len)
{
    bool *is_full = tap->owner;

    wg_buf_add(&tap->got, data, len);
    wg_stream_pause(tap->stream);
    *is_full = true;
}

static void waits_with_a_reader_that_pauses(void **state)
{
    enum { TOTAL = 12 * 1024 * 1024, CHUNK = 100 * 1000 };
    char *chunk = wg_alloc(CHUNK);
    bool is_full = false;
    size_t given = 0;
    struct wg_err err;
    struct fixture f;

    open_pair(&f, state);
    f.server->on_read = slow_down;
    f.server->owner = &is_full;
    while (f.server->got.len < TOTAL) {
        while (given < TOTAL) {
            size_t len = TOTAL - given < CHUNK ? TOTAL - given : CHUNK;

            for (size_t i = 0; i < len; i++)
                chunk[i] = (char)((given + i) * 31 >> 5);
            if (wg_stream_write(f.client.stream, chunk, len, &err) != WG_OK) {
                assert_int_equal(err.code, WG_TOO_LARGE);
                assert_in_range(wg_stream_unsent(f.client.stream), 1024 * 1024,
                                1024 * 1024 + 2 * CHUNK);
                break;
            }
            given += len;
        }
        net_kit_until_true(&f.kit, &is_full);
        is_full = false;
        wg_stream_resume(f.server->stream);
    }
    for (size_t i = 0; i < TOTAL; i++) {
        if (f.server->got.at[i] != (char)(i * 31 >> 5))
            fail_msg("byte %zu differs", i);
    }
    assert_in_range(f.client.writables, 1, 1000000);
    wg_free(chunk);
    close_pair(&f);
}

static void hears_nothing_while_paused(void **state)
{
    struct fixture f;
    int writables;

    open_pair(&f, state);
    wg_stream_pause(f.server->stream);
    write_text(&f.client, "unheard");
    net_kit_until(&f.kit, &f.client.writables, 1);
    for (int i = 0; i < 10; i++)
        wg_loop_turn(f.kit.loop);
    assert_int_equal(f.server->reads, 0);
    writables = f.client.writables;
    wg_stream_resume(f.server->stream);
    net_kit_until(&f.kit, &f.server->reads, 1);
    assert_string_equal(f.server->got.at, "unheard");
    assert_int_equal(f.client.writables, writables);
    close_pair(&f);
}

static void close_it(struct tap *tap, const char *data, size_t len)
{
    (void)data;
    (void)len;
    wg_stream_close(tap->stream);
    wg_stream_close(tap->stream);
}

static void may_be_closed_from_within_on_read(void **state)
{
    struct fixture f;

    open_pair(&f, state);
    f.server->on_read = close_it;
    write_text(&f.client, "one");
    write_text(&f.client, "two");
    net_kit_until(&f.kit, &f.server->closes, 1);
    assert_int_equal(f.server->reads, 1);
    assert_int_equal(f.server->ends, 0);
    net_kit_until(&f.kit, &f.client.ends, 1);
    if (f.kit.is_tls)
        assert_int_equal(f.client.end.code, WG_CLOSED);
    close_pair(&f);
}

static void finish_it(struct tap *tap, const char *data, size_t len)
{
    (void)data;
    (void)len;
    write_text(tap, "enough");
    wg_stream_finish(tap->stream);
}

static void last_word_reaches_a_peer_that_is_still_talking(void **state)
{
    enum { LEN = 1000 * 1000 };
    char *data = wg_alloc(LEN);
    struct wg_err err;
    struct fixture f;

    open_pair(&f, state);
    f.server->on_read = finish_it;
    assert_int_equal(wg_stream_write(f.client.stream, data, LEN, &err), WG_OK);
    assert_int_equal(wg_stream_write(f.client.stream, data, LEN, &err), WG_OK);
    net_kit_until(&f.kit, &f.client.ends, 1);
    assert_int_equal(f.client.end.code, WG_OK);
    assert_string_equal(f.client.got.at, "enough");
    wg_free(data);
    close_pair(&f);
}

static void a_cut_is_told_from_an_end(void **state)
{
    struct fixture f;

    open_pair(&f, state);
    /* What the client has not read would turn its close into a reset: first TLS's tickets. */
    write_text(f.server, "hello");
    net_kit_until(&f.kit, &f.client.reads, 1);
    wg_stream_close(f.client.stream);
    net_kit_until(&f.kit, &f.server->ends, 1);
    assert_int_equal(f.server->end.code, f.kit.is_tls ? WG_CLOSED : WG_OK);
    assert_string_equal(f.server->end.text, f.kit.is_tls ? "ended without close_notify" : "");
    close_pair(&f);
}

static void writing_to_a_peer_that_has_gone_is_told_in_on_end(void **state)
{
    char data[10000] = {0};
    struct wg_err err;
    struct fixture f;

    open_pair(&f, state);
    wg_stream_pause(f.server->stream);
    write_text(f.server, "this makes it a reset");
    net_kit_until(&f.kit, &f.server->writables, 1);
    wg_stream_close(f.client.stream);
    net_kit_until(&f.kit, &f.client.closes, 1);
    for (int i = 0; i < 100 && !f.server->ends; i++) {
        assert_int_equal(wg_stream_write(f.server->stream, data, sizeof data, &err), WG_OK);
        wg_loop_turn(f.kit.loop);
    }
    net_kit_until(&f.kit, &f.server->ends, 1);
    assert_int_equal(f.server->end.code, WG_CLOSED);
    assert_int_equal(wg_stream_unsent(f.server->stream), 0);
    wg_stream_finish(f.server->stream);
    net_kit_until(&f.kit, &f.server->closes, 1);
    close_pair(&f);
}

static void keeps_what_came_before_somebody_listens(void **state)
{
    struct wg_stream *stream;
    struct fixture f;

    memset(&f, 0, sizeof f);
    net_kit_open(&f.kit, *(const bool *)*state);
    stream = net_kit_connect(&f.kit, &f.server);
    write_text(f.server, "welcome");
    net_kit_until(&f.kit, &f.server->writables, 1);
    for (int i = 0; i < 10; i++)
        wg_loop_turn(f.kit.loop);
    tap_open(&f.client, stream);
    net_kit_until(&f.kit, &f.client.reads, 1);
    assert_string_equal(f.client.got.at, "welcome");
    close_pair(&f);
}

int main(void)
{
    static bool plain = false, tls = true;
#define BOTH(test)                                \
    {#test " (plain)", test, NULL, NULL, &plain}, \
    {                                             \
#test " (TLS)", test, NULL, NULL, &tls    \
    }
    const struct CMUnitTest tests[] = {
        BOTH(carries_bytes_both_ways),
        BOTH(tells_who_is_there),
        BOTH(finish_sends_what_is_queued_and_ends_cleanly),
        BOTH(answers_a_peer_that_has_ended_its_side),
        BOTH(waits_with_a_reader_that_pauses),
        BOTH(hears_nothing_while_paused),
        BOTH(may_be_closed_from_within_on_read),
        BOTH(last_word_reaches_a_peer_that_is_still_talking),
        BOTH(a_cut_is_told_from_an_end),
        BOTH(writing_to_a_peer_that_has_gone_is_told_in_on_end),
        BOTH(keeps_what_came_before_somebody_listens),
    };

    return cmocka_run_group_tests(tests, net_kit_setup_group, net_kit_teardown_group);
}
