// SPDX-License-Identifier: Apache-2.0
#include "relay/schedule.h"

static const int64_t first_ms = 1000, last_ms = INT64_C(15) * 60 * 1000,
                     longest_ms = INT64_C(24) * 3600 * 1000;

static bool parse_duration(struct wg_str text, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    size_t digits = 0;
    uint64_t number;

    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    if (!wg_str_to_uint((struct wg_str){text.at, digits}, (uint64_t)longest_ms, &number))
        return false;
    for (size_t i = 0; i < WG_COUNT(units); i++) {
        if (wg_str_is((struct wg_str){text.at + digits, text.len - digits}, units[i].unit)) {
            *ret_ms = (int64_t)number * units[i].ms;
            return *ret_ms > 0 && *ret_ms <= longest_ms;
        }
    }
    return false;
}

enum wg_code wg_schedule_parse(struct wg_str text, struct wg_schedule *ret_schedule,
                               struct wg_err *err)
{
    struct wg_schedule schedule = {.count = 0};

    for (struct wg_str rest = text; rest.at;) {
        struct wg_str step = wg_str_trim(wg_str_split(&rest, ','));
        struct wg_str times = step, delay = wg_str_split(&times, '*');
        uint64_t number = 1;

        if (schedule.count == WG_SCHEDULE_STEPS)
            return wg_fail(err, WG_CONFIG, "a schedule has at most %d steps",
                           WG_SCHEDULE_STEPS);
        if (!parse_duration(wg_str_trim(delay), &schedule.steps[schedule.count].delay_ms))
            return wg_fail(
                err, WG_CONFIG,
                "'%.*s' is no step of a schedule; write a time of up to a day as '5s' or "
                "'1m', and '*3' behind it for three times",
                WG_STR_F(step));
        if (times.at && (!wg_str_to_uint(wg_str_trim(times), 1000000, &number) || number == 0))
            return wg_fail(err, WG_CONFIG, "'%.*s': how often is no number from 1 on",
                           WG_STR_F(step));
        schedule.steps[schedule.count++].times = (int64_t)number;
    }
    *ret_schedule = schedule;
    return WG_OK;
}

static int64_t jitter(int64_t bound_ms, uint64_t random)
{
    return (int64_t)(random % (uint64_t)(bound_ms + 1));
}

int64_t wg_schedule_delay_ms(const struct wg_schedule *schedule, int64_t attempt,
                             uint64_t random)
{
    int64_t bound_ms = first_ms, delay_ms;
    size_t i = 0;

    if (!schedule || schedule->count == 0) {
        for (int64_t k = 1; k < attempt && bound_ms < last_ms; k++)
            bound_ms *= 2;
        return jitter(bound_ms < last_ms ? bound_ms : last_ms, random);
    }
    for (; i + 1 < schedule->count && attempt > schedule->steps[i].times; i++)
        attempt -= schedule->steps[i].times;
    delay_ms = schedule->steps[i].delay_ms;
    return delay_ms + jitter(delay_ms / 10, random);
}
