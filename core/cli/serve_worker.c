// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "cli/serve_impl.h"
#include "federation/answer.h"
#include "federation/exchange.h"
#include "federation/queue.h"

static void on_request(void *owner, struct wg_http_call *call)
{
    struct serve_door *door = owner;

    wg_exchange_start(&door->worker->base, door->direction, call);
}

static void on_refused(void *owner, const struct wg_stream_info *info, int status,
                       const char *reason)
{
    const struct serve_door *door = owner;
    char remote[WG_IP_TEXT];

    wg_metric_count(UNREADABLE,
                    door->direction == WG_INBOUND ? WG_DOOR_INGRESS : WG_DOOR_EGRESS);
    wg_ip_write(&info->remote_ip, remote);
    wg_log(WG_LOG_WARN, "federation.request_refused", "refused before it was a request",
           WG_F_TEXT("remote", remote), WG_F_TEXT("stage", "receive"),
           WG_F_INT("status", status), WG_F_TEXT("reason", reason));
}

static void on_accept(void *owner, struct wg_stream *stream)
{
    struct serve_door *door = owner;

    wg_http_server_adopt(door->server, stream);
}

static enum wg_code take_certificates(struct serve_worker *worker, struct wg_err *err)
{
    const struct wg_config *config = worker->serve->config;
    enum wg_code code = WG_OK;

    for (size_t i = 0; i < config->instance_count && code == WG_OK; i++) {
        const char *name = config->instances[i].server_name;
        struct wg_tls_pair *pair =
            wg_certificates_pair(worker->serve->gateway->certificates, i);

        if (wg_tls_server_set_pair(worker->tls_server, wg_str(name), pair, err) != WG_OK)
            code = wg_while(err, "instance %s", name);
        wg_tls_pair_unref(pair);
    }
    return code;
}

static void make_server(struct serve_worker *worker, enum wg_direction direction)
{
    static const struct wg_http_server_events events = {on_request, on_refused};
    const struct wg_config_limits *limits = &worker->serve->config->limits;
    struct serve_door *door = &worker->doors[direction];
    struct wg_http_server_options options;

    wg_http_server_defaults(&options);
    options.header_limit_bytes = (size_t)limits->header_bytes;
    options.body_limit_bytes = (size_t)limits->body_bytes;
    options.head_timeout_ms = limits->head_timeout_ms;
    options.body_timeout_ms = limits->body_timeout_ms;
    options.idle_timeout_ms = limits->idle_timeout_ms;
    options.scheme = direction == WG_INBOUND ? "https" : "http";
    options.error_body = wg_answer_http_error;
    door->worker = worker;
    door->direction = direction;
    door->server = wg_http_server_new(worker->base.loop, &options, &events, door);
}

struct wg_http_client *serve_client_new(const struct wg_config *config, struct wg_loop *loop,
                                        struct wg_tls_client *tls,
                                        struct wg_dialer **ret_dialer)
{
    struct wg_dialer_options options = {
        .tls = tls,
        .resolve = (const struct wg_resolve_entry *)(const void *)config->resolve,
        .allowed = config->allow_addresses,
        .allowed_count = config->allow_address_count,
    };
    struct wg_http_client_options pool = {0};

    *ret_dialer = wg_dialer_new(loop, &options);
    return wg_http_client_new(loop, *ret_dialer, &pool);
}

_Static_assert(sizeof(struct wg_resolve_entry) == sizeof(struct wg_config_resolve),
               "the configuration's table is handed to the dialer as it is");

static enum wg_code open_door(struct serve_door *door, struct wg_err *err)
{
    struct serve *serve = door->worker->serve;
    struct serve_addresses *addresses = &serve->addresses[door->direction];
    bool is_public = door->direction == WG_INBOUND;

    for (size_t i = 0; i < addresses->count; i++) {
        struct wg_listener_options options = {
            .tls = is_public ? door->worker->tls_server : NULL,
            .counter = is_public ? serve->counter : NULL,
            .door = is_public ? WG_DOOR_INGRESS : WG_DOOR_EGRESS,
        };
        char address[WG_SOCKET_TEXT];

        memcpy(address, addresses->at[i], sizeof address);
        /* The first worker turns port 0 into a real one; the others share it. */
        if (wg_socket_listen(address, &options.fd, addresses->at[i], err) != WG_OK ||
            wg_listener_open(door->worker->base.loop, &options, on_accept, door,
                             &door->listeners[i], err) != WG_OK)
            return err->code;
        door->listener_count = i + 1;
    }
    return WG_OK;
}

static void abort_doors(struct serve_worker *worker)
{
    for (size_t i = 0; i < SERVE_DOOR_KINDS; i++) {
        if (!worker->doors[i].is_drained)
            wg_http_server_abort(worker->doors[i].server);
    }
}

static void on_drain_timeout(void *owner)
{
    struct serve_worker *worker = owner;

    wg_log(
        WG_LOG_WARN, "gateway.drain_timeout",
        "requests are still under way after limits.drain_timeout: closing their connections");
    abort_doors(worker);
}

