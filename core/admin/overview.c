// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <unistd.h>

#include "admin/metrics_impl.h"
#include "federation/peers.h"

/* What `wavegate top` shows, in one answer that may be asked for every second: counts since the
 * start, whose differences are the asker's to take. Peers are those with series of their own in
 * /metrics, so the answer does not grow with the number of peers. */

enum { DEEPEST = 20, LOOPS = WG_LOOP_LAST_WORKER + 1, NS_PER_US = 1000 };

static json_t *count_json(int64_t count)
{
    return json_integer((json_int_t)count);
}

/* The cells of a family; the caller's. */
static int64_t *read_cells(enum wg_metric metric)
{
    int64_t *cells = wg_alloc(wg_metric_cell_count(metric) * sizeof *cells);

    wg_metric_read(metric, cells);
    return cells;
}

/* One row for each combination of labels that has been counted. */
static json_t *rows_of(enum wg_metric metric)
{
    const struct wg_metric_family *family = wg_metric_family(metric);
    size_t count = wg_metric_cell_count(metric);
    int64_t *cells = read_cells(metric);
    json_t *rows = json_array();

    for (size_t i = 0; i < count; i++) {
        size_t rest = i;
        json_t *row;

        if (cells[i] == 0)
            continue;
        row = json_object();
        for (unsigned k = WG_METRIC_LABELS; k-- > 0;) {
            const struct wg_metric_label *label = wg_metric_label(family->labels[k]);
            char value[WG_METRIC_VALUE];

            if (family->labels[k] == WG_LABEL_NONE)
                continue;
            wg_metric_value(family->labels[k], (unsigned)(rest % label->places), value);
            json_object_set_new(row, label->name, json_string(value));
            rest /= label->places;
        }
        json_object_set_new(row, "total", count_json(cells[i]));
        json_array_append_new(rows, row);
    }
    wg_free(cells);
    return rows;
}

/* Counts by bucket, of the combinations from first on. */
static json_t *buckets_of(const int64_t *cells, size_t first, size_t combinations)
{
    int64_t sums[WG_METRIC_BUCKETS + 1] = {0};
    json_t *buckets = json_array();

    for (size_t i = first; i < first + combinations; i++) {
        for (size_t k = 0; k <= WG_METRIC_BUCKETS; k++)
            sums[k] += cells[i * WG_METRIC_HISTOGRAM_CELLS + k];
    }
    for (size_t k = 0; k <= WG_METRIC_BUCKETS; k++)
        json_array_append_new(buckets, count_json(sums[k]));
    return buckets;
}

static json_t *latency_json(void)
{
    size_t combinations =
        wg_metric_cell_count(WG_METRIC_EXCHANGE_TIME) / WG_METRIC_HISTOGRAM_CELLS / 2;
    int64_t *cells = read_cells(WG_METRIC_EXCHANGE_TIME);
    json_t *json = json_pack("{s:o, s:o}", "inbound", buckets_of(cells, 0, combinations),
                             "outbound", buckets_of(cells, combinations, combinations));

    wg_free(cells);
    return json;
}

static json_t *bounds_json(void)
{
    json_t *bounds = json_array();

    for (size_t i = 0; i < WG_METRIC_BUCKETS; i++)
        json_array_append_new(bounds, json_real((double)wg_metric_bounds_ns[i] / 1e6));
    return bounds;
}

/* How long each loop has been awake. */
static json_t *loops_json(const struct wg_gateway *gateway)
{
    int64_t *cells = read_cells(WG_METRIC_LOOP_TURN);
    json_t *loops = json_array();

    for (unsigned i = 0; i <= gateway->worker_count && i < LOOPS; i++) {
        char name[WG_METRIC_VALUE];
        int64_t busy_ns = cells[i * WG_METRIC_HISTOGRAM_CELLS + WG_METRIC_BUCKETS + 1];

        wg_metric_value(WG_LABEL_LOOP, i, name);
        json_array_append_new(loops, json_pack("{s:s, s:I}", "loop", name, "busy_us",
                                               (json_int_t)(busy_ns / NS_PER_US)));
    }
    wg_free(cells);
    return loops;
}

