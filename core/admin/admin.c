// SPDX-License-Identifier: Apache-2.0
#include "admin/admin_impl.h"

#include "admin/metrics_impl.h"
#include "http/query.h"

struct wg_admin *wg_admin_new(struct wg_worker *worker)
{
    struct wg_admin *admin = wg_new(struct wg_admin);

    admin->worker = worker;
    admin->description = wg_admin_description();
    admin->waiting_end = &admin->waiting;
    admin->route_count = wg_admin_routes_count;
    admin->routes = wg_alloc(admin->route_count * sizeof *admin->routes);
    for (size_t i = 0; i < admin->route_count; i++)
        admin->routes[i] = (struct wg_route){wg_admin_routes[i].method,
                                             wg_admin_routes[i].pattern, &wg_admin_routes[i]};
    return admin;
}

struct wg_admin *wg_admin_free(struct wg_admin *admin)
{
    if (!admin)
        return NULL;
    wg_metrics_forget_question(admin->asking);
    wg_metrics_queue_free(admin->queue);
    json_decref(admin->description);
    wg_free(admin->routes);
    wg_free(admin);
    return NULL;
}

void wg_admin_is_stopping(struct wg_admin *admin)
{
    admin->is_stopping = true;
    wg_admin_doctor_stop(admin);
}

/* Who asks comes first: whoever has no token learns nothing of what there is. */
static bool authenticate(struct wg_admin_request *request)
{
    struct wg_err err;

    if (request->route && request->route->role == WG_ROLE_NONE)
        return true;
    if (wg_headers_count(&request->message->headers, "authorization") > 1) {
        wg_admin_fail(request, WG_INVALID, "several Authorization fields");
        return false;
    }
    if (wg_tokens_check(request->gateway->tokens,
                        wg_headers_get(&request->message->headers, "authorization"),
                        &request->bearer, &err) != WG_OK) {
        wg_admin_header(request, "www-authenticate", WG_STR("Bearer realm=\"wavegate\""));
        wg_admin_fail_err(request, &err);
        return false;
    }
    return true;
}

static bool authorise(struct wg_admin_request *request)
{
    if (request->bearer.role >= request->route->role)
        return true;
    wg_admin_fail(request, WG_NOT_PERMITTED,
                  "this needs a token with the role '%s', yours has '%s': `wavegate token "
                  "create --role %s` makes one",
                  wg_token_role_name(request->route->role),
                  wg_token_role_name(request->bearer.role),
                  wg_token_role_name(request->route->role));
    return false;
}

/* The instance named by ?server_name=, else by Host, else the only one there is. */
static bool find_instance(struct wg_admin_request *request)
{
    const struct wg_gateway *gateway = request->gateway;
    struct wg_str name;

    if (!wg_admin_query(request, "server_name", &name))
        return false;
    if (name.at) {
        request->instance = wg_gateway_instance(gateway, name);
        if (request->instance)
            return true;
        wg_admin_fail(request, WG_SERVER_UNKNOWN, "no instance '%.*s' lives here",
                      WG_STR_F(name));
        return false;
    }
    request->instance = wg_gateway_instance(gateway, request->message->authority);
    if (!request->instance && gateway->instance_count == 1)
        request->instance = &gateway->instances[0];
    if (request->instance || !(request->route->wants & WG_WANTS_INSTANCE))
        return true;
    wg_admin_fail(request, WG_INVALID,
                  "%zu instances live here: say which one with ?server_name=NAME, or with the "
                  "Host field",
                  gateway->instance_count);
    return false;
}

static bool read_body(struct wg_admin_request *request)
{
    struct wg_str text = request->message->body;
    struct wg_err err;

    if (!(request->route->wants & (WG_WANTS_BODY | WG_WANTS_BODY_IF_GIVEN)))
        return true;
    if (text.len == 0 && (request->route->wants & WG_WANTS_BODY_IF_GIVEN))
        return true;
    if (wg_json_parse(text, &request->body, &err) != WG_OK) {
        wg_admin_fail(request, WG_INVALID, "body: %s", err.text);
        return false;
    }
    if (json_is_object(request->body))
        return true;
    wg_admin_fail(request, WG_INVALID, "body: must be a JSON object");
    return false;
}

/* @return false after having answered. */
static bool find_route(struct wg_admin_request *request, enum wg_code *ret_code,
                       struct wg_err *err)
{
    struct wg_admin *admin = request->admin;

    *ret_code = wg_route_find(admin->routes, admin->route_count, request->message->method,
                              request->message->path, request->arena, &request->match, err);
    if (*ret_code == WG_OK)
        request->route = request->match.route->value;
    if (!authenticate(request))
        return false;
    if (*ret_code == WG_OK)
        return true;
    if (*ret_code == WG_METHOD_NOT_ALLOWED)
        wg_admin_header(request, "allow", request->match.allow);
    wg_admin_fail_err(request, err);
    return false;
}

void wg_admin_start(struct wg_admin *admin, struct wg_http_call *call)
{
    struct wg_arena *arena = wg_http_call_arena(call);
    struct wg_admin_request *request = wg_arena_new(arena, struct wg_admin_request);
    struct wg_err err;
    enum wg_code code;

    request->admin = admin;
    request->worker = admin->worker;
    request->gateway = admin->worker->gateway;
    request->call = call;
    request->message = wg_http_call_message(call);
    request->arena = arena;
    request->started_ms = wg_clock_mono_ms(request->gateway->clock);
    wg_uuid_make(wg_clock_wall_ms(request->gateway->clock), request->request_id);
    admin->worker->exchanges++;
    if (find_route(request, &code, &err) && authorise(request) &&
        wg_admin_parameters(request) && find_instance(request) && read_body(request))
        request->route->handle(request);
}
