// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "federation/gateway.h"

/** The REST API for operators (docs/admin.md): who asks, for which instance, with what rights;
 * then one handler a route. Answers {"error":{"code","message"}} like the other doors.
 *
 * Thread: the control loop, where policies are loaded and what is changed here is in one hand.
 */
struct wg_admin;

/** worker: of the control loop, with client and policy; its gateway has a store. */
struct wg_admin *wg_admin_new(struct wg_worker *worker);
/** After the worker has become idle. */
struct wg_admin *wg_admin_free(struct wg_admin *admin);
/** From now on /readyz says that the gateway is stopping. */
void wg_admin_is_stopping(struct wg_admin *admin);
/** A request of the admin listener; it ends by itself. */
void wg_admin_start(struct wg_admin *admin, struct wg_http_call *call);

/** The routes, for the test that compares them with docs/openapi.json. */
struct wg_admin_route;
size_t wg_admin_route_count(void);
void wg_admin_route_names(size_t i, const char **ret_method, const char **ret_pattern,
                          const char **ret_role);
