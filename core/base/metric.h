// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/code.h"

/** What the process counts and measures of itself, declared in metrics.def; /metrics writes it.
 *
 * Like the log it is one for the process. Recording takes no lock: each thread adds to cells of
 * its own (relaxed atomics, since more threads than cells share), and whoever reads sums them
 * up. Any thread, for everything here. */

enum wg_label {
#define WG_LABEL(id, name, places, words, help) WG_LABEL_##id,
#include "base/metrics.def"
    WG_LABELS
};

enum wg_metric {
#define WG_METRIC(id, kind, name, a, b, c, d, help) WG_METRIC_##id,
#include "base/metrics.def"
    WG_METRICS
};

enum wg_metric_kind {
    WG_METRIC_KIND_COUNTER,
    WG_METRIC_KIND_LEVEL,
    WG_METRIC_KIND_HISTOGRAM,
    WG_METRIC_KIND_READ_COUNTER,
    WG_METRIC_KIND_READ_GAUGE,
};

enum {
    WG_METRIC_LABELS = 4,
    WG_METRIC_BUCKETS =
        20, /**< of a histogram; what is above the last is counted in one more */
    WG_METRIC_HISTOGRAM_CELLS = WG_METRIC_BUCKETS + 2, /**< buckets, the rest, the sum in ns */
};

struct wg_metric_family {
    const char *name, *help;
    enum wg_metric_kind kind;
    enum wg_label labels[WG_METRIC_LABELS]; /**< WG_LABEL_NONE: no more */
};
const struct wg_metric_family *wg_metric_family(enum wg_metric metric);

struct wg_metric_label {
    const char *name, *help;
    unsigned places;
    const char *words;
};
const struct wg_metric_label *wg_metric_label(enum wg_label label);

enum { WG_METRIC_VALUE = 64 };
/** The value of a label as text, copied to ret_text. */
const char *wg_metric_value(enum wg_label label, unsigned place,
                            char ret_text[WG_METRIC_VALUE]);
/** The place of a word. @return false when the label has no such value */
bool wg_metric_place(enum wg_label label, const char *word, unsigned *ret_place);

/** Where in a family: the place of each of its labels. */
struct wg_metric_at {
    unsigned places[WG_METRIC_LABELS + 1];
};
#define WG_METRIC_AT(...)                            \
    (struct wg_metric_at)                            \
    {                                                \
        {                                            \
            __VA_ARGS__ __VA_OPT__(, ) WG_LABEL_NONE \
        }                                            \
    }

/** wg_metric_count(SIGNATURES, WG_SIGNED_EVENT, WG_RESULT_FAILURE) */
#define wg_metric_count(id, ...) wg_metric_add(WG_METRIC_##id, WG_METRIC_AT(__VA_ARGS__), 1)
/** wg_metric_move(CONNECTIONS_OPEN, -1, door): of a LEVEL. */
#define wg_metric_move(id, by, ...) wg_metric_add(WG_METRIC_##id, WG_METRIC_AT(__VA_ARGS__), by)
/** wg_metric_time(STAGE_TIME, ns, direction, stage): of a HISTOGRAM. */
#define wg_metric_time(id, ns, ...) \
    wg_metric_observe(WG_METRIC_##id, WG_METRIC_AT(__VA_ARGS__), ns)

void wg_metric_add(enum wg_metric metric, struct wg_metric_at at, int64_t by);
void wg_metric_observe(enum wg_metric metric, struct wg_metric_at at, int64_t ns);
/** The clock that durations are taken from: monotonic, of the machine. */
int64_t wg_metric_now_ns(void);

/** The upper bound of each bucket, in nanoseconds. */
extern const int64_t wg_metric_bounds_ns[WG_METRIC_BUCKETS];
/** Cells of a recorded family: one for each combination of places, the last label running
 * fastest, or WG_METRIC_HISTOGRAM_CELLS for each; 0 for those that are read. */
size_t wg_metric_cell_count(enum wg_metric metric);
/** Sums them up. ret_cells has room for wg_metric_cell_count(). */
void wg_metric_read(enum wg_metric metric, int64_t *ret_cells);

/* Places of the labels that have no enum elsewhere; those of DIRECTION, ENDPOINT, OUTCOME, HOOK
 * and VERDICT are the values of their owners' enums. */
enum { WG_RESULT_SUCCESS, WG_RESULT_FAILURE };
enum { WG_SIGNED_REQUEST, WG_SIGNED_EVENT, WG_SIGNED_HISTORY };
enum {
    WG_DISCOVERY_SUCCESS,
    WG_DISCOVERY_UNREACHABLE,
    WG_DISCOVERY_UNUSABLE,
    WG_DISCOVERY_CANCELLED
};
enum { WG_ATTEMPT_SENT, WG_ATTEMPT_RETRY, WG_ATTEMPT_DEAD, WG_ATTEMPT_CANCELLED };
enum wg_purpose {
    WG_PURPOSE_OTHER,
    WG_PURPOSE_UPSTREAM,
    WG_PURPOSE_DELIVERY,
    WG_PURPOSE_READ,
    WG_PURPOSE_DISCOVERY,
    WG_PURPOSE_POLICY,
    WG_PURPOSE_LIST
};
enum { WG_RELOADED_POLICY, WG_RELOADED_CERTIFICATES, WG_RELOADED_LOG };
enum wg_door { WG_DOOR_INGRESS, WG_DOOR_EGRESS, WG_DOOR_ADMIN };
enum { WG_ARRIVAL_ACCEPTED, WG_ARRIVAL_REFUSED, WG_ARRIVAL_HANDSHAKE_FAILED };
enum { WG_LOOP_CONTROL, WG_LOOP_FIRST_WORKER, WG_LOOP_LAST_WORKER = 64 };

/** The place of an HTTP status in ANSWER; 0: none came. */
unsigned wg_metric_answer(int status);
/** The place in CODE; WG_OK: none. Codes without an answer of their own are INTERNAL. */
unsigned wg_metric_code(enum wg_code code);
