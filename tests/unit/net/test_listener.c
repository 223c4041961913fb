// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <unistd.h>

#include "net/counter_impl.h"
#include "net_kit.h"

static void listens_where_it_is_told_and_says_where(void **state)
{
    static const struct {
        const char *why, *address, *text;
    } cases[] = {
        {"a free port", "127.0.0.1:0", NULL},
        {"no port", "127.0.0.1", "write ip:port or [ip6]:port"},
        {"a name", "localhost:80", "write ip:port or [ip6]:port"},
        {"IPv6 without brackets", "::1:80", "write ip:port or [ip6]:port"},
        {"brackets around IPv4", "[127.0.0.1]:80", "write ip:port or [ip6]:port"},
        {"no such port", "127.0.0.1:65536", "write ip:port or [ip6]:port"},
        {"empty", "", "write ip:port or [ip6]:port"},
        {"only a colon", ":", "write ip:port or [ip6]:port"},
        {"only brackets", "[]:1", "write ip:port or [ip6]:port"},
        {"an address of nobody here", "192.0.2.1:0", "this machine has no such address"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        char address[WG_SOCKET_TEXT];
        struct wg_err err = {0};
        int fd = -1;

        if (cases[i].text) {
            assert_int_equal(wg_socket_listen(cases[i].address, &fd, address, &err), WG_CONFIG);
            if (!strstr(err.text, cases[i].text))
                fail_msg("%s: '%s'", cases[i].why, err.text);
            assert_int_equal(fd, -1);
            continue;
        }
        assert_int_equal(wg_socket_listen(cases[i].address, &fd, address, &err), WG_OK);
        assert_string_not_equal(address, cases[i].address);
        assert_memory_equal(address, "127.0.0.1:", 10);
        close(fd);
    }
}

static void several_workers_share_an_address(void **state)
{
    char address[WG_SOCKET_TEXT], again[WG_SOCKET_TEXT];
    struct wg_err err;
    int first, second;

    (void)state;
    assert_int_equal(wg_socket_listen("127.0.0.1:0", &first, address, &err), WG_OK);
    assert_int_equal(wg_socket_listen(address, &second, again, &err), WG_OK);
    assert_string_equal(address, again);
    close(first);
    close(second);
}

static struct wg_ip ip_of(const char *text)
{
    struct wg_err err;
    struct wg_ip ip;

    assert_int_equal(wg_ip_parse(wg_str(text), &ip, &err), WG_OK);
    return ip;
}

static void counts_connections_by_address_and_by_ipv6_network(void **state)
{
    static const struct {
        const char *why, *ip;
        bool has_room;
    } cases[] = {
        {"first", "192.0.2.1", true},
        {"second", "192.0.2.1", true},
        {"third of two", "192.0.2.1", false},
        {"another's first", "192.0.2.2", true},
        {"first of a network", "2001:db8:1:2::1", true},
        {"second of a network", "2001:db8:1:2:ffff::2", true},
        {"third of a network", "2001:db8:1:2::3", false},
        {"another network", "2001:db8:1:3::1", true},
    };
    struct wg_connection_counter *counter = wg_connection_counter_new(2);

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_ip ip = ip_of(cases[i].ip);

        if (wg_connection_counter_take(counter, &ip) != cases[i].has_room)
            fail_msg("%s", cases[i].why);
    }
    /* The owner may leave first. */
    wg_connection_counter_free(counter);
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_ip ip = ip_of(cases[i].ip);

        if (cases[i].has_room)
            wg_connection_counter_give(counter, &ip);
    }
}

static void refuses_connections_past_the_limit_until_one_ends(void **state)
{
    struct wg_connection_counter *counter = wg_connection_counter_new(2);
    struct wg_listener_options options = {.counter = counter};
    struct tap a, b, c, d, *guest;
    struct net_kit kit;

    (void)state;
    net_kit_open_with(&kit, false, &options);
    tap_open(&a, net_kit_connect(&kit, &guest));
    tap_open(&b, net_kit_connect(&kit, &guest));
    tap_open(&c, net_kit_dial(&kit, "a.example.test"));
    net_kit_until(&kit, &c.ends, 1);
    assert_int_equal(kit.guest_count, 2);
    assert_int_equal(wg_listener_counts(kit.listener).refused_by_limit, 1);
    assert_int_equal(wg_listener_counts(kit.listener).accepted, 2);
    wg_stream_close(guest->stream);
    net_kit_until(&kit, &guest->closes, 1);
    tap_open(&d, net_kit_connect(&kit, &guest));
    assert_int_equal(kit.guest_count, 3);
    wg_connection_counter_free(counter);
    wg_stream_close(a.stream);
    wg_stream_close(b.stream);
    wg_stream_close(c.stream);
    wg_stream_close(d.stream);
    net_kit_close(&kit);
    tap_done(&a);
    tap_done(&b);
    tap_done(&c);
    tap_done(&d);
}

