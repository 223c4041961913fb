// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"

enum { LISTED = 32 };

static json_t *describe(const struct wg_policy_edition *edition)
{
    return json_pack("{s:I, s:o, s:s, s:I, s:b}", "number", (json_int_t)edition->number,
                     "loaded_at", json_integer(edition->loaded_at_ms / 1000), "cause",
                     edition->cause, "files", (json_int_t)edition->file_count, "current",
                     edition->is_current);
}

/* The generations that are kept are few: one page. */
static json_t *list(const struct wg_admin_request *request)
{
    const struct wg_policy_engine *engine = request->gateway->policy;
    const char *failure = wg_policy_last_failure(engine, request->instance->index);
    struct wg_policy_edition editions[LISTED];
    size_t count =
        wg_policy_generations(engine, request->instance->index, editions, WG_COUNT(editions));
    json_t *rows = json_array();
    json_t *json;

    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, describe(&editions[i]));
    json = wg_admin_list("generations", rows, (struct wg_str){NULL, 0});
    json_object_set_new(json, "server", wg_admin_string(request->instance->server_name));
    json_object_set_new(json, "last_load_failure",
                        failure ? wg_admin_string(wg_str(failure)) : json_null());
    return json;
}

void wg_admin_generations(struct wg_admin_request *request)
{
    wg_admin_answer(request, 200, list(request));
}

static void on_audited(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;

    if (err->code == WG_OK)
        wg_admin_answer(request, 200, list(request));
    else
        wg_admin_fail_err(request, err);
}

static void audit(struct wg_admin_request *request, const char *action)
{
    struct wg_audit_row row = wg_admin_audit(request, action);
    struct wg_policy_edition current;

    if (wg_policy_generations(request->gateway->policy, request->instance->index, &current, 1))
        row.generation = (int64_t)current.number;
    wg_store_audit_append(request->gateway->store, request->worker->loop, &row, 1, on_audited,
                          request);
}

static void on_failure_audited(void *owner, const struct wg_err *err)
{
    struct wg_admin_request *request = owner;
    const struct wg_err *failure = request->state;

    (void)err;
    wg_admin_refuse(request, failure->code == WG_NOT_FOUND ? 404 : 422,
                    failure->code == WG_NOT_FOUND ? wg_code_answer(WG_NOT_FOUND)
                                                  : "SW_POLICY_INVALID",
                    "%s; the generation before it goes on", failure->text);
}

/* A load that failed is an act as well. */
static void refuse(struct wg_admin_request *request, const char *action,
                   const struct wg_err *failure)
{
    struct wg_audit_row row = wg_admin_audit(request, action);
    struct wg_err *copy = wg_arena_new(request->arena, struct wg_err);

    *copy = *failure;
    request->state = copy;
    row.verdict = WG_STR("failed");
    row.reason = wg_str(copy->text);
    wg_store_audit_append(request->gateway->store, request->worker->loop, &row, 1,
                          on_failure_audited, request);
}

void wg_admin_reload(struct wg_admin_request *request)
{
    static const char action[] = "federation.policy.reload";
    struct wg_err err;

    if (wg_policy_reload_instance(request->gateway->policy, request->instance->index, "request",
                                  &err) == WG_OK)
        audit(request, action);
    else
        refuse(request, action, &err);
}

void wg_admin_rollback(struct wg_admin_request *request)
{
    static const char action[] = "federation.policy.rollback";
    struct wg_str text = wg_admin_capture(request, "number");
    struct wg_err err;
    uint64_t number;

    if (!wg_str_to_uint(text, INT64_MAX, &number)) {
        wg_admin_fail(request, WG_INVALID, "'%.*s' is not the number of a generation",
                      WG_STR_F(text));
        return;
    }
    if (wg_policy_rollback(request->gateway->policy, request->instance->index, number, &err) ==
        WG_OK)
        audit(request, action);
    else
        refuse(request, action, &err);
}
