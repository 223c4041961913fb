// SPDX-License-Identifier: Apache-2.0
#include "relay/relay.h"

#include "base/alloc.h"
#include "relay/relay_impl.h"

enum {
    QUANTUM = 8,           /* of one destination before the next has its turn */
    LOOK_EVERY_MS = 60000, /* even where nothing is due: clocks are stepped, operators work */
    AFTER_FAILURE_MS = 1000,
};

int64_t wg_relay_now(const struct wg_relay *relay)
{
    return wg_clock_mono_ms(relay->options.clock);
}

void wg_relay_kick(struct wg_relay *relay)
{
    if (relay->is_soon || relay->is_closing)
        return;
    relay->is_soon = true;
    relay->options.wake_in(relay->options.owner, 0);
}

struct wg_relay *wg_relay_new(const struct wg_relay_options *options)
{
    struct wg_relay *relay = wg_new(struct wg_relay);
    struct wg_relay_options *o = &relay->options;

    *o = *options;
    if (o->count == 0)
        o->count = 1;
    if (o->under_way_limit == 0)
        o->under_way_limit = 1024;
    if (o->window_limit == 0)
        o->window_limit = 32;
    if (o->connections_kept == 0)
        o->connections_kept = o->under_way_limit;
    if (o->slow_ms == 0)
        o->slow_ms = 3000;
    if (o->failures_to_open == 0)
        o->failures_to_open = 5;
    if (!o->clock)
        o->clock = wg_clock_system();
    wg_map_init(&relay->destinations);
    for (int i = 0; i < CLASSES; i++)
        relay->ready[i].last = &relay->ready[i].first;
    return relay;
}

unsigned wg_relay_of(const struct wg_destination *destination, unsigned count)
{
    uint64_t hash = wg_hash(destination->name.at, destination->name.len);

    return count > 1 ? (unsigned)((hash + destination->is_outbound) % count) : 0;
}

/* --- fetching --- */

static void on_heads(void *owner, const struct wg_err *err, const struct wg_heads *heads)
{
    struct destination *d = owner;
    struct wg_relay *relay = d->relay;
    bool is_to_look_again = d->is_to_look_again;

    relay->answers_due--;
    relay->under_way[d->asked_class] -= d->asked;
    d->is_fetching = d->is_to_look_again = false;
    wg_relay_recount(d);
    if (relay->is_closing) {
        wg_relay_end_if_closed(relay);
        return;
    }
    for (size_t i = 0; heads && i < heads->count; i++)
        wg_relay_begin(d, &heads->deliveries[i], d->asked_class);
    if (err->code != WG_OK)
        wg_relay_sleep(d, AFTER_FAILURE_MS);
    else if (heads->has_more || is_to_look_again)
        wg_relay_make_ready(d);
    else if (heads->next_due_in_ms != INT64_MAX || d->under_way > 0)
        wg_relay_sleep(d, heads->next_due_in_ms < LOOK_EVERY_MS ? heads->next_due_in_ms
                                                                : LOOK_EVERY_MS);
    else
        wg_relay_forget(d);
    wg_relay_kick(relay);
}

static void fetch(struct destination *d, size_t count)
{
    struct wg_relay *relay = d->relay;
    struct wg_str *busy = wg_alloc((d->under_way + 1) * sizeof *busy);
    struct wg_next next = {
        .destination = d->name,
        /* A probe is whatever is due first, whether its own time has come or not. */
        .due_within_ms = d->probes ? INT64_MAX : 0,
        .busy_rooms = busy,
        .limit = count,
    };

    for (struct attempt *a = d->attempts; a; a = a->next)
        busy[next.busy_count++] = a->delivery.key.room_id;
    d->is_fetching = true;
    d->asked = count;
    d->asked_class = wg_relay_class_of(d);
    relay->under_way[d->asked_class] += count;
    relay->answers_due++;
    wg_store_next(relay->options.store, relay->options.loop, &next, on_heads, d);
    wg_free(busy);
}

/* What a class may take of the relay, so that dead peers, however many, leave room for the
 * others, and untried ones for those that are known to work. */
