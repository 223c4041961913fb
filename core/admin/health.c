// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"
#include "federation/probe.h"
#include "store/store.h"

/* /healthz: the process runs and its control loop turns. /readyz: what is needed to keep a
 * promise is there. What is wrong without hindering that is shown and does not count
 * ("required": false): a gateway whose instance is down is still the one to talk to, since it
 * takes events and keeps them. Probes have no token: details name instances, which are public,
 * and neither addresses nor what policies say of themselves. */

enum { NAMED = 3, DETAIL_LIMIT_BYTES = 4096 };

void wg_admin_healthz(struct wg_admin_request *request)
{
    wg_admin_answer(request, 200, json_pack("{s:s}", "status", "alive"));
}

static bool add_check(json_t *checks, const char *name, bool is_ok, bool is_required,
                      const char *detail)
{
    json_t *check =
        json_pack("{s:s, s:b, s:b}", "name", name, "ok", is_ok, "required", is_required);

    if (detail)
        json_object_set_new(check, "detail", wg_admin_string(wg_str(detail)));
    json_array_append_new(checks, check);
    return is_ok || !is_required;
}

/* "what: a.example, b.example and 4 more"; NULL when there are none. */
static const char *name_some(struct wg_admin_request *request, const char *what,
                             bool (*is_bad)(const struct wg_gateway *gateway, size_t index),
                             size_t *ret_count)
{
    const struct wg_gateway *gateway = request->gateway;
    struct wg_buf text;
    const char *named;
    size_t count = 0;

    wg_buf_init(&text, DETAIL_LIMIT_BYTES);
    for (size_t i = 0; i < gateway->instance_count; i++) {
        if (is_bad(gateway, i) && count++ < NAMED)
            wg_buf_addf(&text, "%s%s", count == 1 ? "" : ", ",
                        gateway->config->instances[i].server_name);
    }
    if (count > NAMED)
        wg_buf_addf(&text, " and %zu more", count - NAMED);
    named =
        count ? wg_arena_format(request->arena, "%s: %s", what, wg_buf_str(&text).at) : NULL;
    wg_buf_done(&text);
    *ret_count = count;
    return named;
}

static bool has_policy_failure(const struct wg_gateway *gateway, size_t index)
{
    return wg_policy_last_failure(gateway->policy, index) != NULL;
}

static bool check_policies(struct wg_admin_request *request, json_t *checks)
{
    size_t count;
    const char *detail =
        name_some(request,
                  "the last load of policies failed and the generation before it decides (GET "
                  "/_wavegate/v1/generations says why)",
                  has_policy_failure, &count);

    return add_check(checks, "policies", count == 0, false, detail);
}

static bool is_expired(const struct wg_gateway *gateway, size_t index)
{
    return atomic_load(&gateway->certificate_until_s[index]) <= wg_clock_wall_s(gateway->clock);
}

static bool has_certificate_problem(const struct wg_gateway *gateway, size_t index)
{
    struct wg_certificate_state state;

    wg_certificates_read(gateway->certificates, index, &state);
    return state.problem[0] != '\0';
}

/* One that has expired shuts out one instance's peers; when all have, nobody gets in. */
static bool check_certificates(struct wg_admin_request *request, json_t *checks)
{
    size_t expired, broken;
    const char *detail =
        name_some(request, "the certificate has expired", is_expired, &expired);
    const char *problem =
        name_some(request,
                  "the certificate on the disk cannot be used, the one before it is (GET "
                  "/_wavegate/v1/instances says why)",
                  has_certificate_problem, &broken);

    if (detail && problem)
        detail = wg_arena_format(request->arena, "%s; %s", detail, problem);
    return add_check(checks, "certificates", expired + broken == 0,
                     expired == request->gateway->instance_count, detail ? detail : problem);
}

static bool is_unreachable(const struct wg_gateway *gateway, size_t index)
{
    struct wg_probe_state state;

    wg_probe_read(gateway->probe, index, &state);
    return state.is_known && !state.is_reachable;
}

static bool check_instances(struct wg_admin_request *request, json_t *checks)
{
    size_t count;
    const char *detail = name_some(request, "no connection to the instance, its events wait",
                                   is_unreachable, &count);

    return add_check(checks, "instances", count == 0, false, detail);
}

static bool check_store(struct wg_admin_request *request, json_t *checks)
{
    const struct wg_config_queue *bounds = &request->gateway->config->queue;
    struct wg_store_figures figures;
    bool is_ready, has_disk, has_room;

    wg_store_read_figures(request->gateway->store, &figures);
    has_disk =
        figures.free_disk_bytes < 0 || figures.free_disk_bytes >= bounds->free_disk_bytes;
    has_room = figures.deliveries + figures.held + figures.dead < bounds->rows &&
               figures.body_bytes < bounds->bytes;
    is_ready = add_check(checks, "store", figures.is_writable, true,
                         figures.is_writable ? NULL
                                             : "the last write failed: see the log, the disk "
                                               "and the folder of setting 'data'");
    is_ready &= add_check(checks, "disk", has_disk, true,
                          has_disk ? NULL
                                   : "less is free than setting queue.free_disk keeps free: "
                                     "nothing more is accepted");
    is_ready &= add_check(checks, "queue", has_room, true,
                          has_room ? NULL
                                   : "queue.rows or queue.bytes is reached: nothing more is "
                                     "accepted");
    return is_ready;
}

void wg_admin_readyz(struct wg_admin_request *request)
{
    bool is_stopping = request->admin->is_stopping;
    json_t *checks = json_array();
    bool is_ready = add_check(checks, "running", !is_stopping, true,
                              is_stopping ? "the gateway is stopping" : NULL);

    is_ready &= check_store(request, checks);
    is_ready &= check_certificates(request, checks);
    is_ready &= check_policies(request, checks);
    is_ready &= check_instances(request, checks);
    wg_admin_answer(
        request, is_ready ? 200 : 503,
        json_pack("{s:s, s:o}", "status", is_ready ? "ready" : "not ready", "checks", checks));
}
