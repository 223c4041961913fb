// SPDX-License-Identifier: Apache-2.0
#include "server_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"

static void on_gone(void *owner)
{
    ((struct rig *)owner)->gone++;
}

static void on_writable(void *owner)
{
    ((struct rig *)owner)->writable++;
}

static void answer(struct wg_http_call *call, int status, struct wg_str body, bool close)
{
    const struct wg_header header = {WG_STR("X-Test"), WG_STR("yes")};
    const struct wg_http_answer answer = {status, &header, 1, body, close};

    wg_http_respond(call, &answer);
}

void rig_answer(struct wg_http_call *call, struct wg_str body)
{
    answer(call, 200, body, false);
}

void rig_begin(struct rig *rig, struct wg_http_call *call)
{
    const struct wg_header type = {WG_STR("Content-Type"), WG_STR("text/event-stream")};
    const struct wg_http_answer head = {.status = 200, .headers = &type, .header_count = 1};

    wg_http_respond_begin(call, &head, on_writable, rig);
}

static void on_request(void *owner, struct wg_http_call *call)
{
    struct rig *rig = owner;
    struct wg_message *message = wg_http_call_message(call);
    char *echo =
        wg_arena_format(wg_http_call_arena(call), "[%.*s %.*s %.*s]", WG_STR_F(message->method),
                        WG_STR_F(message->target), WG_STR_F(message->body));

    assert_true(wg_http_call_info(call)->remote_port > 0);
    rig->requests++;
    if (wg_str_is(message->path, "/hold")) {
        wg_http_call_on_gone(call, on_gone, rig);
        assert_true(rig->held_count < HELD_LIMIT);
        rig->held[rig->held_count++] = call;
        return;
    }
    if (wg_str_is(message->path, "/nothing"))
        answer(call, 204, WG_STR("dropped"), false);
    else
        answer(call, 200, wg_str(echo), wg_str_is(message->path, "/close"));
}

static void on_refused(void *owner, const struct wg_stream_info *info, int status,
                       const char *reason)
{
    struct rig *rig = owner;

    assert_true(info->remote_port > 0);
    rig->refused++;
    rig->refused_status = status;
    snprintf(rig->refused_reason, sizeof rig->refused_reason, "%s", reason);
}

static void error_body(int status, const char *reason, struct wg_buf *out)
{
    (void)reason;
    wg_buf_addf(out, "{\"error\":%d}", status);
}

static void on_accept(void *owner, struct wg_stream *stream)
{
    wg_http_server_adopt(((struct rig *)owner)->server, stream);
}

struct rig *rig_new(const struct wg_http_server_options *options)
{
    static const struct wg_http_server_events events = {on_request, on_refused};
    struct wg_listener_options listening = {0};
    struct rig *rig = wg_new(struct rig);
    char address[WG_SOCKET_TEXT];
    struct wg_err err;

    assert_int_equal(wg_loop_new(wg_clock_system(), &rig->loop, &err), WG_OK);
    rig->server = wg_http_server_new(rig->loop, options, &events, rig);
    assert_int_equal(wg_socket_listen("127.0.0.1:0", &listening.fd, address, &err), WG_OK);
    rig->port = (uint16_t)atoi(strrchr(address, ':') + 1);
    assert_int_equal(
        wg_listener_open(rig->loop, &listening, on_accept, rig, &rig->listener, &err), WG_OK);
    return rig;
}

struct rig *rig_default(void)
{
    struct wg_http_server_options options;

    wg_http_server_defaults(&options);
    options.error_body = error_body;
    return rig_new(&options);
}

static void on_drained(void *owner)
{
    ((struct rig *)owner)->is_drained = true;
}

void rig_drain(struct rig *rig)
{
    wg_http_server_drain(rig->server, on_drained, rig);
}

struct awaited {
    struct rig *rig;
    unsigned count;
};

static bool is_drained(void *owner)
{
    return ((struct awaited *)owner)->rig->is_drained;
}

static bool are_held(void *owner)
{
    struct awaited *awaited = owner;

    return awaited->rig->held_count >= awaited->count;
}

static bool are_gone(void *owner)
{
    struct awaited *awaited = owner;

    return awaited->rig->gone >= awaited->count;
}

static bool are_connections(void *owner)
{
    struct awaited *awaited = owner;

    return wg_http_server_connections(awaited->rig->server) == awaited->count;
}

static void until(struct rig *rig, bool (*is_done)(void *owner), unsigned count)
{
    struct awaited awaited = {rig, count};

    assert_true(loop_until(rig->loop, is_done, &awaited));
}

void until_held(struct rig *rig, unsigned count)
{
    until(rig, are_held, count);
}

void until_gone(struct rig *rig, unsigned count)
{
    until(rig, are_gone, count);
}

void until_connections(struct rig *rig, unsigned count)
{
    until(rig, are_connections, count);
}

void until_drained(struct rig *rig)
{
    until(rig, is_drained, 0);
}

void rig_free(struct rig *rig)
{
    if (!rig->is_drained) {
        rig_drain(rig);
        wg_http_server_abort(rig->server);
        until_drained(rig);
    }
    wg_http_server_free(rig->server);
    wg_listener_close(rig->listener);
    wg_loop_stop(rig->loop);
    wg_loop_run(rig->loop);
    wg_loop_free(rig->loop);
    wg_free(rig);
}
