// SPDX-License-Identifier: Apache-2.0
#include "net_kit.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct tls_kit net_kit_tls;

int net_kit_setup_group(void **state)
{
    (void)state;
    tls_kit_open(&net_kit_tls);
    return 0;
}

int net_kit_teardown_group(void **state)
{
    (void)state;
    tls_kit_close(&net_kit_tls);
    return 0;
}

static void on_read(void *owner, const char *data, size_t len)
{
    struct tap *tap = owner;

    tap->reads++;
    if (tap->on_read)
        tap->on_read(tap, data, len);
    else
        wg_buf_add(&tap->got, data, len);
}

static void on_end(void *owner, const struct wg_err *err)
{
    struct tap *tap = owner;

    assert_int_equal(tap->ends, 0);
    tap->ends++;
    tap->end = *err;
}

static void on_writable(void *owner)
{
    struct tap *tap = owner;

    tap->writables++;
}

static void on_closed(void *owner)
{
    struct tap *tap = owner;

    assert_int_equal(tap->closes, 0);
    tap->closes++;
    tap->stream = NULL;
}

void tap_open(struct tap *tap, struct wg_stream *stream)
{
    static const struct wg_stream_events events = {on_read, on_end, on_writable, on_closed};

    memset(tap, 0, sizeof *tap);
    tap->stream = stream;
    wg_buf_init(&tap->got, 64 * 1024 * 1024);
    wg_stream_listen(stream, &events, tap);
}

void tap_done(struct tap *tap)
{
    assert_null(tap->stream);
    assert_int_equal(tap->closes, 1);
    wg_buf_done(&tap->got);
}

static void on_accept(void *owner, struct wg_stream *stream)
{
    struct net_kit *kit = owner;
    struct wg_err err;

    assert_in_range(kit->guest_count, 0, NET_KIT_GUESTS - 1);
    tap_open(&kit->guests[kit->guest_count++], stream);
    if (kit->guest_says &&
        wg_stream_write(stream, kit->guest_says, strlen(kit->guest_says), &err) != WG_OK)
        fail_msg("%s", err.text);
}

void net_kit_set_certificate(struct net_kit *kit, const char *stem,
                             const struct tls_kit_leaf *leaf)
{
    char certificate[TLS_KIT_PATH], key[TLS_KIT_PATH];
    struct wg_err err = {0};

    tls_kit_issue(&net_kit_tls, stem, leaf, certificate, key);
    if (wg_tls_server_set(kit->tls_server, wg_str(stem), certificate, key, &err) != WG_OK)
        fail_msg("%s", err.text);
}

static void open_server(struct net_kit *kit)
{
    const struct tls_kit_leaf a = {.dns_name = "a.example.test"};
    const struct tls_kit_leaf b = {.dns_name = "b.example.test",
                                   .dns_name_too = "*.b.example.test"};
    struct wg_err err;

    assert_int_equal(wg_tls_server_new(&kit->tls_server, &err), WG_OK);
    net_kit_set_certificate(kit, "a.example.test", &a);
    net_kit_set_certificate(kit, "b.example.test", &b);
}

static void open_dialer(struct net_kit *kit)
{
    static const char *const names[] = {"a.example.test", "b.example.test", "c.example.test",
                                        "B.Example.Test"};
    struct wg_resolve_entry table[WG_COUNT(names) + 1] = {0};
    struct wg_cidr loopback;
    struct wg_dialer_options options = {
        .tls = kit->tls_client, .resolve = table, .allowed = &loopback, .allowed_count = 1};
    struct wg_err err;

    for (size_t i = 0; i < WG_COUNT(names); i++)
        table[i] = (struct wg_resolve_entry){names[i], kit->address};
    assert_int_equal(wg_cidr_parse(WG_STR("127.0.0.0/8"), &loopback, &err), WG_OK);
    kit->dialer = wg_dialer_new(kit->loop, &options);
}

static void open_listener(struct net_kit *kit, const struct wg_listener_options *options)
{
    struct wg_listener_options with = *options;
    struct wg_err err;

    assert_int_equal(wg_socket_listen("127.0.0.1:0", &with.fd, kit->address, &err), WG_OK);
    kit->port = (uint16_t)atoi(strrchr(kit->address, ':') + 1);
    assert_int_equal(wg_listener_open(kit->loop, &with, on_accept, kit, &kit->listener, &err),
                     WG_OK);
}

