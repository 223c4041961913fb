// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "base/metric.h"
#include "policy/figures.h"
#include "policy/kv.h"
#include "policy/limits.h"
#include "policy/lists.h"
#include "policy/policy_impl.h"

/* Reads and checks an edition on a state of its own: loads it, compares the sandbox with its
 * list, asks every hook once. */
static enum wg_code check_edition(struct wg_policy_engine *engine, struct wg_edition *edition,
                                  const char *cause, struct wg_err *err)
{
    struct wg_state *state = NULL;
    enum wg_code code;

    edition->engine = engine;
    edition->loaded_at_ms = wg_clock_wall_ms(engine->clock);
    edition->cause = wg_strdup(wg_str(cause));
    code = wg_state_new(edition, NULL, &state, err);
    if (code == WG_OK) {
        const char *bad = wg_sandbox_verify(state->L);

        code = bad ? wg_fail(err, WG_INTERNAL, "the sandbox is not what it should be: %s", bad)
                   : wg_dry_run(state, err);
    }
    wg_state_unref(state);
    edition->is_sealed = true;
    return code;
}

static void forget_failure(struct wg_engine_instance *instance)
{
    for (size_t i = 0; i < instance->failed_folder_count; i++)
        wg_free(instance->failed_folders[i]);
    wg_free(instance->failed_folders);
    wg_free(instance->last_failure);
    instance->failed_folders = NULL;
    instance->failed_folder_count = 0;
    instance->last_failure = NULL;
}

static void remember_failure(struct wg_engine_instance *instance, struct wg_edition *edition,
                             const struct wg_err *err)
{
    forget_failure(instance);
    instance->last_failure = wg_strdup(wg_str(err->text));
    instance->failed_folders = edition->folders;
    instance->failed_folder_count = edition->folder_count;
    edition->folders = NULL;
    edition->folder_count = 0;
}

static void keep_former(struct wg_engine_instance *instance, struct wg_edition *edition)
{
    if (!edition)
        return;
    wg_edition_unref(instance->former[WG_FORMER_EDITIONS - 1]);
    memmove(&instance->former[1], &instance->former[0],
            (WG_FORMER_EDITIONS - 1) * sizeof instance->former[0]);
    instance->former[0] = edition;
}

static void publish(struct wg_policy_engine *engine, struct wg_engine_instance *instance,
                    struct wg_edition *edition)
{
    struct wg_edition *old = instance->edition;

    forget_failure(instance);
    edition->number = ++instance->last_number;
    pthread_mutex_lock(&engine->lock);
    instance->edition = edition;
    atomic_store(&instance->number, edition->number);
    pthread_mutex_unlock(&engine->lock);
    keep_former(instance, old);
    wg_feeds_sweep(engine->feeds);
}

struct wg_edition *wg_engine_edition(struct wg_policy_engine *engine, size_t instance)
{
    struct wg_edition *edition;

    pthread_mutex_lock(&engine->lock);
    edition = wg_edition_ref(engine->instances[instance].edition);
    pthread_mutex_unlock(&engine->lock);
    return edition;
}

void wg_worker_join(struct wg_policy_engine *engine, struct wg_policy_worker *worker)
{
    pthread_mutex_lock(&engine->lock);
    worker->next = engine->workers;
    engine->workers = worker;
    pthread_mutex_unlock(&engine->lock);
}

void wg_worker_leave(struct wg_policy_engine *engine, struct wg_policy_worker *worker)
{
    pthread_mutex_lock(&engine->lock);
    for (struct wg_policy_worker **at = &engine->workers; *at; at = &(*at)->next) {
        if (*at == worker) {
            *at = worker->next;
            break;
        }
    }
    pthread_mutex_unlock(&engine->lock);
}

static void notify_workers(struct wg_policy_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    for (struct wg_policy_worker *worker = engine->workers; worker; worker = worker->next)
        wg_worker_notify(worker);
    pthread_mutex_unlock(&engine->lock);
}

static void tell(struct wg_policy_engine *engine, const struct wg_engine_instance *instance,
                 const char *failure, const char *cause)
{
    struct wg_policy_news news = {.server_name = instance->config->server_name,
                                  .is_ok = failure == NULL,
                                  .generation = instance->last_number,
                                  .text = failure ? failure : "",
                                  .cause = cause};

    if (engine->on_news)
        engine->on_news(engine->owner, &news);
}

/* A file that was touched but says the same is no new generation; nor is the same mistake news.
 */
