// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "admin/admin_impl.h"

/* Level and format of the log while the gateway runs; SIGHUP goes back to those of the
 * configuration. */

struct setting {
    enum wg_log_level level;
    enum wg_log_format format;
};

static json_t *describe(struct setting setting)
{
    return json_pack("{s:s, s:s}", "level", wg_log_level_name(setting.level), "format",
                     wg_log_format_name(setting.format));
}

static struct setting current(void)
{
    return (struct setting){wg_log_level(), wg_log_format()};
}

void wg_admin_log_get(struct wg_admin_request *request)
{
    wg_admin_answer(request, 200, describe(current()));
}

/* What has been written to the audit holds; else the log is as it was. */
static void on_audited(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    const struct setting *wanted = request->state;

    if (err->code != WG_OK) {
        wg_admin_fail_err(request, err);
        return;
    }
    wg_log_set_level(wanted->level);
    wg_log_set_format(wanted->format);
    wg_log(WG_LOG_INFO, "log.changed", "an operator has changed what is logged",
           WG_F_TEXT("log_level", wg_log_level_name(wanted->level)),
           WG_F_TEXT("log_format", wg_log_format_name(wanted->format)));
    wg_admin_answer(request, 200, describe(*wanted));
}

static bool take(struct wg_admin_request *request, struct setting *setting)
{
    static const char *const names[] = {"level", "format", NULL};
    const json_t *level = json_object_get(request->body, "level");
    const json_t *format = json_object_get(request->body, "format");

    if (!wg_admin_members(request, names))
        return false;
    if (!level && !format) {
        wg_admin_fail(request, WG_INVALID, "give level, format, or both");
        return false;
    }
    if (level && !wg_log_level_parse(wg_json_string(request->body, "level"), &setting->level)) {
        wg_admin_fail(request, WG_INVALID, "level: must be debug, info, warn or error");
        return false;
    }
    if (format &&
        !wg_log_format_parse(wg_json_string(request->body, "format"), &setting->format)) {
        wg_admin_fail(request, WG_INVALID, "format: must be json, logfmt or human");
        return false;
    }
    return true;
}

void wg_admin_log_put(struct wg_admin_request *request)
{
    struct setting *wanted = wg_arena_new(request->arena, struct setting);
    struct wg_audit_row row;

    *wanted = current();
    request->state = wanted;
    if (!take(request, wanted))
        return;
    row = wg_admin_audit(request, "gateway.log.put");
    row.extra = wg_admin_text(request, json_pack("{s:o, s:o}", "before", describe(current()),
                                                 "after", describe(*wanted)));
    wg_store_audit_append(request->gateway->store, request->worker->loop, &row, 1, on_audited,
                          request);
}
