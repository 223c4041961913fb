// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "base/metric.h"
#include "cli/cli.h"
#include "cli/config_argument.h"
#include "cli/serve_impl.h"
#include "federation/key_keeper.h"
#include "federation/restore.h"

static void for_each_worker(struct serve *serve, void (*call)(void *worker))
{
    for (size_t i = 0; i < serve->worker_count; i++)
        wg_loop_post(serve->workers[i].base.loop, call, &serve->workers[i]);
}

/* A signal that comes while the last things are put away must not end the process half-way,
 * with a status that looks like a failure. Freeing the watchers puts the default actions back:
 * hence blocked, too. */
static void ignore_signals(void)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
}

static void stop_watching(struct serve *serve)
{
    wg_policy_unwatch(serve->gateway->policy);
    serve_certificates_stop(serve);
    wg_key_keeper_close(serve->gateway->key_keeper);
    serve->gateway->key_keeper = NULL;
}

static void on_admin_stopped(struct serve *serve)
{
    ignore_signals();
    for (size_t i = 0; i < WG_COUNT(serve->signals); i++)
        serve->signals[i] = wg_signal_free(serve->signals[i]);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    stop_watching(serve);
    wg_loop_stop(serve->control);
}

void serve_on_worker_ended(void *owner)
{
    struct serve *serve = owner;

    if (++serve->workers_ended == serve->worker_count)
        serve_admin_stop(serve, on_admin_stopped);
}

static void on_stop(void *owner)
{
    struct serve *serve = owner;

    wg_log(WG_LOG_INFO, "gateway.stopping",
           serve->is_stopping ? "asked again: closing connections now"
                              : "no new requests; waiting for the answers under way");
    serve->is_stopping = true;
    serve_admin_is_stopping(serve);
    for_each_worker(serve, serve_worker_drain);
}

/* Of the whole file only what can change while the gateway runs; a file that is wrong somewhere
 * changes nothing. */
static void reload_log(struct serve *serve)
{
    struct wg_config *config = NULL;
    struct wg_err err;
    bool is_good = wg_config_load(serve->config->file, &config, NULL, NULL, &err) == WG_OK;

    wg_metric_count(RELOADS, WG_RELOADED_LOG, is_good ? WG_RESULT_SUCCESS : WG_RESULT_FAILURE);
    if (is_good) {
        wg_log_set_level(config->log_level);
        wg_log_set_format(config->log_format);
    } else {
        wg_log(WG_LOG_ERROR, "log.reload_failed",
               "level and format of the log stay as they were", WG_F_TEXT("reason", err.text));
    }
    wg_config_free(config);
}

static void reload(void *owner)
{
    struct serve *serve = owner;

    serve->is_reload_due = false;
    if (serve->is_stopping)
        return;
    reload_log(serve);
    wg_log(WG_LOG_INFO, "gateway.reloading",
           "policies, certificates, keys and what to log are read again");
    wg_policy_reload(serve->gateway->policy, "signal");
    serve_certificates_reload(serve);
    wg_key_keeper_reload(serve->gateway->key_keeper);
}

/* A reload takes its time, and more signals may come meanwhile: those are answered by one more.
 */
static void on_hangup(void *owner)
{
    struct serve *serve = owner;

    if (!serve->is_reload_due)
        wg_loop_post(serve->control, reload, serve);
    serve->is_reload_due = true;
}

static void on_news(void *owner, const struct wg_policy_news *news)
{
    (void)owner;
    if (news->is_ok)
        wg_log(WG_LOG_INFO, "policy.reloaded", "a new policy generation decides from now on",
               WG_F_TEXT("server", news->server_name), WG_F_INT("generation", news->generation),
               WG_F_TEXT("cause", news->cause));
    else
        wg_log(WG_LOG_ERROR, "policy.reload_failed", "the policy stays as it was",
               WG_F_TEXT("server", news->server_name), WG_F_INT("generation", news->generation),
               WG_F_TEXT("cause", news->cause), WG_F_TEXT("reason", news->text));
}

static void write_addresses(const struct serve_addresses *addresses, struct wg_buf *out)
{
    for (size_t i = 0; i < addresses->count; i++)
        wg_buf_addf(out, "%s%s", i ? "," : "", addresses->at[i]);
}

static void log_ready(const struct serve *serve)
{
    struct wg_buf ingress;
    struct wg_buf egress;
    struct wg_buf admin;

    wg_buf_init(&ingress, 1024);
    wg_buf_init(&egress, 1024);
    write_addresses(&serve->addresses[WG_INBOUND], &ingress);
    write_addresses(&serve->addresses[WG_OUTBOUND], &egress);
    wg_buf_init(&admin, 1024);
    serve_admin_addresses(serve, &admin);
    wg_log(WG_LOG_INFO, "gateway.ready", "wavegate " WAVEGATE_VERSION " takes requests",
           WG_F_STR("ingress", wg_buf_str(&ingress)), WG_F_STR("egress", wg_buf_str(&egress)),
           WG_F_STR("admin", wg_buf_str(&admin)), WG_F_INT("workers", serve->worker_count),
           WG_F_INT("instances", serve->config->instance_count), WG_F_INT("pid", getpid()));
    wg_buf_done(&ingress);
    wg_buf_done(&egress);
    wg_buf_done(&admin);
}

