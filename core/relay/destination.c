// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/alloc.h"
#include "base/id.h"
#include "base/metric.h"
#include "relay/relay_impl.h"

enum {
    IDLE_KEPT = 1024, /* destinations without work whose window is remembered */
    CONTACT_EVERY_MS = 10000,
    NAME_MAX_BYTES = 300,
    RETRY_AFTER_MAX_MS = 3600 * 1000,
    PROBE_FIRST_MS = 1000,
    PROBE_LAST_MS = 15 * 60 * 1000,
};

struct destination *wg_relay_destination(struct wg_relay *relay,
                                         const struct wg_destination *name, bool is_wanted)
{
    char text[NAME_MAX_BYTES];
    struct destination *d;

    snprintf(text, sizeof text, "%c:%.*s", name->is_outbound ? 'o' : 'i', WG_STR_F(name->name));
    d = wg_map_get(&relay->destinations, wg_str(text));
    if (d || !is_wanted)
        return d;
    d = wg_new(struct destination);
    d->relay = relay;
    d->key = wg_strdup(wg_str(text));
    d->name = (struct wg_destination){name->is_outbound, wg_str(d->key + 2)};
    d->window = 1;
    d->is_in_slow_start = true;
    d->wake_at = INT64_MAX;
    d->contacted_at = wg_relay_now(relay) - CONTACT_EVERY_MS;
    wg_map_put(&relay->destinations, wg_str(text), d);
    return d;
}

void wg_relay_destination_free(struct destination *d)
{
    if (d->probes)
        wg_metric_move(CIRCUITS_OPEN, -1);
    wg_free(d->key);
    wg_free(d);
}

void wg_relay_forget(struct destination *d)
{
    struct wg_relay *relay = d->relay;

    if (d->under_way || d->is_fetching || d->is_hurrying || d->is_ready ||
        d->wake_at != INT64_MAX || relay->destinations.count <= IDLE_KEPT)
        return;
    wg_map_take(&relay->destinations, wg_str(d->key));
    wg_relay_destination_free(d);
}

enum wg_relay_class wg_relay_class_of(const struct destination *d)
{
    if (d->probes)
        return FAILING;
    if (d->has_worked)
        return PROVEN;
    return d->was_failing_before || d->failures_in_row ? FAILING : UNTRIED;
}

void wg_relay_recount(struct destination *d)
{
    struct wg_relay *relay = d->relay;

    if (d->is_active)
        relay->active[d->active_class]--;
    d->is_active = d->is_ready || d->is_fetching || d->under_way > 0;
    d->active_class = wg_relay_class_of(d);
    if (d->is_active)
        relay->active[d->active_class]++;
}

/* --- heap of sleepers --- */

static void place(struct wg_relay *relay, size_t at, struct destination *d)
{
    relay->heap[at] = d;
    d->heap_index = at;
}

static void sift_up(struct wg_relay *relay, size_t at)
{
    struct destination *d = relay->heap[at];

    for (; at > 0 && relay->heap[(at - 1) / 2]->wake_at > d->wake_at; at = (at - 1) / 2)
        place(relay, at, relay->heap[(at - 1) / 2]);
    place(relay, at, d);
}

static void sift_down(struct wg_relay *relay, size_t at)
{
    struct destination *d = relay->heap[at];

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= relay->heap_count)
            break;
        if (child + 1 < relay->heap_count &&
            relay->heap[child + 1]->wake_at < relay->heap[child]->wake_at)
            child++;
        if (relay->heap[child]->wake_at >= d->wake_at)
            break;
        place(relay, at, relay->heap[child]);
        at = child;
    }
    place(relay, at, d);
}

static void leave_heap(struct destination *d)
{
    struct wg_relay *relay = d->relay;
    size_t at = d->heap_index;
    struct destination *last;

    if (d->wake_at == INT64_MAX)
        return;
    d->wake_at = INT64_MAX;
    last = relay->heap[--relay->heap_count];
    if (last == d)
        return;
    place(relay, at, last);
    sift_up(relay, at);
    sift_down(relay, last->heap_index);
}

void wg_relay_sleep(struct destination *d, int64_t for_ms)
{
    struct wg_relay *relay = d->relay;

    leave_heap(d);
    if (relay->heap_count == relay->heap_capacity) {
        relay->heap_capacity = relay->heap_capacity ? relay->heap_capacity * 2 : 64;
        relay->heap =
            wg_realloc(relay->heap, relay->heap_capacity * sizeof(struct destination *));
    }
    d->wake_at = wg_relay_now(relay) + (for_ms > 0 ? for_ms : 0);
    place(relay, relay->heap_count, d);
    relay->heap_count++;
    sift_up(relay, relay->heap_count - 1);
}

void wg_relay_wake_due(struct wg_relay *relay)
{
    int64_t now = wg_relay_now(relay);

    while (relay->heap_count > 0 && relay->heap[0]->wake_at <= now) {
        struct destination *d = relay->heap[0];

        leave_heap(d);
        wg_relay_make_ready(d);
    }
}

/* --- readiness --- */

