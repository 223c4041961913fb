// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "admin/metrics_impl.h"
#include "federation/probe.h"

/* The families that nobody records: read where they are known when somebody asks. */

static void add(struct wg_metrics_page *page, double value)
{
    wg_metrics_add(page, value, NULL, NULL);
}

static void read_store(struct wg_metrics_page *page)
{
    struct wg_store_figures figures;

    wg_store_read_figures(page->gateway->store, &figures);
    switch (page->metric) {
    case WG_METRIC_QUEUE_DELIVERIES:
        wg_metrics_add(page, (double)figures.deliveries, "waiting", NULL);
        wg_metrics_add(page, (double)figures.held, "held", NULL);
        wg_metrics_add(page, (double)figures.dead, "dead", NULL);
        break;
    case WG_METRIC_QUEUE_BYTES:
        add(page, (double)figures.body_bytes);
        break;
    case WG_METRIC_STORE_COMMITS:
        add(page, (double)figures.commits);
        break;
    case WG_METRIC_STORE_REQUESTS:
        add(page, (double)figures.committed);
        break;
    case WG_METRIC_STORE_FAILURES:
        add(page, (double)figures.failures);
        break;
    case WG_METRIC_STORE_WAITING:
        add(page, (double)figures.requests_waiting);
        break;
    case WG_METRIC_STORE_WRITABLE:
        add(page, figures.is_writable);
        break;
    case WG_METRIC_STORE_FREE:
        if (figures.free_disk_bytes >= 0)
            add(page, (double)figures.free_disk_bytes);
        break;
    default:
        add(page, (double)figures.audit_rows);
        break;
    }
}

static void read_audit_lost(struct wg_metrics_page *page)
{
    add(page, (double)atomic_load(&page->gateway->audit_lost));
}

/* ---- the queue, as the store has said ---- */

static void read_oldest(struct wg_metrics_page *page)
{
    char direction[WG_METRIC_VALUE];

    for (unsigned i = 0; page->queue && i < WG_COUNT(page->queue->oldest_ms); i++)
        wg_metrics_add(page, (double)page->queue->oldest_ms[i] / 1000,
                       wg_metric_value(WG_LABEL_DIRECTION, i, direction), NULL);
}

static void read_suspensions(struct wg_metrics_page *page)
{
    if (page->queue)
        add(page, (double)page->queue->suspensions);
}

static void read_instance_queues(struct wg_metrics_page *page)
{
    for (size_t i = 0; page->queue && i < page->gateway->instance_count; i++) {
        const char *server = page->gateway->config->instances[i].server_name;
        char key[300];

        snprintf(key, sizeof key, "i:%s", server);
        wg_metrics_add(page, (double)(uintptr_t)wg_map_get(&page->queue->depths, wg_str(key)),
                       server, NULL);
    }
}

/* ---- policies ---- */

static void read_generations(struct wg_metrics_page *page)
{
    const struct wg_gateway *gateway = page->gateway;

    for (size_t i = 0; i < gateway->instance_count; i++) {
        const char *server = gateway->config->instances[i].server_name;
        struct wg_policy_edition newest;

        if (page->metric == WG_METRIC_POLICY_LOAD_FAILED)
            wg_metrics_add(page, wg_policy_last_failure(gateway->policy, i) != NULL, server,
                           NULL);
        else if (wg_policy_generations(gateway->policy, i, &newest, 1))
            wg_metrics_add(page, (double)newest.number, server, NULL);
    }
}

static void on_figure(void *owner, const struct wg_policy_figure *figure)
{
    struct wg_metrics_page *page = owner;

    if (figure->is_gauge == (page->metric == WG_METRIC_POLICY_GAUGES))
        wg_metrics_add(page, figure->value, figure->policy, figure->name);
}

static void read_figures(struct wg_metrics_page *page)
{
    wg_policy_each_figure(page->gateway->policy, on_figure, page);
}

static void on_list(void *owner, const struct wg_policy_list *list)
{
    struct wg_metrics_page *page = owner;
    double value;

    switch (page->metric) {
    case WG_METRIC_LIST_ENTRIES:
        value = (double)list->entries;
        break;
    case WG_METRIC_LIST_AGE:
        if (list->age_s < 0)
            return;
        value = (double)list->age_s;
        break;
    case WG_METRIC_LIST_FAILING:
        value = list->is_failing;
        break;
    case WG_METRIC_LIST_LOOKUPS:
        value = (double)list->lookups;
        break;
    default:
        value = (double)list->hits;
        break;
    }
    wg_metrics_add(page, value, list->server_name, list->where);
}

static void read_lists(struct wg_metrics_page *page)
{
    wg_policy_each_list(page->gateway->policy, on_list, page);
}

