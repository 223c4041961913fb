// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "admin/doctor_impl.h"

enum { TEXT_LIMIT_BYTES = 4096 };

static struct wg_str format_text(struct doctor *doctor, const char *format, va_list arguments)
{
    char text[TEXT_LIMIT_BYTES];

    vsnprintf(text, sizeof text, format, arguments);
    return wg_arena_copy(doctor->request->arena, wg_str(text));
}

void doctor_see(struct doctor *doctor, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    doctor->rows[doctor->at].seen = format_text(doctor, format, arguments);
    va_end(arguments);
}

void doctor_advise(struct doctor *doctor, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    doctor->rows[doctor->at].remedy = format_text(doctor, format, arguments);
    va_end(arguments);
}

void doctor_detail(struct doctor *doctor, const char *name, json_t *value)
{
    struct doctor_row *row = &doctor->rows[doctor->at];

    if (!row->details)
        row->details = json_object();
    json_object_set_new(row->details, name, value);
}

const char *doctor_span(struct doctor *doctor, int64_t seconds)
{
    static const struct {
        int64_t from, unit;
        const char *name;
    } units[] = {{2 * 86400, 86400, "days"}, {2 * 3600, 3600, "h"}, {120, 60, "min"}};
    int64_t most = seconds < 0 ? -seconds : seconds;

    for (size_t i = 0; i < WG_COUNT(units); i++) {
        if (most >= units[i].from)
            return wg_arena_format(doctor->request->arena, "%lld %s",
                                   (long long)(most / units[i].unit), units[i].name);
    }
    return wg_arena_format(doctor->request->arena, "%lld s", (long long)most);
}

const char *doctor_day(struct doctor *doctor, int64_t at_s)
{
    time_t at = (time_t)at_s;
    char text[32] = "an unknown day";
    struct tm parts;

    if (gmtime_r(&at, &parts))
        strftime(text, sizeof text, "%Y-%m-%d", &parts);
    return wg_arena_copy(doctor->request->arena, wg_str(text)).at;
}