size_t wg_relay_room(struct destination *d)
{
    size_t window = d->probes ? 1 : (size_t)d->window;
    int64_t now = wg_relay_now(d->relay);

    if (d->not_before > now) {
        wg_relay_sleep(d, d->not_before - now);
        return 0;
    }
    return d->under_way < window ? window - d->under_way : 0;
}

void wg_relay_make_ready(struct destination *d)
{
    struct wg_relay *relay = d->relay;
    enum wg_relay_class class = wg_relay_class_of(d);

    if (d->is_fetching || d->is_ready) {
        d->is_to_look_again = d->is_fetching;
        return;
    }
    if (wg_relay_room(d) == 0)
        return; /* an attempt that ends, or time, brings it back */
    leave_heap(d);
    d->is_ready = true;
    d->next_ready = NULL;
    *relay->ready[class].last = d;
    relay->ready[class].last = &d->next_ready;
    wg_relay_recount(d);
}

/* --- pace and circuit --- */

static void grow(struct destination *d, int64_t took_ms)
{
    double limit = (double)d->relay->options.window_limit;

    if (took_ms > d->relay->options.slow_ms) {
        d->is_in_slow_start = false;
        d->window *= 0.75;
    } else {
        d->window += d->is_in_slow_start ? 1 : 1 / d->window;
    }
    if (d->window < 1)
        d->window = 1;
    if (d->window > limit)
        d->window = limit;
}

static void shrink(struct destination *d)
{
    d->is_in_slow_start = false;
    d->window = d->window > 2 ? d->window / 2 : 1;
}

static void probe_later(struct destination *d)
{
    int64_t bound_ms = PROBE_FIRST_MS, at;
    uint64_t random;

    for (int64_t k = 0; k < d->probes && bound_ms < PROBE_LAST_MS; k++)
        bound_ms *= 2;
    if (bound_ms > PROBE_LAST_MS)
        bound_ms = PROBE_LAST_MS;
    if (d->probes++ == 0)
        wg_metric_move(CIRCUITS_OPEN, 1);
    wg_random(&random, sizeof random);
    /* At least half of the bound: a probe right after a probe tells nothing new. */
    at = wg_relay_now(d->relay) + bound_ms / 2 + (int64_t)(random % (uint64_t)(bound_ms / 2));
    if (d->not_before < at)
        d->not_before = at;
}

/* --- making what waits due --- */

static void hurry_on(struct destination *d, struct wg_str cursor);

static void on_hurried(void *owner, const struct wg_err *err,
                       const struct wg_queue_changed *changed)
{
    struct destination *d = owner;
    struct wg_relay *relay = d->relay;

    relay->answers_due--;
    if (relay->is_closing) {
        wg_relay_end_if_closed(relay);
        return;
    }
    d->is_hurrying = false;
    if (err->code == WG_OK && changed->next_cursor.at)
        hurry_on(d, changed->next_cursor);
    wg_relay_make_ready(d);
    wg_relay_kick(relay);
}

static void hurry_on(struct destination *d, struct wg_str cursor)
{
    struct wg_queue_change change = {
        .verb = WG_QUEUE_RETRY,
        .filter = {.state = WG_QUEUE_WAITING, .has_destination = true, .destination = d->name},
        .cursor = cursor,
    };

    d->is_hurrying = true;
    d->relay->answers_due++;
    wg_store_queue_change(d->relay->options.store, d->relay->options.loop, &change, on_hurried,
                          d);
}

static void hurry(struct destination *d)
{
    if (d->is_hurrying || !d->has_retries)
        return;
    d->has_retries = false;
    hurry_on(d, (struct wg_str){0});
}

void wg_relay_contact(struct destination *d)
{
    int64_t now = wg_relay_now(d->relay);

    if (now - d->contacted_at < CONTACT_EVERY_MS)
        return;
    d->contacted_at = now;
    if (d->probes)
        d->not_before = 0; /* of the next probe; a Retry-After of one that works is kept */
    else
        hurry(d);
}

/* --- outcomes --- */

void wg_relay_judge(struct destination *d, const struct wg_relay_result *result,
                    int64_t took_ms)
{
    bool is_answer = result->code == WG_OK || (result->status >= 200 && result->status < 500);
    bool is_busy = result->status == 429 || result->status == 408 || result->status == 425;
    int64_t after_ms = result->retry_after_ms;

    if (after_ms > RETRY_AFTER_MAX_MS)
        after_ms = RETRY_AFTER_MAX_MS;
    if (after_ms > 0 && d->not_before < wg_relay_now(d->relay) + after_ms)
        d->not_before = wg_relay_now(d->relay) + after_ms;
    if (!is_answer) {
        d->failures_in_row++;
        shrink(d);
        if (d->failures_in_row >= (int64_t)d->relay->options.failures_to_open)
            probe_later(d);
        return;
    }
    d->has_worked = true;
    d->failures_in_row = 0;
    if (is_busy)
        shrink(d);
    else
        grow(d, took_ms);
    if (!d->probes)
        return;
    d->probes = 0;
    wg_metric_move(CIRCUITS_OPEN, -1);
    if (after_ms <= 0)
        d->not_before = 0;
    hurry(d);
}
