// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/metric.h"
#include "cli/serve_impl.h"
#include "net/watch.h"

/* The control loop watches the certificates' files. A pair that is good goes to every worker,
 * which presents it to new connections; those that are open keep theirs. */

enum {
    AGAIN_MS = 2000, /* a pair that does not fit is looked at once more after that */
    DAY_S = 24 * 3600,
    WARNING_DAYS = 14,
};

struct serve_certificates {
    struct serve *serve;
    struct wg_watch_files *watch;
    int64_t *warned_s; /* by instance */
};

struct handover {
    struct serve_worker *worker;
    size_t index;
    struct wg_tls_pair *pair;
};

static void take_over(void *owner)
{
    struct handover *handover = owner;
    const char *name = handover->worker->serve->config->instances[handover->index].server_name;
    struct wg_err err;

    if (wg_tls_server_set_pair(handover->worker->tls_server, wg_str(name), handover->pair,
                               &err) != WG_OK)
        wg_log(WG_LOG_ERROR, "tls.reload_failed", "a worker keeps the former certificate",
               WG_F_TEXT("server", name), WG_F_TEXT("reason", err.text));
    wg_tls_pair_unref(handover->pair);
    wg_free(handover);
}

static int64_t days_left(const struct serve *serve, size_t index)
{
    return (atomic_load(&serve->gateway->certificate_until_s[index]) -
            wg_clock_wall_s(serve->gateway->clock)) /
           DAY_S;
}

static void note_end(struct serve *serve, size_t index, const struct wg_tls_pair *pair)
{
    atomic_store(&serve->gateway->certificate_until_s[index], wg_tls_pair_facts(pair)->until_s);
}

static void on_taken(void *owner, size_t index, struct wg_tls_pair *pair)
{
    struct serve_certificates *certificates = owner;
    struct serve *serve = certificates->serve;

    for (size_t i = 0; i < serve->worker_count; i++) {
        struct handover *handover = wg_new(struct handover);

        *handover = (struct handover){&serve->workers[i], index, wg_tls_pair_ref(pair)};
        wg_loop_post(serve->workers[i].base.loop, take_over, handover);
    }
    wg_metric_count(RELOADS, WG_RELOADED_CERTIFICATES, WG_RESULT_SUCCESS);
    certificates->warned_s[index] = 0;
    note_end(serve, index, pair);
    wg_log(WG_LOG_INFO, "tls.certificate_exchanged",
           "new connections are shown the new certificate",
           WG_F_TEXT("server", serve->config->instances[index].server_name),
           WG_F_INT("days_left", days_left(serve, index)),
           WG_F_TEXT("fingerprint", wg_tls_pair_facts(pair)->fingerprint));
}

static void on_problem(void *owner, size_t index, const struct wg_err *err)
{
    const struct serve_certificates *certificates = owner;

    wg_metric_count(RELOADS, WG_RELOADED_CERTIFICATES, WG_RESULT_FAILURE);
    wg_log(WG_LOG_ERROR, "tls.reload_failed", "the certificate in use stays",
           WG_F_TEXT("server", certificates->serve->config->instances[index].server_name),
           WG_F_TEXT("reason", err->text));
}

static void warn(struct serve_certificates *certificates, size_t index, int64_t now_s)
{
    struct serve *serve = certificates->serve;
    const char *name = serve->config->instances[index].server_name;
    int64_t left_s = atomic_load(&serve->gateway->certificate_until_s[index]) - now_s;

    if (left_s >= (int64_t)WARNING_DAYS * DAY_S ||
        now_s - certificates->warned_s[index] < DAY_S)
        return;
    certificates->warned_s[index] = now_s;
    if (left_s < 0)
        wg_log(WG_LOG_ERROR, "tls.certificate_expired",
               "peers refuse it: put a new one in its place, it is taken without a restart",
               WG_F_TEXT("server", name), WG_F_INT("days_left", left_s / DAY_S));
    else
        wg_log(WG_LOG_WARN, "tls.certificate_expires",
               "put a new one in its place, it is taken without a restart",
               WG_F_TEXT("server", name), WG_F_INT("days_left", left_s / DAY_S));
}

static void watch_all(struct serve_certificates *certificates)
{
    const struct wg_config *config = certificates->serve->config;
    const char **paths = wg_alloc(2 * config->instance_count * sizeof *paths);

    for (size_t i = 0; i < config->instance_count; i++) {
        paths[2 * i] = config->instances[i].certificate;
        paths[2 * i + 1] = config->instances[i].private_key;
    }
    wg_watch_files_set(certificates->watch, paths, 2 * config->instance_count);
    wg_free(paths);
}

static void look(struct serve_certificates *certificates, bool is_final)
{
    static const struct wg_certificates_events events = {on_taken, on_problem};
    struct serve *serve = certificates->serve;
    int64_t now_s = wg_clock_wall_s(serve->gateway->clock);

    watch_all(certificates); /* first: what changes meanwhile is noticed */
    if (wg_certificates_look(serve->gateway->certificates, is_final, &events, certificates))
        wg_watch_files_again(certificates->watch, AGAIN_MS);
    for (size_t i = 0; i < serve->config->instance_count; i++)
        warn(certificates, i, now_s);
}

static void on_change(void *owner)
{
    look(owner, false);
}

static void note_ends(struct serve *serve)
{
    for (size_t i = 0; i < serve->config->instance_count; i++) {
        struct wg_tls_pair *pair = wg_certificates_pair(serve->gateway->certificates, i);

        note_end(serve, i, pair);
        wg_tls_pair_unref(pair);
    }
}

void serve_certificates_start(struct serve *serve)
{
    struct serve_certificates *certificates = wg_new(struct serve_certificates);
    struct wg_err why;

    serve->certificates = certificates;
    certificates->serve = serve;
    certificates->warned_s =
        wg_alloc(serve->config->instance_count * sizeof *certificates->warned_s);
    certificates->watch = wg_watch_files_new(serve->control, on_change, certificates, &why);
    if (why.code != WG_OK)
        wg_log(WG_LOG_WARN, "tls.not_watched", "changed certificates are seen late",
               WG_F_TEXT("reason", why.text));
    note_ends(serve);
    look(certificates, true);
}

void serve_certificates_reload(struct serve *serve)
{
    if (serve->certificates)
        look(serve->certificates, true);
}

void serve_certificates_stop(struct serve *serve)
{
    if (!serve->certificates)
        return;
    wg_watch_files_free(serve->certificates->watch);
    wg_free(serve->certificates->warned_s);
    wg_free(serve->certificates);
    serve->certificates = NULL;
}
