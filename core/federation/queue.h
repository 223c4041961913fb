// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/gateway.h"
#include "store/queue.h"

/** Between the pipelines and the relay: how long things are kept, who is woken, and how a
 * delivery is made and judged. One relay for each worker; a destination belongs to one of them.
 */

enum { WG_QUEUE_RETRY_AFTER_S = 30 };

/** Starts the worker's relay. Before its loop runs, or on it; gateway->store is open. */
void wg_queue_open(struct wg_worker *worker);
/** Begins nothing any more; on_closed from the loop when the attempts under way have ended
 * (they end when the worker's client closes). */
void wg_queue_close(struct wg_worker *worker, void (*on_closed)(void *owner), void *owner);

/** Can promises be kept: the store is open and workers deliver from it. */
bool wg_queue_is_running(const struct wg_gateway *gateway);
/** How long an event of that type is worth delivering. */
int64_t wg_queue_expiry_ms(const struct wg_gateway *gateway, struct wg_str type);
/** Something waits for that destination, an operator changed its queue, or its server has shown
 * that it is alive. Any thread. */
void wg_queue_wake(struct wg_gateway *gateway, bool is_outbound, struct wg_str name,
                   enum wg_relay_wake why);

/** Inbound events of the instance may be waiting in the queue (they do not when this says
 * false). Any thread. */
bool wg_queue_may_wait(struct wg_gateway *gateway, const struct wg_instance *instance);
/** Call before an inbound event of the instance is stored, released or requeued. */
void wg_queue_will_wait(struct wg_gateway *gateway, const struct wg_instance *instance);
