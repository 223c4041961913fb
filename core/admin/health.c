// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"
#include "store/store.h"

/* /healthz: the process runs and its control loop turns. /readyz: what is needed to keep a
 * promise is there; whether an instance is up is told, but a gateway whose instance is down is
 * still the one to talk to. */

void wg_admin_healthz(struct wg_admin_request *request)
{
    wg_admin_answer(request, 200, json_pack("{s:s}", "status", "alive"));
}

static bool add_check(json_t *checks, const char *name, bool is_ok, const char *detail)
{
    json_t *check = json_pack("{s:s, s:b}", "name", name, "ok", is_ok);

    if (detail)
        json_object_set_new(check, "detail", json_string(detail));
    json_array_append_new(checks, check);
    return is_ok;
}

/* Probes have no token: what a policy file says of itself is for operators. */
static bool check_policies(struct wg_admin_request *request, json_t *checks)
{
    const struct wg_gateway *gateway = request->gateway;
    const char *detail = NULL;

    for (size_t i = 0; i < gateway->instance_count && !detail; i++) {
        if (wg_policy_last_failure(gateway->policy, i))
            detail = "the last load of an instance's policies failed; the generation before it "
                     "decides (GET /_wavegate/v1/generations says why)";
    }
    return add_check(checks, "policies", true, detail);
}

static bool check_store(struct wg_admin_request *request, json_t *checks)
{
    struct wg_store_figures figures;

    wg_store_read_figures(request->gateway->store, &figures);
    return add_check(checks, "store", figures.is_writable,
                     figures.is_writable ? NULL
                                         : "the last write failed: see the log, the disk and "
                                           "the folder of setting 'data'");
}

void wg_admin_readyz(struct wg_admin_request *request)
{
    json_t *checks = json_array();
    bool is_ready = add_check(checks, "running", !request->admin->is_stopping,
                              request->admin->is_stopping ? "the gateway is stopping" : NULL);

    is_ready &= check_store(request, checks);
    is_ready &= check_policies(request, checks);
    wg_admin_answer(
        request, is_ready ? 200 : 503,
        json_pack("{s:s, s:o}", "status", is_ready ? "ready" : "not ready", "checks", checks));
}
