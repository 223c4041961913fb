// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"

const struct wg_admin_route wg_admin_routes[] = {
    {"GET", "/healthz", WG_ROLE_NONE, 0, wg_admin_healthz},
    {"GET", "/readyz", WG_ROLE_NONE, 0, wg_admin_readyz},
    {"GET", "/metrics", WG_ROLE_READ, 0, wg_admin_metrics},
    {"GET", "/_wavegate/v1/openapi.json", WG_ROLE_NONE, 0, wg_admin_openapi},

    {"GET", "/v1/admin/federation/identity", WG_ROLE_READ, WG_WANTS_INSTANCE,
     wg_admin_identity},
    {"GET", "/v1/admin/federation/policy", WG_ROLE_READ, WG_WANTS_INSTANCE,
     wg_admin_policy_get},
    {"PUT", "/v1/admin/federation/policy", WG_ROLE_ADMIN, WG_WANTS_INSTANCE | WG_WANTS_BODY,
     wg_admin_policy_put},
    {"DELETE", "/v1/admin/federation/policy", WG_ROLE_ADMIN, WG_WANTS_INSTANCE,
     wg_admin_policy_delete},
    {"GET", "/v1/admin/rooms/{room_id}/federate", WG_ROLE_READ, WG_WANTS_INSTANCE,
     wg_admin_room_get},
    {"PUT", "/v1/admin/rooms/{room_id}/federate", WG_ROLE_ADMIN,
     WG_WANTS_INSTANCE | WG_WANTS_BODY, wg_admin_room_put},

    {"POST", "/v1/admin/rooms/{room_id}/federation/invite", WG_ROLE_ADMIN,
     WG_WANTS_INSTANCE | WG_WANTS_BODY, wg_admin_invite},
    {"POST", "/v1/admin/rooms/{room_id}/federation/backfill", WG_ROLE_OPERATE,
     WG_WANTS_INSTANCE | WG_WANTS_BODY_IF_GIVEN, wg_admin_backfill},
    {"POST", "/v1/admin/federation/foreign/{participant_id}/refresh", WG_ROLE_OPERATE,
     WG_WANTS_INSTANCE, wg_admin_foreign_refresh},
    {"GET", "/v1/admin/federation/peers", WG_ROLE_READ, 0, wg_admin_peer_list},
    {"GET", "/_wavegate/v1/peers/{name}", WG_ROLE_READ, 0, wg_admin_peer_get},
    {"POST", "/_wavegate/v1/peers/{name}/refresh", WG_ROLE_OPERATE, 0, wg_admin_peer_refresh},
    {"DELETE", "/_wavegate/v1/peers/{name}", WG_ROLE_ADMIN, 0, wg_admin_peer_forget},
    {"POST", "/_wavegate/v1/peers/{name}/label", WG_ROLE_OPERATE, WG_WANTS_BODY,
     wg_admin_peer_label},
    {"PUT", "/_wavegate/v1/peers/{name}/pin", WG_ROLE_ADMIN, WG_WANTS_BODY_IF_GIVEN,
     wg_admin_peer_pin},
    {"DELETE", "/_wavegate/v1/peers/{name}/pin", WG_ROLE_ADMIN, 0, wg_admin_peer_unpin},

    {"POST", "/_wavegate/v1/doctor", WG_ROLE_OPERATE, WG_WANTS_BODY_IF_GIVEN, wg_admin_doctor},

    {"GET", "/_wavegate/v1/overview", WG_ROLE_READ, 0, wg_admin_overview},
    {"GET", "/_wavegate/v1/instances", WG_ROLE_READ, 0, wg_admin_instances},
    {"GET", "/_wavegate/v1/keys", WG_ROLE_READ, 0, wg_admin_key_list},
    {"POST", "/_wavegate/v1/keys/rotate", WG_ROLE_ADMIN,
     WG_WANTS_INSTANCE | WG_WANTS_BODY_IF_GIVEN, wg_admin_key_rotate},
    {"POST", "/_wavegate/v1/keys/cancel", WG_ROLE_ADMIN, WG_WANTS_INSTANCE,
     wg_admin_key_cancel},
    {"GET", "/_wavegate/v1/generations", WG_ROLE_READ, WG_WANTS_INSTANCE, wg_admin_generations},
    {"POST", "/_wavegate/v1/generations/reload", WG_ROLE_OPERATE, WG_WANTS_INSTANCE,
     wg_admin_reload},
    {"POST", "/_wavegate/v1/generations/{number}/rollback", WG_ROLE_ADMIN, WG_WANTS_INSTANCE,
     wg_admin_rollback},
    {"GET", "/_wavegate/v1/log", WG_ROLE_READ, 0, wg_admin_log_get},
    {"PUT", "/_wavegate/v1/log", WG_ROLE_ADMIN, WG_WANTS_BODY, wg_admin_log_put},
    {"GET", "/_wavegate/v1/lists", WG_ROLE_READ, 0, wg_admin_list_list},
    {"GET", "/_wavegate/v1/lists/lookup", WG_ROLE_READ, 0, wg_admin_list_lookup},
    {"POST", "/_wavegate/v1/lists/refresh", WG_ROLE_OPERATE, 0, wg_admin_list_refresh},
    {"GET", "/_wavegate/v1/limits", WG_ROLE_READ, WG_WANTS_INSTANCE, wg_admin_limit_list},
    {"DELETE", "/_wavegate/v1/limits/{name}/keys/{key}", WG_ROLE_OPERATE, WG_WANTS_INSTANCE,
     wg_admin_limit_forgive},
    {"GET", "/_wavegate/v1/tokens", WG_ROLE_ADMIN, 0, wg_admin_token_list},
    {"POST", "/_wavegate/v1/tokens", WG_ROLE_ADMIN, WG_WANTS_BODY, wg_admin_token_create},
    {"GET", "/_wavegate/v1/tokens/{id}", WG_ROLE_ADMIN, 0, wg_admin_token_get},
    {"DELETE", "/_wavegate/v1/tokens/{id}", WG_ROLE_ADMIN, 0, wg_admin_token_revoke},
    {"GET", "/_wavegate/v1/queue", WG_ROLE_READ, 0, wg_admin_queue_list},
    {"GET", "/_wavegate/v1/queue/shape", WG_ROLE_READ, 0, wg_admin_queue_shape},
    {"GET", "/_wavegate/v1/queue/suspensions", WG_ROLE_READ, 0, wg_admin_queue_suspensions},
    {"GET", "/_wavegate/v1/queue/events/{event_id}", WG_ROLE_READ, 0, wg_admin_queue_show},
    {"POST", "/_wavegate/v1/queue/suspend", WG_ROLE_OPERATE, WG_WANTS_BODY,
     wg_admin_queue_suspend},
    {"POST", "/_wavegate/v1/queue/resume", WG_ROLE_OPERATE, WG_WANTS_BODY,
     wg_admin_queue_resume},
    {"POST", "/_wavegate/v1/queue/{verb}", WG_ROLE_OPERATE, WG_WANTS_BODY,
     wg_admin_queue_change},
    {"GET", "/_wavegate/v1/events/{event_id}", WG_ROLE_READ, 0, wg_admin_event_story},
    {"GET", "/_wavegate/v1/audit", WG_ROLE_READ, 0, wg_admin_audit_search},
    {"GET", "/_wavegate/v1/audit/verify", WG_ROLE_READ, 0, wg_admin_audit_verify},
};
const size_t wg_admin_routes_count = WG_COUNT(wg_admin_routes);

size_t wg_admin_route_count(void)
{
    return wg_admin_routes_count;
}

void wg_admin_route_names(size_t i, const char **ret_method, const char **ret_pattern,
                          const char **ret_role)
{
    *ret_method = wg_admin_routes[i].method;
    *ret_pattern = wg_admin_routes[i].pattern;
    *ret_role = wg_token_role_name(wg_admin_routes[i].role);
}