enum wg_code serve_worker_init(struct serve_worker *worker, struct serve *serve,
                               struct wg_err *err)
{
    worker->serve = serve;
    worker->base.gateway = serve->gateway;
    if (wg_loop_new(serve->gateway->clock, &worker->base.loop, err) != WG_OK ||
        wg_tls_server_new(&worker->tls_server, err) != WG_OK ||
        take_certificates(worker, err) != WG_OK ||
        wg_tls_client_new(serve->config->trust_anchors, &worker->tls_client, err) != WG_OK)
        return err->code;
    wg_loop_measure(worker->base.loop, WG_LOOP_FIRST_WORKER + worker->base.index);
    wg_tls_server_set_ticket_key(worker->tls_server, serve->ticket_key);
    worker->base.policy = wg_policy_worker_new(serve->gateway->policy, worker->base.loop);
    worker->drain_timer = wg_timer_new(worker->base.loop, on_drain_timeout, worker);
    make_server(worker, WG_INBOUND);
    make_server(worker, WG_OUTBOUND);
    worker->base.client =
        serve_client_new(serve->config, worker->base.loop, worker->tls_client, &worker->dialer);
    wg_policy_worker_set_http(worker->base.policy, worker->base.client);
    wg_queue_open(&worker->base);
    if (open_door(&worker->doors[WG_INBOUND], err) != WG_OK)
        return err->code;
    return open_door(&worker->doors[WG_OUTBOUND], err);
}

static void *run(void *owner)
{
    struct serve_worker *worker = owner;

    wg_loop_run(worker->base.loop);
    wg_loop_post(worker->serve->control, serve_on_worker_ended, worker->serve);
    return NULL;
}

enum wg_code serve_worker_start(struct serve_worker *worker, struct wg_err *err)
{
    int failed = pthread_create(&worker->thread, NULL, run, worker);

    if (failed)
        return wg_fail(err, WG_INTERNAL, "starting a worker thread: %s", strerror(failed));
    worker->has_thread = true;
    return WG_OK;
}

/* The end, from the outside in: doors, answers, deliveries and fetches, policies, then the
 * loop. Each step begins when the one before has said that it is through. */

static void on_policy_closed(void *owner)
{
    struct serve_worker *worker = owner;

    worker->base.policy = NULL;
    for (size_t i = 0; i < SERVE_DOOR_KINDS; i++)
        worker->doors[i].server = wg_http_server_free(worker->doors[i].server);
    worker->dialer = wg_dialer_free(worker->dialer);
    worker->drain_timer = wg_timer_free(worker->drain_timer);
    wg_loop_stop(worker->base.loop);
}

static void on_idle(void *owner)
{
    struct serve_worker *worker = owner;

    wg_policy_worker_close(worker->base.policy, on_policy_closed, worker);
}

static void end_when_quiet(struct serve_worker *worker)
{
    if (worker->is_client_closed && worker->is_queue_closed)
        wg_worker_when_idle(&worker->base, on_idle, worker);
}

static void on_client_closed(void *owner)
{
    struct serve_worker *worker = owner;

    worker->is_client_closed = true;
    end_when_quiet(worker);
}

static void on_queue_closed(void *owner)
{
    struct serve_worker *worker = owner;

    worker->is_queue_closed = true;
    end_when_quiet(worker);
}

static void on_drained(void *owner)
{
    struct serve_door *door = owner;
    struct serve_worker *worker = door->worker;
    struct wg_http_client *client = worker->base.client;

    door->is_drained = true;
    if (!worker->doors[WG_INBOUND].is_drained || !worker->doors[WG_OUTBOUND].is_drained)
        return;
    wg_timer_stop(worker->drain_timer);
    wg_queue_close(&worker->base, on_queue_closed, worker);
    wg_policy_worker_set_http(worker->base.policy, NULL);
    worker->base.client = NULL; /* whoever asks from now on is told that we are closing */
    wg_http_client_close(client, on_client_closed, worker);
}

static void drain_door(struct serve_door *door)
{
    for (size_t i = 0; i < door->listener_count; i++)
        wg_listener_close(door->listeners[i]);
    door->listener_count = 0;
    wg_http_server_drain(door->server, on_drained, door);
}

void serve_worker_drain(void *owner)
{
    struct serve_worker *worker = owner;

    if (worker->is_draining) { /* asked twice: no more patience */
        abort_doors(worker);
        return;
    }
    worker->is_draining = true;
    wg_timer_start(worker->drain_timer, worker->serve->config->limits.drain_timeout_ms);
    drain_door(&worker->doors[WG_INBOUND]);
    drain_door(&worker->doors[WG_OUTBOUND]);
}

void serve_worker_free(struct serve_worker *worker)
{
    if (worker->has_thread) {
        pthread_join(worker->thread, NULL);
    } else if (worker->base.relay) { /* never started: its end runs here, on the loop it would
                                        have had */
        serve_worker_drain(worker);
        wg_loop_run(worker->base.loop);
    }
    /* What was posted last still runs, and may hand over a certificate. */
    wg_loop_free(worker->base.loop);
    wg_tls_server_free(worker->tls_server);
    wg_tls_client_free(worker->tls_client);
}
