// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "federation/directory_impl.h"

/* A bounded number of peers has counters of its own, however many there are. A free place goes
 * to the first that counts; later, a peer without one takes the place of one that did far less.
 * A place begins at zero and its peer's earlier counts stay with the others: every sum only
 * grows. */

enum {
    CHOOSE_EVERY_MS = 60 * 1000,
    SWAPS = 8,      /* at most at a time, so that series do not come and go in masses */
    BUSIER_BY = 2,  /* times */
    BUSIER_AND = 10 /* and by so many */
};

void wg_peers_set_series(struct wg_directory *directory, size_t limit)
{
    directory->series.at = wg_alloc((limit + 1) * sizeof *directory->series.at);
    directory->series.limit = limit;
    directory->series.chosen_at_ms = wg_clock_mono_ms(directory->clock);
}

void wg_peer_series_done(struct wg_directory *directory)
{
    for (size_t i = 0; i < directory->series.limit; i++)
        wg_free(directory->series.at[i].name);
    wg_free(directory->series.at);
    pthread_mutex_destroy(&directory->series.lock);
}

static void join(struct wg_peer_slots *series, struct wg_peer_record *record)
{
    pthread_mutex_lock(&series->lock);
    for (size_t i = 0; i < series->limit; i++) {
        struct wg_peer_slot *slot = &series->at[i];

        if (slot->name)
            continue;
        slot->name = wg_strdup(wg_str(record->name));
        for (size_t k = 0; k < WG_PEER_COUNTS; k++)
            atomic_store(&slot->counts[k], 0);
        record->activity->slot = slot;
        atomic_fetch_add(&series->used, 1);
        break;
    }
    pthread_mutex_unlock(&series->lock);
}

void wg_peer_series_count(struct wg_directory *directory, struct wg_peer_record *record,
                          enum wg_peer_count what)
{
    struct wg_peer_slots *series = &directory->series;

    if (!record->activity->slot && atomic_load(&series->used) < series->limit)
        join(series, record);
    atomic_fetch_add_explicit(record->activity->slot ? &record->activity->slot->counts[what]
                                                     : &series->others[what],
                              1, memory_order_relaxed);
}

void wg_peer_series_leave(struct wg_directory *directory, struct wg_peer_record *record)
{
    struct wg_peer_slots *series = &directory->series;
    struct wg_peer_slot *slot = record->activity ? record->activity->slot : NULL;

    if (!slot)
        return;
    pthread_mutex_lock(&series->lock);
    wg_free(slot->name);
    slot->name = NULL;
    record->activity->slot = NULL;
    atomic_fetch_sub(&series->used, 1);
    pthread_mutex_unlock(&series->lock);
}

/* ---- who is the busiest ---- */

struct candidate {
    struct wg_str name;
    int64_t events;
};

/* The busiest without a place, and the least busy with one; both best first. */
struct choice {
    struct candidate in[SWAPS], out[SWAPS];
    size_t in_count, out_count;
};

static void offer(struct candidate *list, size_t *count, struct candidate candidate,
                  bool is_most, struct wg_arena *arena)
{
    size_t at = *count;

    while (at > 0 && (is_most ? candidate.events > list[at - 1].events
                              : candidate.events < list[at - 1].events))
        at--;
    if (at == SWAPS)
        return;
    if (*count < SWAPS)
        (*count)++;
    memmove(&list[at + 1], &list[at], (*count - at - 1) * sizeof *list);
    candidate.name = wg_arena_copy(arena, candidate.name);
    list[at] = candidate;
}

static void consider(const struct wg_peer_record *record, int64_t now_s, struct wg_arena *arena,
                     struct choice *choice)
{
    struct candidate candidate = {.name = wg_str(record->name)};

    if (!record->activity)
        return;
    for (unsigned i = 0; i < WG_PEER_COUNTS; i++)
        candidate.events += wg_directory_sum(record, now_s, (enum wg_peer_count)i);
    if (record->activity->slot)
        offer(choice->out, &choice->out_count, candidate, false, arena);
    else
        offer(choice->in, &choice->in_count, candidate, true, arena);
}

