// SPDX-License-Identifier: Apache-2.0
#include "federation/probe.h"

#include <stdio.h>

#include "base/log.h"

struct look {
    struct wg_probe *probe;
    size_t index;
    struct wg_dial *dial; /* NULL: none under way */
    int64_t started_ms;
    struct wg_probe_state state;
};

struct wg_probe {
    struct wg_worker *worker;
    struct wg_timer *timer;
    struct look *looks;
    size_t count, at; /* at: of this round, the next one */
    unsigned under_way;
    bool is_closing;
    void (*on_closed)(void *owner);
    void *owner;
};

static void look_on(struct wg_probe *probe);

static void on_end(void *owner)
{
    struct wg_probe *probe = owner;
    void (*on_closed)(void *owner) = probe->on_closed;
    void *closed_owner = probe->owner;

    wg_free(probe->looks);
    wg_free(probe);
    on_closed(closed_owner);
}

static void tell(const struct look *look)
{
    const struct wg_gateway *gateway = look->probe->worker->gateway;
    struct wg_str name = gateway->instances[look->index].server_name;

    if (look->state.is_reachable)
        wg_log(WG_LOG_INFO, "instance.reachable", "the instance takes connections",
               WG_F_STR("server", name));
    else
        wg_log(WG_LOG_WARN, "instance.unreachable",
               "the instance takes no connection: its events wait in the queue",
               WG_F_STR("server", name), WG_F_TEXT("reason", look->state.error));
}

static void note(struct look *look, const struct wg_err *err)
{
    const struct wg_clock *clock = look->probe->worker->gateway->clock;
    struct wg_probe_state *state = &look->state;
    bool is_reachable = err == NULL;
    bool is_news = state->is_known ? state->is_reachable != is_reachable : !is_reachable;

    state->checked_s = wg_clock_wall_s(clock);
    state->took_ms = wg_clock_mono_ms(clock) - look->started_ms;
    if (!state->is_known || state->is_reachable != is_reachable)
        state->since_s = state->checked_s;
    state->is_known = true;
    state->is_reachable = is_reachable;
    snprintf(state->error, sizeof state->error, "%s", err ? err->text : "");
    if (is_news)
        tell(look);
}

static void on_dialed(void *owner, struct wg_stream *stream, const struct wg_err *err)
{
    struct look *look = owner;
    struct wg_probe *probe = look->probe;

    look->dial = NULL;
    probe->under_way--;
    if (stream)
        wg_stream_close(stream);
    if (probe->is_closing) {
        if (!probe->under_way)
            wg_loop_post(probe->worker->loop, on_end, probe);
        return;
    }
    note(look, stream ? NULL : err);
    look_on(probe);
}

/* A new round begins a while after the one before has ended. */
static void look_on(struct wg_probe *probe)
{
    const struct wg_gateway *gateway = probe->worker->gateway;

    while (probe->at < probe->count && probe->under_way < WG_PROBE_AT_ONCE) {
        struct look *look = &probe->looks[probe->at++];
        struct wg_dial_target target = gateway->instances[look->index].upstream;

        target.is_tls = false;
        look->started_ms = wg_clock_mono_ms(gateway->clock);
        probe->under_way++;
        look->dial = wg_dial(probe->worker->dialer, &target, on_dialed, look);
    }
    if (!probe->under_way)
        wg_timer_start(probe->timer, WG_PROBE_EVERY_MS);
}

static void on_ring(void *owner)
{
    struct wg_probe *probe = owner;

    probe->at = 0;
    look_on(probe);
}

struct wg_probe *wg_probe_new(struct wg_worker *worker)
{
    struct wg_probe *probe = wg_new(struct wg_probe);

    probe->worker = worker;
    probe->count = worker->gateway->instance_count;
    probe->looks = wg_alloc(probe->count * sizeof *probe->looks);
    for (size_t i = 0; i < probe->count; i++)
        probe->looks[i] = (struct look){.probe = probe, .index = i};
    probe->timer = wg_timer_new(worker->loop, on_ring, probe);
    wg_timer_start(probe->timer, 0);
    return probe;
}

void wg_probe_read(const struct wg_probe *probe, size_t index, struct wg_probe_state *ret_state)
{
    *ret_state = probe ? probe->looks[index].state : (struct wg_probe_state){.is_known = false};
}

void wg_probe_close(struct wg_probe *probe, void (*on_closed)(void *owner), void *owner)
{
    probe->is_closing = true;
    probe->on_closed = on_closed;
    probe->owner = owner;
    probe->timer = wg_timer_free(probe->timer);
    for (size_t i = 0; i < probe->count; i++) {
        if (probe->looks[i].dial)
            wg_dial_cancel(probe->looks[i].dial);
    }
    if (!probe->under_way)
        wg_loop_post(probe->worker->loop, on_end, probe);
}
