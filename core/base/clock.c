// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *owner)
{
    (void)owner;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void *owner)
{
    (void)owner;
    return read_clock(CLOCK_MONOTONIC);
}

const struct wg_clock *wg_clock_system(void)
{
    static const struct wg_clock clock = {system_wall_ms, system_mono_ms, NULL};

    return &clock;
}

int64_t wg_clock_elapsed_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
