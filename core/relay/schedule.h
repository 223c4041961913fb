// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/** When a failed delivery is tried again.
 *
 * As text: "1s*3, 5s*3, 1m*5, 15m": three times after one second, three times after five, five
 * times after a minute, then every quarter of an hour until it expires. Units ms, s, m, h, d.
 * Up to a tenth is added at random, so that what failed together does not come back together.
 *
 * Without a text: full jitter, that is anything from nothing to a bound that begins at 1 s and
 * doubles up to 15 min. */
enum { WG_SCHEDULE_STEPS = 32 };

struct wg_schedule {
    struct wg_schedule_step {
        int64_t delay_ms;
        int64_t times; /**< of the last one: not looked at */
    } steps[WG_SCHEDULE_STEPS];
    size_t count; /**< 0: full jitter */
};

/** @return WG_CONFIG with what is wrong and where. */
WG_MUST_USE enum wg_code wg_schedule_parse(struct wg_str text, struct wg_schedule *ret_schedule,
                                           struct wg_err *err);
/** How long to wait after the attempt of that number, from 1. random: any 64 bits. */
int64_t wg_schedule_delay_ms(const struct wg_schedule *schedule, int64_t attempt,
                             uint64_t random);