static size_t share_of(const struct wg_relay *relay, enum wg_relay_class class)
{
    size_t all = relay->options.under_way_limit;
    size_t share = class == FAILING ? all / 4 : class == UNTRIED ? all / 2 : all - all / 4;

    return share ? share : 1;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What one destination may have under way while others want their turn: a thousand peers with
 * eight each would never find a connection of theirs still open when their turn comes again. */
static size_t part_of(const struct wg_relay *relay, enum wg_relay_class class)
{
    size_t all = smaller(share_of(relay, class), relay->options.connections_kept);
    size_t part = all / (relay->active[class] ? relay->active[class] : 1);

    return part ? part : 1;
}

/* Round and round through the destinations of a class while there is room. */
static void serve(struct wg_relay *relay, enum wg_relay_class class)
{
    while (relay->ready[class].first) {
        struct destination *d = relay->ready[class].first;
        size_t all =
            relay->under_way[PROVEN] + relay->under_way[UNTRIED] + relay->under_way[FAILING];
        size_t part = part_of(relay, class);
        size_t room;

        if (all >= relay->options.under_way_limit ||
            relay->under_way[class] >= share_of(relay, class))
            return;
        relay->ready[class].first = d->next_ready;
        if (!d->next_ready)
            relay->ready[class].last = &relay->ready[class].first;
        d->is_ready = false;
        room = part > d->under_way ? smaller(part - d->under_way, QUANTUM) : 0;
        room = smaller(wg_relay_room(d), room);
        room = smaller(room, relay->options.under_way_limit - all);
        room = smaller(room, share_of(relay, class) - relay->under_way[class]);
        if (room > 0)
            fetch(d, room);
        wg_relay_recount(d); /* else what ends next brings it back */
    }
}

void wg_relay_turn(struct wg_relay *relay)
{
    int64_t wake_at, now;

    relay->is_soon = false;
    if (relay->is_closing)
        return;
    wake_at = wg_relay_settle_again(relay);
    wg_relay_wake_due(relay);
    for (int class = 0; class < CLASSES; class ++)
        serve(relay, (enum wg_relay_class) class);
    if (relay->heap_count > 0 && relay->heap[0]->wake_at < wake_at)
        wake_at = relay->heap[0]->wake_at;
    now = wg_relay_now(relay);
    if (wake_at != INT64_MAX)
        relay->options.wake_in(relay->options.owner, wake_at > now ? wake_at - now : 0);
}

/* --- starting, waking --- */

static void ask_destinations(struct wg_relay *relay, struct wg_str cursor);

static void on_destinations(void *owner, const struct wg_err *err,
                            const struct wg_destination_page *page)
{
    struct wg_relay *relay = owner;

    relay->answers_due--;
    for (size_t i = 0; page && !relay->is_closing && i < page->count; i++) {
        const struct wg_destination_state *state = &page->states[i];
        struct destination *d;

        if (wg_relay_of(&state->destination, relay->options.count) != relay->options.index)
            continue;
        d = wg_relay_destination(relay, &state->destination, true);
        d->has_retries = state->due_in_ms > 0;
        wg_relay_make_ready(d);
    }
    wg_relay_kick(relay);
    if (page && page->next_cursor.at && !relay->is_closing)
        ask_destinations(relay, page->next_cursor);
    else if (relay->on_started)
        relay->on_started(relay->started_owner, err);
    wg_relay_end_if_closed(relay);
}

static void ask_destinations(struct wg_relay *relay, struct wg_str cursor)
{
    relay->answers_due++;
    wg_store_destinations(relay->options.store, relay->options.loop, cursor, WG_QUEUE_PAGE_MAX,
                          on_destinations, relay);
}

void wg_relay_start(struct wg_relay *relay,
                    void (*on_started)(void *owner, const struct wg_err *err), void *owner)
{
    relay->on_started = on_started;
    relay->started_owner = owner;
    ask_destinations(relay, (struct wg_str){0});
}

void wg_relay_wake(struct wg_relay *relay, const struct wg_destination *destination,
                   enum wg_relay_wake why)
{
    struct destination *d;

    if (relay->is_closing)
        return;
    /* Whoever talks to us and is not known here has nothing waiting for it. */
    d = wg_relay_destination(relay, destination, why != WG_RELAY_CONTACT);
    if (!d)
        return;
    if (why == WG_RELAY_CHANGED)
        d->not_before = 0;
    if (why == WG_RELAY_CONTACT)
        wg_relay_contact(d);
    wg_relay_make_ready(d);
    wg_relay_kick(relay);
}

/* --- ending --- */

void wg_relay_end_if_closed(struct wg_relay *relay)
{
    struct wg_str key;
    size_t cursor = 0;
    void *value;

    if (!relay->is_closing || relay->answers_due > 0 || relay->is_closed_told)
        return;
    while (wg_map_next(&relay->destinations, &cursor, &key, &value)) {
        if (((struct destination *)value)->under_way > 0)
            return;
    }
    relay->is_closed_told = true;
    cursor = 0;
    while (wg_map_next(&relay->destinations, &cursor, &key, &value)) {
        struct destination *d = wg_map_take(&relay->destinations, key);

        wg_relay_destination_free(d);
    }
    wg_map_done(&relay->destinations, NULL);
    void (*on_closed)(void *owner) = relay->on_closed;
    void *owner = relay->closed_owner;

    wg_free(relay->heap);
    wg_free(relay);
    if (on_closed)
        on_closed(owner);
}

void wg_relay_close(struct wg_relay *relay, void (*on_closed)(void *owner), void *owner)
{
    relay->is_closing = true;
    relay->on_closed = on_closed;
    relay->closed_owner = owner;
    wg_relay_settle_again(relay); /* a last time */
    wg_relay_end_if_closed(relay);
}

/* --- looking --- */

void wg_relay_read_figures(const struct wg_relay *relay, struct wg_relay_figures *ret_figures)
{
    struct wg_str key;
    size_t cursor = 0;
    void *value;

    *ret_figures = (struct wg_relay_figures){.destinations = relay->destinations.count,
                                             .sent = relay->sent,
                                             .retried = relay->retried,
                                             .dead = relay->dead};
    while (wg_map_next(&relay->destinations, &cursor, &key, &value)) {
        const struct destination *d = value;

        ret_figures->under_way += d->under_way;
        ret_figures->failing += d->probes > 0;
    }
}

bool wg_relay_look(struct wg_relay *relay, const struct wg_destination *destination,
                   struct wg_relay_view *ret_view)
{
    const struct destination *d = wg_relay_destination(relay, destination, false);
    int64_t next;

    if (!d)
        return false;
    next = d->wake_at > d->not_before ? d->wake_at : d->not_before;
    *ret_view = (struct wg_relay_view){
        .window = d->window,
        .under_way = d->under_way,
        .failures_in_row = d->failures_in_row,
        .is_open = d->probes > 0,
        .next_in_ms = next == INT64_MAX ? INT64_MAX : next - wg_relay_now(relay),
    };
    return true;
}
