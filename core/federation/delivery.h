// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/id.h"
#include "federation/gateway.h"
#include "store/queue.h"

/** One attempt at one destination: locate (descriptor, or instance), sign afresh, send, and
 * what came of it. The relay decides what follows. Thread: the worker's loop. */

struct wg_delivery_outcome {
    bool is_sent;
    bool is_permanent; /**< the same event will never be taken: 4xx other than 408, 425, 429 */
    enum wg_code code; /**< WG_OK when sent */
    int status;        /**< HTTP; 0: none came */
    int64_t retry_after_s; /**< as asked for; 0: not */
    int64_t took_ms;
    char request_id[WG_UUID_TEXT]; /**< of the request that brought it; "": not known */
    char reason[256];              /**< the peer's own code and words when it gave some */
};

struct wg_delivery_attempt;

/** Copies what it needs of delivery. on_ended comes exactly once, from the loop; outcome is
 * lent until it returns. When the worker is closing it comes with WG_CANCELLED: that was no
 * attempt. */
struct wg_delivery_attempt *
wg_delivery_start(struct wg_worker *worker, const struct wg_delivery *delivery,
                  void (*on_ended)(void *owner, const struct wg_delivery_outcome *outcome),
                  void *owner);