void net_kit_open_with(struct net_kit *kit, bool is_tls,
                       const struct wg_listener_options *options)
{
    struct wg_listener_options with = *options;
    struct wg_err err;

    memset(kit, 0, sizeof *kit);
    kit->is_tls = is_tls;
    assert_int_equal(wg_loop_new(wg_clock_system(), &kit->loop, &err), WG_OK);
    if (is_tls) {
        open_server(kit);
        assert_int_equal(wg_tls_client_new(net_kit_tls.authority_file, &kit->tls_client, &err),
                         WG_OK);
    }
    with.tls = kit->tls_server;
    open_listener(kit, &with);
    open_dialer(kit);
}

void net_kit_replace_client(struct net_kit *kit, const char *trust_anchors)
{
    struct wg_err err;

    wg_tls_client_free(kit->tls_client);
    assert_int_equal(wg_tls_client_new(trust_anchors, &kit->tls_client, &err), WG_OK);
    wg_dialer_free(kit->dialer);
    open_dialer(kit);
}

void net_kit_replace_listener(struct net_kit *kit, bool is_tls)
{
    int port = kit->port;

    wg_listener_close(kit->listener);
    open_listener(kit, &(struct wg_listener_options){.tls = is_tls ? kit->tls_server : NULL});
    wg_dialer_free(kit->dialer);
    open_dialer(kit);
    /* Sessions are kept under the port dialed, and the fixed address leads to the new one. */
    kit->port = (uint16_t)port;
}

void net_kit_replace_server(struct net_kit *kit)
{
    wg_tls_server_free(kit->tls_server);
    open_server(kit);
    net_kit_replace_listener(kit, true);
}

void net_kit_open(struct net_kit *kit, bool is_tls)
{
    net_kit_open_with(kit, is_tls, &(struct wg_listener_options){0});
}

void net_kit_close(struct net_kit *kit)
{
    for (int i = 0; i < kit->guest_count; i++) {
        if (kit->guests[i].stream)
            wg_stream_close(kit->guests[i].stream);
    }
    wg_listener_close(kit->listener);
    wg_dialer_free(kit->dialer);
    wg_loop_stop(kit->loop);
    wg_loop_run(kit->loop);
    for (int i = 0; i < kit->guest_count; i++)
        tap_done(&kit->guests[i]);
    wg_tls_server_free(kit->tls_server);
    wg_tls_client_free(kit->tls_client);
    wg_loop_free(kit->loop);
}

static void on_too_late(void *owner)
{
    *(bool *)owner = true;
}

void net_kit_until(struct net_kit *kit, const int *flag, int value)
{
    bool is_too_late = false;
    struct wg_timer *timer = wg_timer_new(kit->loop, on_too_late, &is_too_late);

    wg_timer_start(timer, 20000);
    while (*flag != value && !is_too_late)
        uv_run(wg_loop_uv(kit->loop), UV_RUN_ONCE);
    wg_timer_free(timer);
    assert_int_equal(*flag, value);
}

void net_kit_until_true(struct net_kit *kit, const bool *flag)
{
    bool is_too_late = false;
    struct wg_timer *timer = wg_timer_new(kit->loop, on_too_late, &is_too_late);

    wg_timer_start(timer, 20000);
    while (!*flag && !is_too_late)
        uv_run(wg_loop_uv(kit->loop), UV_RUN_ONCE);
    wg_timer_free(timer);
    assert_true(*flag);
}

void net_kit_on_dialed(void *owner, struct wg_stream *stream, const struct wg_err *err)
{
    struct net_kit *kit = owner;

    assert_false(kit->is_dialed);
    kit->is_dialed = true;
    kit->dialed = stream;
    if (err)
        kit->err = *err;
}

struct wg_stream *net_kit_dial_target(struct net_kit *kit, const struct wg_dial_target *target)
{
    kit->is_dialed = false;
    kit->dialed = NULL;
    kit->err = (struct wg_err){0};
    wg_dial(kit->dialer, target, net_kit_on_dialed, kit);
    assert_false(kit->is_dialed);
    net_kit_until_true(kit, &kit->is_dialed);
    return kit->dialed;
}

struct wg_stream *net_kit_dial(struct net_kit *kit, const char *host)
{
    return net_kit_dial_target(kit, &(struct wg_dial_target){.host = wg_str(host),
                                                             .port = kit->port,
                                                             .is_tls = kit->is_tls});
}

struct wg_stream *net_kit_connect(struct net_kit *kit, struct tap **ret_guest)
{
    int before = kit->guest_count;
    struct wg_stream *stream = net_kit_dial(kit, "a.example.test");

    assert_string_equal(kit->err.text, "");
    net_kit_until(kit, &kit->guest_count, before + 1);
    *ret_guest = &kit->guests[before];
    return stream;
}
