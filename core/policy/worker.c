// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "base/log.h"
#include "policy/policy_impl.h"

static struct wg_policy_generation *load(struct wg_policy_worker *worker, size_t instance)
{
    struct wg_edition *edition = wg_engine_edition(worker->engine, instance);
    struct wg_policy_generation *generation;
    struct wg_state *state;
    struct wg_err err;

    if (wg_state_new(edition, worker, &state, &err) != WG_OK) {
        /* The same texts were loaded when the generation was checked. */
        wg_log(WG_LOG_ERROR, "policy.load_failed",
               "a worker could not load a checked generation, keeping the old one",
               WG_F_TEXT("server", edition->instance->server_name),
               WG_F_INT("generation", edition->number), WG_F_TEXT("error", err.text));
        wg_edition_unref(edition);
        return NULL;
    }
    generation = wg_new(struct wg_policy_generation);
    generation->references = 1;
    generation->worker = worker;
    generation->edition = edition;
    generation->state = state;
    return generation;
}

uint64_t wg_policy_number(const struct wg_policy_generation *generation)
{
    return generation->edition->number;
}

void wg_policy_unpin(struct wg_policy_generation *generation)
{
    if (!generation || --generation->references > 0)
        return;
    wg_state_unref(generation->state);
    wg_edition_unref(generation->edition);
    wg_free(generation);
}

/* Swaps in the newest edition when it is not the one in use. */
static void refresh(struct wg_policy_worker *worker, size_t instance)
{
    struct wg_policy_generation *current = worker->current[instance];
    uint64_t newest = atomic_load(&worker->engine->instances[instance].number);
    struct wg_policy_generation *fresh;

    if (current && (current->edition->number >= newest || current->refused >= newest))
        return;
    fresh = load(worker, instance);
    if (!fresh) {
        if (current)
            current->refused = newest;
        return;
    }
    worker->current[instance] = fresh;
    wg_policy_unpin(current);
}

struct wg_policy_generation *wg_policy_pin(struct wg_policy_worker *worker, size_t instance)
{
    refresh(worker, instance);
    worker->current[instance]->references++;
    return worker->current[instance];
}

/* A state that met the end of its memory may hold anything but what it should: a new one takes
 * its place, made of the same texts. Calls that wait in the old one keep it. */
static void replace_state(struct wg_policy_generation *generation)
{
    struct wg_state *fresh;
    struct wg_err err;

    if (wg_state_new(generation->edition, generation->worker, &fresh, &err) != WG_OK) {
        wg_log(WG_LOG_ERROR, "policy.load_failed", "replacing a state that ran out of memory",
               WG_F_TEXT("error", err.text));
        return;
    }
    wg_state_unref(generation->state);
    generation->state = fresh;
}

struct wg_policy_call *wg_policy_ask(struct wg_policy_generation *generation,
                                     const struct wg_question *question, struct wg_arena *arena,
                                     struct wg_decision *ret_decision,
                                     void (*on_decided)(void *owner), void *owner)
{
    if (generation->state->is_suspect)
        replace_state(generation);
    return wg_call_ask(generation->state, question, arena, ret_decision, on_decided, owner);
}

static void unref(struct wg_policy_worker *worker)
{
    if (atomic_fetch_sub(&worker->references, 1) == 1)
        wg_free(worker);
}

static void on_notified(void *owner)
{
    struct wg_policy_worker *worker = owner;

    if (!worker->is_closing)
        for (size_t i = 0; i < worker->engine->instance_count; i++)
            refresh(worker, i);
    unref(worker);
}

void wg_worker_notify(struct wg_policy_worker *worker)
{
    if (!worker->loop)
        return; /* it looks at the next request */
    atomic_fetch_add(&worker->references, 1);
    wg_loop_post(worker->loop, on_notified, worker);
}

struct wg_policy_worker *wg_policy_worker_new(struct wg_policy_engine *engine,
                                              struct wg_loop *loop)
{
    struct wg_policy_worker *worker = wg_new(struct wg_policy_worker);

    atomic_init(&worker->references, 1);
    worker->engine = engine;
    worker->loop = loop;
    worker->current = wg_alloc(engine->instance_count * sizeof(struct wg_policy_generation *));
    wg_worker_join(engine, worker);
    for (size_t i = 0; i < engine->instance_count; i++) {
        refresh(worker, i);
        if (!worker->current[i])
            wg_panic("a checked policy of %s cannot be loaded",
                     engine->instances[i].config->server_name);
    }
    return worker;
}

void wg_worker_add(struct wg_policy_worker *worker, struct wg_policy_call *call)
{
    call->previous = NULL;
    call->next = worker->waiting;
    if (call->next)
        call->next->previous = call;
    worker->waiting = call;
}

void wg_worker_remove(struct wg_policy_worker *worker, struct wg_policy_call *call)
{
    if (call->next)
        call->next->previous = call->previous;
    if (call->previous)
        call->previous->next = call->next;
    else
        worker->waiting = call->next;
    call->next = call->previous = NULL;
}

static void on_closing(void *owner)
{
    struct wg_policy_worker *worker = owner;

    for (size_t i = 0; i < worker->engine->instance_count; i++)
        wg_policy_unpin(worker->current[i]);
    wg_free(worker->current);
    worker->current = NULL;
    if (worker->on_closed)
        worker->on_closed(worker->owner);
    unref(worker);
}

void wg_policy_worker_close(struct wg_policy_worker *worker, void (*on_closed)(void *owner),
                            void *owner)
{
    worker->is_closing = true;
    worker->on_closed = on_closed;
    worker->owner = owner;
    wg_worker_leave(worker->engine, worker);
    while (worker->waiting)
        wg_call_interrupt(worker->waiting, WG_BROKEN_CANCELLED);
    if (worker->loop)
        wg_loop_post(worker->loop, on_closing, worker);
    else
        on_closing(worker);
}

void wg_policy_worker_set_http(struct wg_policy_worker *worker, struct wg_http_client *client)
{
    worker->http = client;
}