static json_t *store_json(const struct wg_store_figures *figures)
{
    int64_t *cells = read_cells(WG_METRIC_STORE_COMMIT_TIME);
    json_t *json = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:o}", "commits", (json_int_t)figures->commits,
        "committed", (json_int_t)figures->committed, "failures", (json_int_t)figures->failures,
        "waiting", (json_int_t)figures->requests_waiting, "audit_rows",
        (json_int_t)figures->audit_rows, "writable", figures->is_writable, "free_disk_bytes",
        (json_int_t)figures->free_disk_bytes, "commit_time", buckets_of(cells, 0, 1));

    wg_free(cells);
    return json;
}

/* ---- the queue ---- */

struct depth {
    struct wg_str key; /* "o:peer", "i:instance" */
    int64_t deliveries;
};

static int compare_depths(const void *a, const void *b)
{
    const struct depth *left = a, *right = b;

    return (left->deliveries < right->deliveries) - (left->deliveries > right->deliveries);
}

static json_t *deepest_json(struct wg_metrics_queue *queue)
{
    struct depth *depths = wg_alloc((queue->depths.count + 1) * sizeof *depths);
    size_t count = 0;
    size_t cursor = 0;
    json_t *rows = json_array();
    void *value;

    while (wg_map_next(&queue->depths, &cursor, &depths[count].key, &value))
        depths[count++].deliveries = (int64_t)(uintptr_t)value;
    qsort(depths, count, sizeof *depths, compare_depths);
    for (size_t i = 0; i < count && i < DEEPEST; i++) {
        struct wg_str name = wg_str_of(depths[i].key.at + 2, depths[i].key.len - 2);

        json_array_append_new(
            rows, json_pack("{s:o, s:s, s:I}", "destination", wg_admin_string(name),
                            "direction", depths[i].key.at[0] == 'o' ? "outbound" : "inbound",
                            "deliveries", (json_int_t)depths[i].deliveries));
    }
    wg_free(depths);
    return rows;
}

static json_t *queue_json(const struct wg_admin_request *request,
                          const struct wg_store_figures *figures)
{
    struct wg_metrics_queue *queue = request->admin->queue;
    json_t *json =
        json_pack("{s:I, s:I, s:I, s:I}", "waiting", (json_int_t)figures->deliveries, "held",
                  (json_int_t)figures->held, "dead", (json_int_t)figures->dead, "bytes",
                  (json_int_t)figures->body_bytes);
    int64_t circuits = 0;

    wg_metric_read(WG_METRIC_CIRCUITS_OPEN, &circuits);
    json_object_set_new(json, "circuits_open", count_json(circuits));
    json_object_set_new(json, "suspensions", count_json(queue ? queue->suspensions : 0));
    json_object_set_new(json, "oldest_inbound_ms",
                        count_json(queue ? queue->oldest_ms[WG_INBOUND] : 0));
    json_object_set_new(json, "oldest_outbound_ms",
                        count_json(queue ? queue->oldest_ms[WG_OUTBOUND] : 0));
    json_object_set_new(json, "destinations", queue ? deepest_json(queue) : json_array());
    return json;
}

/* ---- peers and instances ---- */

static json_t *peer_json(const struct wg_admin_request *request,
                         const struct wg_peer_series *series)
{
    static const char *const names[WG_PEER_COUNTS] = {"received", "refused", "sent", "failed"};
    json_t *known = wg_peers_describe(request->gateway->directory, series->name);
    json_t *error = json_object_get(known, "last_error");
    json_t *row = json_object();

    json_object_set_new(row, "server_name", wg_admin_string(series->name));
    for (size_t i = 0; i < WG_PEER_COUNTS; i++)
        json_object_set_new(row, names[i], count_json((int64_t)series->counts[i]));
    json_object_set_new(row, "last_seen",
                        series->last_seen_s >= 0 ? count_json(series->last_seen_s)
                                                 : json_null());
    json_object_set(row, "last_error", json_is_object(error) ? error : json_null());
    json_decref(known);
    return row;
}

