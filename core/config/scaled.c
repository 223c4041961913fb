// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <time.h>

#include "base/macros.h"
#include "config/setting_impl.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest last; sizes are written in the powers of two, read in both. */
static const struct unit durations[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit sizes[] = {{"B", 1},
                                    {"KB", 1000},
                                    {"KiB", 1024},
                                    {"MB", 1000000},
                                    {"MiB", 1024 * 1024},
                                    {"GB", 1000000000},
                                    {"GiB", 1024 * 1024 * 1024},
                                    {NULL, 0}};

static bool parse_scaled(struct wg_str text, const struct unit *units, int64_t *ret_value)
{
    struct wg_str digits = {text.at, 0};
    struct wg_str unit;
    uint64_t value;

    while (digits.len < text.len && text.at[digits.len] >= '0' && text.at[digits.len] <= '9')
        digits.len++;
    unit = wg_str_trim(wg_str_of(text.at + digits.len, text.len - digits.len));
    for (; units->name; units++) {
        if (!wg_str_is(unit, units->name))
            continue;
        if (!wg_str_to_uint(digits, (uint64_t)(INT64_MAX / units->factor), &value))
            return false;
        *ret_value = (int64_t)value * units->factor;
        return true;
    }
    return false;
}

bool wg_duration_parse(struct wg_str text, int64_t *ret_value)
{
    return parse_scaled(text, durations, ret_value);
}

bool wg_size_parse(struct wg_str text, int64_t *ret_value)
{
    return parse_scaled(text, sizes, ret_value);
}

bool wg_time_parse(struct wg_str text, int64_t *ret_value)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"};
    char copy[32];

    if (text.len < 10 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    for (size_t i = 0; i < WG_COUNT(forms); i++) {
        struct tm parts = {0};
        struct tm same;
        const char *end = strptime(copy, forms[i], &parts);
        time_t moment;

        if (!end || *end)
            continue;
        same = parts;
        moment = timegm(&same);
        /* timegm() carries over: 31 February comes back as March. */
        if (same.tm_mday != parts.tm_mday || moment < 0)
            return false;
        *ret_value = moment;
        return true;
    }
    return false;
}

static void write_scaled(int64_t value, const struct unit *units, const char *skipped,
                         struct wg_buf *out)
{
    const struct unit *best = units;

    for (const struct unit *unit = units; unit->name; unit++) {
        bool is_skipped = skipped && unit->factor > 1 && !strchr(unit->name, skipped[0]);

        if (value != 0 && !is_skipped && value % unit->factor == 0)
            best = unit;
    }
    wg_buf_addf(out, "%" PRId64 "%s", value / best->factor, best->name);
}

void wg_duration_write(int64_t value, struct wg_buf *out)
{
    if (value == 0)
        wg_buf_addf(out, "0");
    else
        write_scaled(value, durations, NULL, out);
}

void wg_size_write(int64_t value, struct wg_buf *out)
{
    if (value == 0)
        wg_buf_addf(out, "0");
    else
        write_scaled(value, sizes, "i", out);
}