enum wg_code wg_engine_replace(struct wg_policy_engine *engine,
                               struct wg_engine_instance *instance, struct wg_edition *edition,
                               const char *cause, struct wg_err *err)
{
    bool is_about_files = strcmp(cause, "file") == 0;

    if (check_edition(engine, edition, cause, err) != WG_OK) {
        bool is_known = is_about_files && instance->last_failure &&
                        strcmp(instance->last_failure, err->text) == 0;

        remember_failure(instance, edition, err);
        wg_edition_unref(edition);
        if (!is_known)
            tell(engine, instance, err->text, cause);
        return err->code;
    }
    if (is_about_files && wg_edition_equal(edition, instance->read)) {
        forget_failure(instance);
        wg_edition_unref(edition);
        return WG_OK;
    }
    publish(engine, instance, edition);
    tell(engine, instance, NULL, cause);
    notify_workers(engine);
    return WG_OK;
}

static enum wg_code read_again(struct wg_policy_engine *engine,
                               struct wg_engine_instance *instance, const char *cause,
                               struct wg_err *err)
{
    int64_t began_ns = wg_metric_now_ns();
    struct wg_edition *edition = wg_edition_new(engine->config, instance->config);
    enum wg_code code;

    edition->document = wg_document_ref(instance->document);
    (void)wg_edition_ref(edition);
    code = wg_engine_replace(engine, instance, edition, cause, err);
    wg_metric_time(RELOAD_TIME, wg_metric_now_ns() - began_ns);
    wg_metric_count(RELOADS, WG_RELOADED_POLICY,
                    code == WG_OK ? WG_RESULT_SUCCESS : WG_RESULT_FAILURE);
    if (code != WG_OK) {
        wg_edition_unref(edition);
        return err->code;
    }
    wg_edition_unref(instance->read);
    instance->read = edition;
    return WG_OK;
}

void wg_policy_reload(struct wg_policy_engine *engine, const char *cause)
{
    struct wg_err told;

    for (size_t i = 0; i < engine->instance_count; i++)
        (void)read_again(engine, &engine->instances[i], cause, &told);
    wg_watch_renew(engine);
}

enum wg_code wg_policy_reload_instance(struct wg_policy_engine *engine, size_t instance,
                                       const char *cause, struct wg_err *err)
{
    enum wg_code code = read_again(engine, &engine->instances[instance], cause, err);

    wg_watch_renew(engine);
    return code;
}

static enum wg_code load_first(struct wg_policy_engine *engine, size_t i, struct wg_err *err)
{
    struct wg_engine_instance *instance = &engine->instances[i];
    struct wg_edition *edition;

    instance->config = &engine->config->instances[i];
    atomic_init(&instance->number, 0);
    edition = wg_edition_new(engine->config, instance->config);
    if (check_edition(engine, edition, "start", err) != WG_OK) {
        wg_edition_unref(edition);
        return err->code;
    }
    instance->read = wg_edition_ref(edition);
    publish(engine, instance, edition);
    return WG_OK;
}

enum wg_code wg_policy_engine_new(const struct wg_config *config, const struct wg_clock *clock,
                                  struct wg_policy_engine **ret_engine, struct wg_err *err)
{
    struct wg_policy_engine *engine = wg_new(struct wg_policy_engine);

    engine->config = config;
    engine->clock = clock;
    pthread_mutex_init(&engine->lock, NULL);
    engine->limits = wg_limits_new(clock);
    engine->kv = wg_kv_new(clock);
    engine->figures = wg_figures_new();
    engine->feeds = wg_feeds_new(config);
    engine->instances = wg_alloc((config->instance_count + 1) * sizeof *engine->instances);
    for (size_t i = 0; i < config->instance_count; i++) {
        engine->instance_count = i + 1;
        if (load_first(engine, i, err) != WG_OK) {
            wg_policy_engine_free(engine);
            return err->code;
        }
    }
    *ret_engine = engine;
    return WG_OK;
}

struct wg_policy_engine *wg_policy_engine_free(struct wg_policy_engine *engine)
{
    if (!engine)
        return NULL;
    wg_policy_unwatch(engine);
    for (size_t i = 0; i < engine->instance_count; i++) {
        forget_failure(&engine->instances[i]);
        wg_edition_unref(engine->instances[i].edition);
        for (size_t k = 0; k < WG_FORMER_EDITIONS; k++)
            wg_edition_unref(engine->instances[i].former[k]);
        wg_edition_unref(engine->instances[i].read);
        wg_document_unref(engine->instances[i].document);
    }
    wg_free(engine->instances);
    wg_limits_free(engine->limits);
    wg_kv_free(engine->kv);
    wg_figures_free(engine->figures);
    wg_feeds_free(engine->feeds);
    pthread_mutex_destroy(&engine->lock);
    wg_free(engine);
    return NULL;
}