static json_t *peers_json(const struct wg_admin_request *request)
{
    struct wg_directory *directory = request->gateway->directory;
    json_t *rows = json_array();
    struct wg_peer_series *series;
    size_t count = wg_peers_series(directory, request->arena, &series);

    for (size_t i = 0; i < count; i++) {
        if (series[i].name.at)
            json_array_append_new(rows, peer_json(request, &series[i]));
    }
    return json_pack("{s:I, s:o}", "known", (json_int_t)wg_peers_known(directory), "rows",
                     rows);
}

static json_t *instances_json(const struct wg_gateway *gateway)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < gateway->instance_count; i++) {
        const char *failure = wg_policy_last_failure(gateway->policy, i);
        int64_t until_s = atomic_load(&gateway->certificate_until_s[i]);
        struct wg_policy_edition newest = {0};

        (void)wg_policy_generations(gateway->policy, i, &newest, 1);
        json_array_append_new(
            rows, json_pack("{s:o, s:I, s:I, s:o, s:o}", "server_name",
                            wg_admin_string(wg_str(gateway->config->instances[i].server_name)),
                            "generation", (json_int_t)newest.number, "loaded_at",
                            (json_int_t)(newest.loaded_at_ms / 1000), "last_load_failure",
                            failure ? wg_admin_string(wg_str(failure)) : json_null(),
                            "certificate_until", until_s ? count_json(until_s) : json_null()));
    }
    return rows;
}

static json_t *process_json(void)
{
    return json_pack("{s:f, s:I, s:I, s:I}", "cpu_s", wg_metrics_process(WG_METRIC_CPU),
                     "resident_bytes", (json_int_t)wg_metrics_process(WG_METRIC_RESIDENT),
                     "open_fds", (json_int_t)wg_metrics_process(WG_METRIC_OPEN_FDS),
                     "started_at", (json_int_t)wg_metrics_process(WG_METRIC_START_TIME));
}

static void answer(void *owner)
{
    struct wg_admin_request *request = owner;
    const struct wg_gateway *gateway = request->gateway;
    struct wg_store_figures figures;
    json_t *json =
        json_pack("{s:s, s:I, s:I, s:I, s:I}", "version", WAVEGATE_VERSION, "pid",
                  (json_int_t)getpid(), "now", (json_int_t)wg_clock_wall_s(gateway->clock),
                  "mono_ms", (json_int_t)wg_clock_mono_ms(gateway->clock), "workers",
                  (json_int_t)gateway->worker_count);

    wg_store_read_figures(gateway->store, &figures);
    json_object_set_new(json, "process", process_json());
    json_object_set_new(json, "exchanges", rows_of(WG_METRIC_EXCHANGES));
    json_object_set_new(json, "in_progress", rows_of(WG_METRIC_EXCHANGES_OPEN));
    json_object_set_new(json, "attempts", rows_of(WG_METRIC_ATTEMPTS));
    json_object_set_new(json, "connections", rows_of(WG_METRIC_CONNECTIONS_OPEN));
    json_object_set_new(json, "log_lines", rows_of(WG_METRIC_LOG_LINES));
    json_object_set_new(json, "bounds_ms", bounds_json());
    json_object_set_new(json, "latency", latency_json());
    json_object_set_new(json, "loops", loops_json(gateway));
    json_object_set_new(json, "store", store_json(&figures));
    json_object_set_new(json, "queue", queue_json(request, &figures));
    json_object_set_new(json, "peers", peers_json(request));
    json_object_set_new(json, "instances", instances_json(gateway));
    wg_admin_answer(request, 200, json);
}

/* What waits, and for whom, is asked of the store: for a moment at most. */
void wg_admin_overview(struct wg_admin_request *request)
{
    wg_metrics_ask_queue(request->admin, answer, request);
}
