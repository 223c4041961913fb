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

void doctor_find(struct doctor_findings *findings, const char *format, ...)
{
    char text[DOCTOR_FINDING_BYTES];
    va_list arguments;

    if (findings->count++ >= DOCTOR_FINDINGS_SHOWN)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(findings->text[findings->count - 1], sizeof findings->text[0], "%s", text);
}

const char *doctor_findings_text(struct doctor *doctor, const struct doctor_findings *findings)
{
    const char *text = "";

    for (size_t i = 0; i < findings->count && i < DOCTOR_FINDINGS_SHOWN; i++)
        text = wg_arena_format(doctor->request->arena, "%s%s%s", text, i ? "; " : "",
                               findings->text[i]);
    if (findings->count > DOCTOR_FINDINGS_SHOWN)
        text = wg_arena_format(doctor->request->arena, "%s; and %zu more", text,
                               findings->count - DOCTOR_FINDINGS_SHOWN);
    return text;
}

bool doctor_read_date(struct doctor *doctor, struct wg_str date, int64_t *ret_ms)
{
    const char *text = wg_arena_copy(doctor->request->arena, date).at;
    struct tm parts = {0};
    const char *end = date.at ? strptime(text, "%a, %d %b %Y %H:%M:%S", &parts) : NULL;

    if (!end || strcmp(end, " GMT") != 0)
        return false;
    *ret_ms = (int64_t)timegm(&parts) * 1000 + 500;
    return true;
}
