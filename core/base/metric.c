// SPDX-License-Identifier: Apache-2.0
#include "base/metric.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/macros.h"
#include "base/str.h"

static const struct wg_metric_label labels[] = {
#define WG_LABEL(id, name, places, words, help) {name, help, places, words},
#include "base/metrics.def"
};

static const struct wg_metric_family families[] = {
#define WG_METRIC(id, kind, name, a, b, c, d, help) \
    {name,                                          \
     help,                                          \
     WG_METRIC_KIND_##kind,                         \
     {WG_LABEL_##a, WG_LABEL_##b, WG_LABEL_##c, WG_LABEL_##d}},
#include "base/metrics.def"
};

/* How many cells each family takes, and where they begin: known when this is compiled. */
enum {
#define WG_LABEL(id, name, places, words, help) PLACES_##id = places,
#include "base/metrics.def"
    CELLS_COUNTER = 1,
    CELLS_LEVEL = 1,
    CELLS_HISTOGRAM = WG_METRIC_HISTOGRAM_CELLS,
    CELLS_READ_COUNTER = 0,
    CELLS_READ_GAUGE = 0,
};

enum {
#define WG_METRIC(id, kind, name, a, b, c, d, help) \
    FIRST_##id,                                     \
        LAST_##id =                                 \
            FIRST_##id + CELLS_##kind * PLACES_##a * PLACES_##b * PLACES_##c * PLACES_##d - 1,
#include "base/metrics.def"
    CELLS
};

static const unsigned first_cells[] = {
#define WG_METRIC(id, kind, name, a, b, c, d, help) FIRST_##id,
#include "base/metrics.def"
    CELLS};

enum { SHARDS = 32 };

static struct shard {
    _Alignas(64) _Atomic int64_t cells[CELLS];
} shards[SHARDS];
static atomic_uint thread_count;
static _Thread_local struct shard *mine;

/* The usual 1, 2.5, 5 from 10 us to 10 s, and what a slow peer may take. */
#define DECADE(unit) 10 * (unit), 25 * (unit), 50 * (unit)
const int64_t wg_metric_bounds_ns[WG_METRIC_BUCKETS] = {
    DECADE(INT64_C(1000)),    DECADE(INT64_C(10000)),    DECADE(INT64_C(100000)),
    DECADE(INT64_C(1000000)), DECADE(INT64_C(10000000)), DECADE(INT64_C(100000000)),
    INT64_C(10000000000),     INT64_C(30000000000),
};

const struct wg_metric_family *wg_metric_family(enum wg_metric metric)
{
    return &families[metric];
}

const struct wg_metric_label *wg_metric_label(enum wg_label label)
{
    return &labels[label];
}

/* ---- words ---- */

const char *wg_metric_value(enum wg_label label, unsigned place, char ret_text[WG_METRIC_VALUE])
{
    struct wg_str rest = wg_str(labels[label].words);
    unsigned at = 0;

    if (label == WG_LABEL_CODE) {
        snprintf(ret_text, WG_METRIC_VALUE, "%s",
                 place ? wg_code_answer((enum wg_code)place) : "none");
        return ret_text;
    }
    while (rest.at && rest.len) {
        struct wg_str word = wg_str_split(&rest, ' ');

        if (at++ == place) {
            snprintf(ret_text, WG_METRIC_VALUE, "%.*s", WG_STR_F(word));
            return ret_text;
        }
    }
    snprintf(ret_text, WG_METRIC_VALUE, "%u", place - at);
    return ret_text;
}

bool wg_metric_place(enum wg_label label, const char *word, unsigned *ret_place)
{
    char text[WG_METRIC_VALUE];

    for (unsigned place = 0; place < labels[label].places; place++) {
        if (strcmp(wg_metric_value(label, place, text), word) == 0) {
            *ret_place = place;
            return true;
        }
    }
    return false;
}

unsigned wg_metric_answer(int status)
{
    return status >= 100 && status < 600 ? (unsigned)status / 100 : 0;
}

unsigned wg_metric_code(enum wg_code code)
{
    return code <= WG_INTERNAL ? code : WG_INTERNAL;
}

/* ---- recording ---- */

int64_t wg_metric_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct shard *shard_of_thread(void)
{
    if (!mine)
        mine = &shards[atomic_fetch_add(&thread_count, 1) % SHARDS];
    return mine;
}

/* @return the first of its cells, or NULL for a place that is none: a bug of ours. */
static _Atomic int64_t *cells_at(enum wg_metric metric, const struct wg_metric_at *at,
                                 size_t size)
{
    const struct wg_metric_family *family = &families[metric];
    size_t index = 0;

    for (size_t i = 0; i < WG_METRIC_LABELS && family->labels[i] != WG_LABEL_NONE; i++) {
        unsigned places = labels[family->labels[i]].places;

        if (!WG_CHECK(at->places[i] < places))
            return NULL;
        index = index * places + at->places[i];
    }
    return &shard_of_thread()->cells[first_cells[metric] + index * size];
}

static void add(_Atomic int64_t *cell, int64_t by)
{
    atomic_fetch_add_explicit(cell, by, memory_order_relaxed);
}

void wg_metric_add(enum wg_metric metric, struct wg_metric_at at, int64_t by)
{
    _Atomic int64_t *cell = cells_at(metric, &at, 1);

    if (cell)
        add(cell, by);
}

void wg_metric_observe(enum wg_metric metric, struct wg_metric_at at, int64_t ns)
{
    _Atomic int64_t *cells = cells_at(metric, &at, WG_METRIC_HISTOGRAM_CELLS);
    size_t bucket = 0;

    if (!cells)
        return;
    while (bucket < WG_METRIC_BUCKETS && ns > wg_metric_bounds_ns[bucket])
        bucket++;
    add(&cells[bucket], 1);
    add(&cells[WG_METRIC_BUCKETS + 1], ns > 0 ? ns : 0);
}

/* ---- reading ---- */

size_t wg_metric_cell_count(enum wg_metric metric)
{
    return first_cells[metric + 1] - first_cells[metric];
}

void wg_metric_read(enum wg_metric metric, int64_t *ret_cells)
{
    size_t count = wg_metric_cell_count(metric);
    size_t used = atomic_load(&thread_count);

    memset(ret_cells, 0, count * sizeof *ret_cells);
    for (size_t k = 0; k < SHARDS && k < used; k++) {
        for (size_t i = 0; i < count; i++)
            ret_cells[i] += atomic_load_explicit(&shards[k].cells[first_cells[metric] + i],
                                                 memory_order_relaxed);
    }
}
