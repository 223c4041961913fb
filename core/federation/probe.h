// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/gateway.h"

/** Looks every WG_PROBE_EVERY_MS whether each instance takes a TCP connection, and keeps what
 * it saw, so that whoever asks (/readyz, the doctor) is answered at once and an instance is not
 * asked more often because many ask us.
 *
 * Thread: the control loop. */
struct wg_probe;

enum { WG_PROBE_EVERY_MS = 15 * 1000, WG_PROBE_AT_ONCE = 16 };

struct wg_probe_state {
    bool is_known; /**< looked at once at least */
    bool is_reachable;
    int64_t since_s, checked_s; /**< wall clock */
    int64_t took_ms;
    char error[256]; /**< empty when it is reachable */
};

/** worker: of the control loop, with a dialer. */
struct wg_probe *wg_probe_new(struct wg_worker *worker);
/** NULL is fine: nothing is known then. */
void wg_probe_read(const struct wg_probe *probe, size_t index,
                   struct wg_probe_state *ret_state);
/** on_closed from the loop; probe is gone, and its dials with it. */
void wg_probe_close(struct wg_probe *probe, void (*on_closed)(void *owner), void *owner);
