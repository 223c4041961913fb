// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

/** Where time comes from; passed as an argument so that tests turn it. Any thread. */
struct wg_clock {
    int64_t (*wall_ms)(void *owner); /**< milliseconds since 1970; may step */
    int64_t (*mono_ms)(void *owner); /**< milliseconds since some moment; never steps back */
    void *owner;
};

/** The machine's own clocks. */
const struct wg_clock *wg_clock_system(void);
/** Microseconds since some moment, for how long something took; no test turns it. */
int64_t wg_clock_elapsed_us(void);

static inline int64_t wg_clock_wall_ms(const struct wg_clock *clock)
{
    return clock->wall_ms(clock->owner);
}

static inline int64_t wg_clock_wall_s(const struct wg_clock *clock)
{
    return clock->wall_ms(clock->owner) / 1000;
}

static inline int64_t wg_clock_mono_ms(const struct wg_clock *clock)
{
    return clock->mono_ms(clock->owner);
}
