// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "admin/admin_impl.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/metric.h"

/** What the files that write /metrics share. */

/** What has to be asked of the store, as it was answered last. */
struct wg_metrics_queue {
    int64_t oldest_ms[2]; /**< by wg_direction; age of the oldest delivery that waits */
    int64_t suspensions;
    struct wg_map depths;      /**< "o:peer" or "i:server" to how many wait, in the pointer */
    int64_t outbound;          /**< of all peers */
    int64_t known_ms, took_ms; /**< when this was known (monotonic), and how long asking took */
};

struct wg_metrics_page {
    const struct wg_gateway *gateway;
    const struct wg_metrics_queue *queue; /**< NULL: not known yet */
    struct wg_buf text;
    const struct wg_metric_family *family; /**< under way */
    enum wg_metric metric;
};

/** One line of the family: its labels' values in their order; values past them are left out. */
void wg_metrics_add(struct wg_metrics_page *page, double number, const char *a, const char *b);
/** Writes the lines of a family that is read. */
void wg_metrics_read(struct wg_metrics_page *page);
/** Of the families named process_. */
double wg_metrics_process(enum wg_metric metric);
void wg_metrics_read_process(struct wg_metrics_page *page);
void wg_metrics_read_peers(struct wg_metrics_page *page);

/** Asks the store how the queue is; then on_known(owner), once, also when the store is too
 * slow or fails, or is being asked already (then at once): admin->queue is as it was. */
void wg_metrics_ask_queue(struct wg_admin *admin, void (*on_known)(void *owner), void *owner);
/** What is still under way ends by itself, without admin. NULL is fine. */
void wg_metrics_forget_question(struct wg_metrics_question *question);
struct wg_metrics_queue *wg_metrics_queue_free(struct wg_metrics_queue *queue);

/** "counter", "gauge", "histogram" */
const char *wg_metrics_type(const struct wg_metric_family *family);
/** docs/metrics.md. */
void wg_metrics_reference(struct wg_buf *out);