/* Each connection is a descriptor: take what the system allows us to. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static enum wg_code set_up_door(struct serve_addresses *addresses, const char *setting,
                                wg_names listen, struct wg_err *err)
{
    for (; *listen; listen++) {
        if (addresses->count == SERVE_DOORS_LIMIT)
            return wg_fail(err, WG_CONFIG, "%s: at most %d addresses", setting,
                           SERVE_DOORS_LIMIT);
        if (strlen(*listen) >= WG_SOCKET_TEXT)
            return wg_fail(err, WG_CONFIG, "%s: '%s' is not ip:port", setting, *listen);
        strcpy(addresses->at[addresses->count++], *listen);
    }
    return WG_OK;
}

static enum wg_code set_up_doors(struct serve *serve, struct wg_err *err)
{
    const struct wg_config *config = serve->config;

    serve->counter =
        wg_connection_counter_new((unsigned)config->limits.connections_per_address);
    wg_random(serve->ticket_key, sizeof serve->ticket_key);
    if (set_up_door(&serve->addresses[WG_INBOUND], "ingress.listen", config->ingress_listen,
                    err) != WG_OK)
        return err->code;
    return set_up_door(&serve->addresses[WG_OUTBOUND], "egress.listen", config->egress_listen,
                       err);
}

static enum wg_code start_workers(struct serve *serve, struct wg_err *err)
{
    size_t count = (size_t)serve->config->workers;

    serve->workers = wg_alloc(count * sizeof *serve->workers);
    serve->gateway->workers = wg_alloc(count * sizeof *serve->gateway->workers);
    serve->gateway->worker_count = (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        serve->workers[i].base.index = (unsigned)i;
        serve->gateway->workers[i] = &serve->workers[i].base;
    }
    for (size_t i = 0; i < count; i++) {
        serve->worker_count = i + 1;
        if (serve_worker_init(&serve->workers[i], serve, err) != WG_OK)
            return err->code;
    }
    if (serve->addresses[WG_INBOUND].count)
        strcpy(serve->gateway->ingress, serve->addresses[WG_INBOUND].at[0]);
    for (size_t i = 0; i < count; i++) {
        if (serve_worker_start(&serve->workers[i], err) != WG_OK)
            return err->code;
    }
    return WG_OK;
}

/* Areas start from the bottom of the map to its top. */
static enum wg_code start(struct serve *serve, const char *file, struct wg_err *err)
{
    if (wg_crypto_start(err) != WG_OK)
        return err->code;
    if (wg_config_load(file, &serve->config, cli_print_problem, NULL, err) != WG_OK)
        return wg_fail(err, err->code, "%s is not usable; nothing was started", file);
    wg_log_set_level(serve->config->log_level);
    wg_log_set_format(serve->config->log_format);
    raise_file_limit();
    if (wg_loop_new(wg_clock_system(), &serve->control, err) != WG_OK ||
        serve_open_store(serve, err) != WG_OK ||
        wg_gateway_new(serve->config, wg_clock_system(), &serve->gateway, err) != WG_OK ||
        set_up_doors(serve, err) != WG_OK)
        return err->code;
    if (wg_gateway_restore(serve->gateway, serve->store, serve->control, err) != WG_OK ||
        wg_key_keeper_new(serve->gateway, serve->control, &serve->gateway->key_keeper, err) !=
            WG_OK)
        return err->code;
    serve->signals[0] = wg_signal_new(serve->control, SIGTERM, on_stop, serve);
    serve->signals[1] = wg_signal_new(serve->control, SIGINT, on_stop, serve);
    serve->signals[2] = wg_signal_new(serve->control, SIGHUP, on_hangup, serve);
    if (wg_policy_watch(serve->gateway->policy, serve->control, on_news, serve, err) != WG_OK)
        return err->code;
    wg_loop_measure(serve->control, WG_LOOP_CONTROL);
    if (wg_certificates_new(serve->config, serve->gateway->clock, &serve->gateway->certificates,
                            err) != WG_OK ||
        start_workers(serve, err) != WG_OK)
        return err->code;
    serve_certificates_start(serve);
    return serve_admin_start(serve, err);
}

/* And end from the top to the bottom. */
static void finish(struct serve *serve)
{
    for (size_t i = 0; i < serve->worker_count; i++)
        serve_worker_free(&serve->workers[i]);
    wg_free(serve->workers);
    wg_connection_counter_free(serve->counter);
    if (serve->admin && serve->workers_ended < serve->worker_count)
        serve_admin_stop(serve, on_admin_stopped); /* the start failed half-way */
    for (size_t i = 0; i < WG_COUNT(serve->signals); i++)
        serve->signals[i] = wg_signal_free(serve->signals[i]);
    if (serve->gateway)
        stop_watching(serve);
    if (serve->control) {
        wg_loop_stop(serve->control);
        wg_loop_run(serve->control);
    }
    serve_admin_free(serve);
    serve_close_store(serve);
    /* The store's last answers wait in the control loop, and may look at the gateway. */
    wg_loop_free(serve->control);
    wg_gateway_free(serve->gateway);
    wg_config_free(serve->config);
}

int cli_serve(const struct cli_arguments *arguments)
{
    struct serve serve = {0};
    const char *file = cli_config_argument(arguments);
    struct wg_err err;
    enum wg_code code;

    signal(SIGPIPE, SIG_IGN);
    code = start(&serve, file, &err);
    if (code == WG_OK) {
        log_ready(&serve);
        wg_loop_run(serve.control);
    } else {
        fprintf(stderr, "wavegate serve: %s\n", err.text);
        if (serve.workers) /* those already running end as they would on SIGTERM */
            for (size_t i = 0; i < serve.worker_count; i++) {
                if (serve.workers[i].has_thread)
                    wg_loop_post(serve.workers[i].base.loop, serve_worker_drain,
                                 &serve.workers[i]);
            }
    }
    finish(&serve);
    if (code == WG_OK)
        wg_log(WG_LOG_INFO, "gateway.stopped", "every answer is out");
    return code == WG_OK ? CLI_GOOD : CLI_REFUSED;
}