/* ---- keys and certificates ---- */

static void read_certificates(struct wg_metrics_page *page)
{
    const struct wg_gateway *gateway = page->gateway;
    int64_t now_s = wg_clock_wall_s(gateway->clock);

    for (size_t i = 0; i < gateway->instance_count; i++) {
        int64_t until_s = atomic_load(&gateway->certificate_until_s[i]);
        bool is_left = page->metric == WG_METRIC_CERTIFICATE_LEFT;

        if (until_s)
            wg_metrics_add(page, (double)(is_left ? until_s - now_s : until_s),
                           gateway->config->instances[i].server_name, NULL);
    }
}

static void read_key_ages(struct wg_metrics_page *page)
{
    const struct wg_gateway *gateway = page->gateway;
    int64_t now_s = wg_clock_wall_s(gateway->clock);

    for (size_t i = 0; i < gateway->instance_count; i++) {
        struct wg_own_keys keys;

        wg_identity_keys(gateway->instances[i].identity, &keys);
        wg_metrics_add(page, (double)(now_s - wg_own_keys_signer(&keys, now_s)->from_s),
                       gateway->config->instances[i].server_name, NULL);
        wg_own_keys_done(&keys);
    }
}

static void read_reachable(struct wg_metrics_page *page)
{
    const struct wg_gateway *gateway = page->gateway;

    for (size_t i = 0; i < gateway->instance_count; i++) {
        struct wg_probe_state state;

        wg_probe_read(gateway->probe, i, &state);
        if (state.is_known)
            wg_metrics_add(page, state.is_reachable, gateway->config->instances[i].server_name,
                           NULL);
    }
}

static void read_build(struct wg_metrics_page *page)
{
    wg_metrics_add(page, 1, WAVEGATE_VERSION, NULL);
}

static void (*const readers[WG_METRICS])(struct wg_metrics_page *page) = {
    [WG_METRIC_POLICY_GENERATION] = read_generations,
    [WG_METRIC_POLICY_LOAD_FAILED] = read_generations,
    [WG_METRIC_POLICY_COUNTERS] = read_figures,
    [WG_METRIC_POLICY_GAUGES] = read_figures,
    [WG_METRIC_LIST_ENTRIES] = read_lists,
    [WG_METRIC_LIST_AGE] = read_lists,
    [WG_METRIC_LIST_FAILING] = read_lists,
    [WG_METRIC_LIST_LOOKUPS] = read_lists,
    [WG_METRIC_LIST_HITS] = read_lists,
    [WG_METRIC_QUEUE_DELIVERIES] = read_store,
    [WG_METRIC_QUEUE_BYTES] = read_store,
    [WG_METRIC_QUEUE_OLDEST] = read_oldest,
    [WG_METRIC_QUEUE_SUSPENSIONS] = read_suspensions,
    [WG_METRIC_QUEUE_INSTANCE] = read_instance_queues,
    [WG_METRIC_STORE_COMMITS] = read_store,
    [WG_METRIC_STORE_REQUESTS] = read_store,
    [WG_METRIC_STORE_FAILURES] = read_store,
    [WG_METRIC_STORE_WAITING] = read_store,
    [WG_METRIC_STORE_WRITABLE] = read_store,
    [WG_METRIC_STORE_FREE] = read_store,
    [WG_METRIC_AUDIT_ROWS] = read_store,
    [WG_METRIC_AUDIT_LOST] = read_audit_lost,
    [WG_METRIC_PEERS] = wg_metrics_read_peers,
    [WG_METRIC_PEER_EVENTS] = wg_metrics_read_peers,
    [WG_METRIC_PEER_SEEN] = wg_metrics_read_peers,
    [WG_METRIC_PEER_QUEUE] = wg_metrics_read_peers,
    [WG_METRIC_CERTIFICATE_EXPIRY] = read_certificates,
    [WG_METRIC_CERTIFICATE_LEFT] = read_certificates,
    [WG_METRIC_KEY_AGE] = read_key_ages,
    [WG_METRIC_REACHABLE] = read_reachable,
    [WG_METRIC_BUILD] = read_build,
    [WG_METRIC_CPU] = wg_metrics_read_process,
    [WG_METRIC_RESIDENT] = wg_metrics_read_process,
    [WG_METRIC_VIRTUAL] = wg_metrics_read_process,
    [WG_METRIC_OPEN_FDS] = wg_metrics_read_process,
    [WG_METRIC_MAX_FDS] = wg_metrics_read_process,
    [WG_METRIC_START_TIME] = wg_metrics_read_process,
};

void wg_metrics_read(struct wg_metrics_page *page)
{
    if (WG_CHECK(readers[page->metric]))
        readers[page->metric](page);
}
