// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

/** A clock that a test turns. Both hands start at 1,000,000,000 s and move together unless
 * turned apart. */
struct fake_clock {
    struct wg_clock clock; /**< hand this out */
    int64_t wall_now_ms, mono_now_ms;
};

static inline int64_t fake_clock_wall(void *owner)
{
    return ((struct fake_clock *)owner)->wall_now_ms;
}

static inline int64_t fake_clock_mono(void *owner)
{
    return ((struct fake_clock *)owner)->mono_now_ms;
}

static inline void fake_clock_init(struct fake_clock *fake)
{
    fake->clock = (struct wg_clock){fake_clock_wall, fake_clock_mono, fake};
    fake->wall_now_ms = fake->mono_now_ms = 1000000000000;
}

static inline void fake_clock_turn(struct fake_clock *fake, int64_t by_ms)
{
    fake->wall_now_ms += by_ms;
    fake->mono_now_ms += by_ms;
}