static void swap(struct wg_directory *directory, struct wg_str out, struct wg_str in)
{
    struct wg_directory_shard *shard = wg_directory_enter(directory, out);
    struct wg_peer_record *record = wg_map_get(&shard->records, out);

    if (record)
        wg_peer_series_leave(directory, record);
    pthread_mutex_unlock(&shard->lock);
    shard = wg_directory_enter(directory, in);
    record = wg_map_get(&shard->records, in);
    if (record && record->activity && !record->activity->slot)
        join(&directory->series, record);
    pthread_mutex_unlock(&shard->lock);
}

static void choose(struct wg_directory *directory, struct wg_arena *arena)
{
    int64_t now_s = wg_clock_wall_s(directory->clock);
    struct choice choice = {.in_count = 0};

    for (size_t i = 0; i < WG_DIRECTORY_SHARDS; i++) {
        struct wg_directory_shard *shard = &directory->shards[i];
        size_t cursor = 0;
        struct wg_str name;
        void *record;

        pthread_mutex_lock(&shard->lock);
        while (wg_map_next(&shard->records, &cursor, &name, &record))
            consider(record, now_s, arena, &choice);
        pthread_mutex_unlock(&shard->lock);
    }
    for (size_t i = 0; i < choice.in_count && i < choice.out_count; i++) {
        if (choice.in[i].events <= BUSIER_BY * choice.out[i].events + BUSIER_AND)
            break;
        swap(directory, choice.out[i].name, choice.in[i].name);
    }
}

/* ---- for /metrics ---- */

static size_t copy_slots(struct wg_peer_slots *series, struct wg_arena *arena,
                         struct wg_peer_series *rows)
{
    size_t count = 0;

    pthread_mutex_lock(&series->lock);
    for (size_t i = 0; i < series->limit; i++) {
        struct wg_peer_slot *slot = &series->at[i];

        if (!slot->name)
            continue;
        rows[count].name = wg_arena_copy(arena, wg_str(slot->name));
        for (size_t k = 0; k < WG_PEER_COUNTS; k++)
            rows[count].counts[k] = atomic_load(&slot->counts[k]);
        count++;
    }
    pthread_mutex_unlock(&series->lock);
    return count;
}

size_t wg_peers_series(struct wg_directory *directory, struct wg_arena *arena,
                       struct wg_peer_series **ret_series)
{
    struct wg_peer_slots *series = &directory->series;
    int64_t now_ms = wg_clock_mono_ms(directory->clock);
    struct wg_peer_series *rows = wg_arena_alloc(arena, (series->limit + 1) * sizeof *rows);
    size_t count;

    if (series->limit && now_ms - series->chosen_at_ms >= CHOOSE_EVERY_MS) {
        series->chosen_at_ms = now_ms;
        choose(directory, arena);
    }
    count = copy_slots(series, arena, rows);
    for (size_t i = 0; i < count; i++) {
        struct wg_peer_facts facts;

        wg_directory_facts(directory, rows[i].name, &facts);
        rows[i].last_seen_s = facts.last_seen_s;
    }
    rows[count].name = (struct wg_str){NULL, 0};
    rows[count].last_seen_s = -1;
    for (size_t k = 0; k < WG_PEER_COUNTS; k++)
        rows[count].counts[k] = atomic_load(&series->others[k]);
    *ret_series = rows;
    return count + 1;
}

size_t wg_peers_known(struct wg_directory *directory)
{
    size_t count = 0;

    for (size_t i = 0; i < WG_DIRECTORY_SHARDS; i++) {
        pthread_mutex_lock(&directory->shards[i].lock);
        count += directory->shards[i].records.count;
        pthread_mutex_unlock(&directory->shards[i].lock);
    }
    return count;
}
