// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/log.h"
#include "cli/serve_impl.h"
#include "federation/answer.h"
#include "federation/exchange.h"

static void on_request(void *owner, struct wg_http_call *call)
{
    struct serve_worker *worker = owner;

    wg_exchange_start(&worker->base, call);
}

static void on_refused(void *owner, const struct wg_stream_info *info, int status,
                       const char *reason)
{
    char remote[WG_IP_TEXT];

    (void)owner;
    wg_ip_write(&info->remote_ip, remote);
    wg_log(WG_LOG_WARN, "federation.request_refused", "refused before it was a request",
           WG_F_TEXT("remote", remote), WG_F_TEXT("stage", "receive"),
           WG_F_INT("status", status), WG_F_TEXT("reason", reason));
}

static void on_accept(void *owner, struct wg_stream *stream)
{
    struct serve_worker *worker = owner;

    wg_http_server_adopt(worker->ingress, stream);
}

static enum wg_code load_certificates(struct serve_worker *worker, struct wg_err *err)
{
    const struct wg_config *config = worker->serve->config;

    for (size_t i = 0; i < config->instance_count; i++) {
        const struct wg_config_instance *instance = &config->instances[i];

        if (wg_tls_server_set(worker->tls_server, wg_str(instance->server_name),
                              instance->certificate, instance->private_key, err) != WG_OK)
            return wg_while(err, "instance %s", instance->server_name);
    }
    return WG_OK;
}

static void make_server(struct serve_worker *worker)
{
    static const struct wg_http_server_events events = {on_request, on_refused};
    const struct wg_config_limits *limits = &worker->serve->config->limits;
    struct wg_http_server_options options;

    wg_http_server_defaults(&options);
    options.header_limit_bytes = (size_t)limits->header_bytes;
    options.body_limit_bytes = (size_t)limits->body_bytes;
    options.head_timeout_ms = limits->head_timeout_ms;
    options.body_timeout_ms = limits->body_timeout_ms;
    options.idle_timeout_ms = limits->idle_timeout_ms;
    options.scheme = "https";
    options.error_body = wg_answer_http_error;
    worker->ingress = wg_http_server_new(worker->base.loop, &options, &events, worker);
}

static void make_client(struct serve_worker *worker)
{
    const struct wg_config *config = worker->serve->config;
    struct wg_dialer_options options = {
        .tls = worker->tls_client,
        .resolve = (const struct wg_resolve_entry *)(const void *)config->resolve,
        .allowed = config->allow_addresses,
        .allowed_count = config->allow_address_count,
    };
    struct wg_http_client_options pool = {0};

    worker->dialer = wg_dialer_new(worker->base.loop, &options);
    worker->base.client = wg_http_client_new(worker->base.loop, worker->dialer, &pool);
}

_Static_assert(sizeof(struct wg_resolve_entry) == sizeof(struct wg_config_resolve),
               "the configuration's table is handed to the dialer as it is");

static enum wg_code open_doors(struct serve_worker *worker, struct wg_err *err)
{
    struct serve *serve = worker->serve;

    for (size_t i = 0; i < serve->ingress_count; i++) {
        struct wg_listener_options options = {.tls = worker->tls_server,
                                              .counter = serve->counter};
        char address[WG_SOCKET_TEXT];

        memcpy(address, serve->ingress_addresses[i], sizeof address);
        /* The first worker turns port 0 into a real one; the others share it. */
        if (wg_socket_listen(address, &options.fd, serve->ingress_addresses[i], err) != WG_OK ||
            wg_listener_open(worker->base.loop, &options, on_accept, worker,
                             &worker->listeners[i], err) != WG_OK)
            return err->code;
        worker->listener_count = i + 1;
    }
    return WG_OK;
}

static void on_drain_timeout(void *owner)
{
    struct serve_worker *worker = owner;

    wg_log(
        WG_LOG_WARN, "gateway.drain_timeout",
        "requests are still under way after limits.drain_timeout: closing their connections");
    wg_http_server_abort(worker->ingress);
}

enum wg_code serve_worker_init(struct serve_worker *worker, struct serve *serve,
                               struct wg_err *err)
{
    worker->serve = serve;
    worker->base.gateway = serve->gateway;
    if (wg_loop_new(serve->gateway->clock, &worker->base.loop, err) != WG_OK ||
        wg_tls_server_new(&worker->tls_server, err) != WG_OK ||
        load_certificates(worker, err) != WG_OK ||
        wg_tls_client_new(serve->config->trust_anchors, &worker->tls_client, err) != WG_OK)
        return err->code;
    wg_tls_server_set_ticket_key(worker->tls_server, serve->ticket_key);
    worker->base.policy = wg_policy_worker_new(serve->gateway->policy, worker->base.loop);
    worker->drain_timer = wg_timer_new(worker->base.loop, on_drain_timeout, worker);
    make_server(worker);
    make_client(worker);
    return open_doors(worker, err);
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

void serve_worker_reload_certificates(void *owner)
{
    struct serve_worker *worker = owner;
    struct wg_err err;

    if (load_certificates(worker, &err) != WG_OK)
        wg_log(WG_LOG_ERROR, "tls.reload_failed", "certificates stay as they were",
               WG_F_TEXT("reason", err.text));
}

/* The end, from the outside in: doors, answers, fetches, policies, then the loop. Each step
 * begins when the one before has said that it is through. */

static void on_policy_closed(void *owner)
{
    struct serve_worker *worker = owner;

    worker->base.policy = NULL;
    worker->ingress = wg_http_server_free(worker->ingress);
    worker->dialer = wg_dialer_free(worker->dialer);
    worker->drain_timer = wg_timer_free(worker->drain_timer);
    wg_loop_stop(worker->base.loop);
}

static void on_idle(void *owner)
{
    struct serve_worker *worker = owner;

    wg_policy_worker_close(worker->base.policy, on_policy_closed, worker);
}

static void on_client_closed(void *owner)
{
    struct serve_worker *worker = owner;

    wg_worker_when_idle(&worker->base, on_idle, worker);
}

static void on_drained(void *owner)
{
    struct serve_worker *worker = owner;
    struct wg_http_client *client = worker->base.client;

    wg_timer_stop(worker->drain_timer);
    worker->base.client = NULL; /* whoever asks from now on is told that we are closing */
    wg_http_client_close(client, on_client_closed, worker);
}

void serve_worker_drain(void *owner)
{
    struct serve_worker *worker = owner;

    if (worker->is_draining) { /* asked twice: no more patience */
        if (worker->ingress && worker->base.client)
            wg_http_server_abort(worker->ingress);
        return;
    }
    worker->is_draining = true;
    for (size_t i = 0; i < worker->listener_count; i++)
        wg_listener_close(worker->listeners[i]);
    worker->listener_count = 0;
    wg_timer_start(worker->drain_timer, worker->serve->config->limits.drain_timeout_ms);
    wg_http_server_drain(worker->ingress, on_drained, worker);
}

void serve_worker_free(struct serve_worker *worker)
{
    if (worker->has_thread)
        pthread_join(worker->thread, NULL);
    else if (worker->ingress) { /* never started: its end runs here, on the loop it would have
                                   had */
        serve_worker_drain(worker);
        wg_loop_run(worker->base.loop);
    }
    wg_tls_server_free(worker->tls_server);
    wg_tls_client_free(worker->tls_client);
    wg_loop_free(worker->base.loop);
}
