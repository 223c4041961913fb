// SPDX-License-Identifier: Apache-2.0
#include <uv.h>

#include "base/alloc.h"
#include "http/client.h"
#include "policy/coverage.h"
#include "policy/trial_impl.h"

static enum wg_code open_http(struct wg_trial *trial, struct wg_err *err)
{
    const struct wg_config *config = &trial->config;
    struct wg_dialer_options options = {
        .resolve = (const struct wg_resolve_entry *)(const void *)config->resolve,
        .allowed = config->allow_addresses,
        .allowed_count = config->allow_address_count,
    };
    struct wg_http_client_options pool = {0};

    if (wg_tls_client_new(config->trust_anchors ? config->trust_anchors : "system", &trial->tls,
                          err) != WG_OK)
        return err->code;
    options.tls = trial->tls;
    trial->dialer = wg_dialer_new(trial->loop, &options);
    trial->http = wg_http_client_new(trial->loop, trial->dialer, &pool);
    wg_policy_worker_set_http(trial->worker, trial->http);
    return WG_OK;
}

static enum wg_code open_host(struct wg_trial *trial, const struct wg_trial_options *options,
                              struct wg_err *err)
{
    trial->config = *options->config;
    trial->config.instances = NULL;
    trial->config.instance_count = 0;
    if (wg_loop_new(options->clock, &trial->loop, err) != WG_OK ||
        wg_policy_engine_new(&trial->config, options->clock, &trial->engine, err) != WG_OK)
        return err->code;
    trial->worker = wg_policy_worker_new(trial->engine, trial->loop);
    trial->worker->fake = options->fake;
    return options->has_http ? open_http(trial, err) : WG_OK;
}

static void open_edition(struct wg_trial *trial, const struct wg_trial_options *options)
{
    struct wg_edition *edition = wg_edition_new(options->config, options->instance);

    edition->engine = trial->engine;
    edition->fake = options->fake;
    edition->number = 1;
    edition->coverage = options->coverage;
    edition->is_exact = options->is_exact;
    if (options->text.at)
        wg_edition_add_main(edition,
                            options->text_name ? options->text_name : options->instance->policy,
                            options->text);
    trial->edition = edition;
}

/* As engine.c does for a generation: on a state of its own first, where nothing counts. */
static enum wg_code check(struct wg_trial *trial, struct wg_err *err)
{
    struct wg_state *state = NULL;
    enum wg_code code = wg_state_new(trial->edition, NULL, &state, err);

    if (code == WG_OK) {
        state->coverage = NULL; /* a sample is no test */
        code = wg_dry_run(state, err);
    }
    wg_state_unref(state);
    return code;
}

enum wg_code wg_trial_prepare(const struct wg_trial_options *options,
                              struct wg_trial **ret_trial, struct wg_err *err)
{
    struct wg_trial *trial = wg_new(struct wg_trial);

    if (open_host(trial, options, err) != WG_OK) {
        wg_trial_free(trial);
        return err->code;
    }
    open_edition(trial, options);
    *ret_trial = trial;
    return WG_OK;
}

enum wg_code wg_trial_new(const struct wg_trial_options *options, struct wg_trial **ret_trial,
                          struct wg_err *err)
{
    struct wg_trial *trial;

    if (wg_trial_prepare(options, &trial, err) != WG_OK)
        return err->code;
    if (check(trial, err) != WG_OK ||
        wg_state_new(trial->edition, trial->worker, &trial->state, err) != WG_OK) {
        wg_trial_free(trial);
        return err->code;
    }
    *ret_trial = trial;
    return WG_OK;
}

static void on_http_closed(void *owner)
{
    struct wg_trial *trial = owner;

    trial->dialer = wg_dialer_free(trial->dialer);
    wg_loop_stop(trial->loop);
}

static void on_closed(void *owner)
{
    struct wg_trial *trial = owner;

    if (trial->http)
        wg_http_client_close(trial->http, on_http_closed, trial);
    else
        wg_loop_stop(trial->loop);
}

struct wg_trial *wg_trial_free(struct wg_trial *trial)
{
    if (!trial)
        return NULL;
    if (trial->edition)
        wg_coverage_forget(trial->edition->coverage);
    wg_state_unref(trial->state);
    wg_edition_unref(trial->edition);
    if (trial->worker) {
        wg_policy_worker_close(trial->worker, on_closed, trial);
        wg_loop_run(trial->loop);
    }
    wg_tls_client_free(trial->tls);
    wg_policy_engine_free(trial->engine);
    wg_loop_free(trial->loop);
    wg_free(trial);
    return NULL;
}

/* A state that met the end of its memory is replaced, as worker.c does. */
static void renew(struct wg_trial *trial)
{
    struct wg_state *fresh;
    struct wg_err err;

    if (wg_state_new(trial->edition, trial->worker, &fresh, &err) != WG_OK)
        return;
    wg_state_unref(trial->state);
    trial->state = fresh;
}

static void on_decided(void *owner)
{
    ((struct wg_trial *)owner)->is_decided = true;
}

void wg_trial_ask(struct wg_trial *trial, const struct wg_question *question,
                  struct wg_arena *arena, struct wg_decision *ret_decision)
{
    if (trial->state->is_suspect)
        renew(trial);
    trial->is_decided = false;
    if (!wg_call_ask(trial->state, question, arena, ret_decision, on_decided, trial))
        return;
    /* Each call has a deadline, so this ends. */
    while (!trial->is_decided)
        uv_run(wg_loop_uv(trial->loop), UV_RUN_ONCE);
}

struct wg_loop *wg_trial_loop(const struct wg_trial *trial)
{
    return trial->loop;
}

size_t wg_trial_handlers(const struct wg_trial *trial, enum wg_hook hook)
{
    return trial->state->chains[hook].count;
}