/** A connection that says nothing of TLS. */
static void dial_silent(struct net_kit *kit, struct tap *tap)
{
    struct wg_stream *stream = net_kit_dial_target(
        kit, &(struct wg_dial_target){.host = WG_STR("a.example.test"), .port = kit->port});

    assert_non_null(stream);
    tap_open(tap, stream);
}

static void ends_handshakes_that_take_too_long(void **state)
{
    struct wg_listener_options options = {.handshake_timeout_ms = 10};
    struct net_kit kit;
    struct tap silent;

    (void)state;
    net_kit_open_with(&kit, true, &options);
    dial_silent(&kit, &silent);
    net_kit_until(&kit, &silent.ends, 1);
    assert_int_equal(wg_listener_counts(kit.listener).handshakes_failed, 1);
    assert_int_equal(kit.guest_count, 0);
    wg_stream_close(silent.stream);
    net_kit_close(&kit);
    tap_done(&silent);
}

static void limits_handshakes_under_way(void **state)
{
    struct wg_listener_options options = {.handshakes_limit = 2};
    struct tap a, b, c;
    struct net_kit kit;

    (void)state;
    net_kit_open_with(&kit, true, &options);
    dial_silent(&kit, &a);
    dial_silent(&kit, &b);
    dial_silent(&kit, &c);
    net_kit_until(&kit, &c.ends, 1);
    assert_int_equal(a.ends + b.ends, 0);
    assert_int_equal(wg_listener_counts(kit.listener).refused_by_limit, 1);
    wg_stream_close(a.stream);
    wg_stream_close(b.stream);
    wg_stream_close(c.stream);
    net_kit_close(&kit);
    tap_done(&a);
    tap_done(&b);
    tap_done(&c);
}

static void closing_ends_handshakes_but_not_streams_handed_out(void **state)
{
    struct tap silent, client, *guest;
    struct net_kit kit;
    struct wg_err err;

    (void)state;
    net_kit_open(&kit, true);
    tap_open(&client, net_kit_connect(&kit, &guest));
    dial_silent(&kit, &silent);
    for (int i = 0; i < 10; i++)
        wg_loop_turn(kit.loop);
    wg_listener_close(kit.listener);
    kit.listener = NULL;
    net_kit_until(&kit, &silent.ends, 1);
    assert_int_equal(wg_stream_write(client.stream, "hello", 5, &err), WG_OK);
    net_kit_until(&kit, &guest->reads, 1);
    assert_int_equal(client.ends, 0);
    wg_stream_close(silent.stream);
    wg_stream_close(client.stream);
    net_kit_close(&kit);
    tap_done(&silent);
    tap_done(&client);
}

static void survives_bytes_that_are_no_handshake(void **state)
{
    static const struct {
        const char *why, *bytes;
        size_t len;
    } cases[] = {
        {"HTTP", "GET / HTTP/1.1\r\n\r\n", 18},
        {"a record of no known type", "\xff\x03\x01\x00\x01x", 6},
        {"a ClientHello that ends early", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10},
        {"a record that is too long", "\x16\x03\x01\xff\xff", 5},
        {"an alert", "\x15\x03\x01\x00\x02\x02\x28", 7},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct net_kit kit;
        struct wg_err err;
        struct tap tap;

        net_kit_open(&kit, true);
        dial_silent(&kit, &tap);
        assert_int_equal(wg_stream_write(tap.stream, cases[i].bytes, cases[i].len, &err),
                         WG_OK);
        net_kit_until(&kit, &tap.ends, 1);
        assert_int_equal(wg_listener_counts(kit.listener).handshakes_failed, 1);
        wg_stream_close(tap.stream);
        net_kit_close(&kit);
        tap_done(&tap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listens_where_it_is_told_and_says_where),
        cmocka_unit_test(several_workers_share_an_address),
        cmocka_unit_test(counts_connections_by_address_and_by_ipv6_network),
        cmocka_unit_test(refuses_connections_past_the_limit_until_one_ends),
        cmocka_unit_test(ends_handshakes_that_take_too_long),
        cmocka_unit_test(limits_handshakes_under_way),
        cmocka_unit_test(closing_ends_handshakes_but_not_streams_handed_out),
        cmocka_unit_test(survives_bytes_that_are_no_handshake),
    };

    return cmocka_run_group_tests(tests, net_kit_setup_group, net_kit_teardown_group);
}
