// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/str.h"

/** What a peer's requests have cost by driving policies past their budgets. One that goes on is
 * held back, so that it takes about a hundredth of a worker from the others.
 *
 * Of one worker: each has its own time to lose, and nobody else looks. */

enum {
    WG_TOLL_SLOTS = 256,           /**< peers that share one push each other out */
    WG_TOLL_BURST_US = 500 * 1000, /**< so much is forgiven: a policy may have a mistake */
    WG_TOLL_PER_SECOND_US = 10 * 1000,
};

struct wg_toll {
    struct {
        uint64_t peer; /**< hash of instance and name */
        int64_t level_us, at_ms;
    } slots[WG_TOLL_SLOTS];
};

/** A call of that peer ran for so long and ended at its budget. */
void wg_toll_add(struct wg_toll *toll, struct wg_str server_name, struct wg_str peer,
                 int64_t running_us, int64_t now_ms);
/** @return seconds to wait before the next request is looked at; 0: none */
int64_t wg_toll_wait_s(const struct wg_toll *toll, struct wg_str server_name,
                       struct wg_str peer, int64_t now_ms);
