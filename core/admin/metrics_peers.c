// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "admin/metrics_impl.h"
#include "federation/peers.h"

/* Series of single peers: as many as metrics.peers says, the others as one. A server name
 * cannot begin with '_', so what stands for the others is no peer's name. */

#define OTHERS "_other"

static const char *name_of(const struct wg_peer_series *row)
{
    return row->name.at ? row->name.at : OTHERS;
}

static void add_events(struct wg_metrics_page *page, const struct wg_peer_series *row)
{
    for (unsigned i = 0; i < WG_PEER_TRAFFIC; i++) {
        char result[WG_METRIC_VALUE];

        wg_metrics_add(page, (double)row->counts[i], name_of(row),
                       wg_metric_value(WG_LABEL_PEER_EVENT, i, result));
    }
}

static int64_t depth_of(const struct wg_metrics_page *page, const struct wg_peer_series *row)
{
    char key[300];

    snprintf(key, sizeof key, "o:%.*s", WG_STR_F(row->name));
    return (int64_t)(uintptr_t)wg_map_get(&page->queue->depths, wg_str(key));
}

static void add_depths(struct wg_metrics_page *page, const struct wg_peer_series *rows,
                       size_t count)
{
    int64_t others = page->queue ? page->queue->outbound : 0;

    for (size_t i = 0; page->queue && i < count; i++) {
        int64_t depth = rows[i].name.at ? depth_of(page, &rows[i]) : others;

        others -= depth;
        wg_metrics_add(page, (double)depth, name_of(&rows[i]), NULL);
    }
}

void wg_metrics_read_peers(struct wg_metrics_page *page)
{
    struct wg_peer_series *rows;
    struct wg_arena arena;
    size_t count;

    if (page->metric == WG_METRIC_PEERS) {
        wg_metrics_add(page, (double)wg_peers_known(page->gateway->directory), NULL, NULL);
        return;
    }
    wg_arena_init(&arena);
    count = wg_peers_series(page->gateway->directory, &arena, &rows);
    if (page->metric == WG_METRIC_PEER_QUEUE)
        add_depths(page, rows, count);
    for (size_t i = 0; i < count; i++) {
        if (page->metric == WG_METRIC_PEER_EVENTS)
            add_events(page, &rows[i]);
        else if (page->metric == WG_METRIC_PEER_SEEN && rows[i].last_seen_s >= 0)
            wg_metrics_add(page, (double)rows[i].last_seen_s, name_of(&rows[i]), NULL);
    }
    wg_arena_done(&arena);
}
