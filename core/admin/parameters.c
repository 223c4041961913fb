// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdio.h>

#include "admin/admin_impl.h"
#include "admin/openapi_json.h"
#include "http/query.h"

/* A parameter that a route does not know is refused, not ignored: `?limt=5` is a mistake that
 * would go unseen. Which ones a route knows is what the description in the program says of it.
 */

enum { PARAMETERS_LIMIT = 32, METHOD_LIMIT = 16 };

json_t *wg_admin_description(void)
{
    return json_loadb((const char *)wg_openapi_json, wg_openapi_json_len, 0, NULL);
}

/* {"$ref": "#/components/parameters/limit"} stands for that one. */
static const json_t *resolve(const json_t *description, const json_t *parameter)
{
    const char *reference = json_string_value(json_object_get(parameter, "$ref"));
    const char *name = reference ? strrchr(reference, '/') : NULL;

    if (!name)
        return parameter;
    return json_object_get(
        json_object_get(json_object_get(description, "components"), "parameters"), name + 1);
}

/* server_name is understood everywhere: who speaks for one instance adds it to all he asks. */
static void collect(const struct wg_admin_request *request,
                    const char *names[PARAMETERS_LIMIT + 1])
{
    const json_t *description = request->admin->description;
    const json_t *path =
        json_object_get(json_object_get(description, "paths"), request->route->pattern);
    const json_t *parameter;
    char method[METHOD_LIMIT] = "";
    size_t count = 0;
    size_t i;

    for (i = 0; request->route->method[i] && i + 1 < sizeof method; i++)
        method[i] = (char)tolower((unsigned char)request->route->method[i]);
    json_array_foreach(json_object_get(json_object_get(path, method), "parameters"), i,
                       parameter)
    {
        const json_t *whole = resolve(description, parameter);
        const char *in = json_string_value(json_object_get(whole, "in"));

        if (in && strcmp(in, "query") == 0 && count + 1 < PARAMETERS_LIMIT)
            names[count++] = json_string_value(json_object_get(whole, "name"));
    }
    names[count++] = "server_name";
    names[count] = NULL;
}

static bool is_known(const char *const *names, struct wg_str name)
{
    while (*names && !wg_str_is(name, *names))
        names++;
    return *names != NULL;
}

static bool refuse(struct wg_admin_request *request, const char *const *names,
                   struct wg_str name)
{
    const char *nearest = wg_str_nearest(name, names);
    struct wg_buf all;

    wg_buf_init(&all, 4096);
    for (size_t i = 0; !nearest && names[i]; i++)
        wg_buf_addf(&all, "%s%s", i ? ", " : ", there are: ", names[i]);
    wg_admin_fail(request, WG_INVALID, "query: unknown parameter '%.*s'%s%s%s",
                  name.len > 64 ? 64 : (int)name.len, name.at,
                  nearest   ? ", did you mean '"
                  : all.len ? all.at
                            : "",
                  nearest ? nearest : "", nearest ? "'?" : "");
    wg_buf_done(&all);
    return false;
}

bool wg_admin_parameters(struct wg_admin_request *request)
{
    const char *names[PARAMETERS_LIMIT + 1];
    struct wg_str rest = request->message->query;
    struct wg_str name;
    struct wg_err err;

    /* Whoever watches over health may add what makes his question new each time. */
    if (rest.len == 0 || request->route->role == WG_ROLE_NONE)
        return true;
    /* One '?' begins the query; another begins a name. */
    if (wg_str_starts(rest, WG_STR("?")))
        rest = wg_str_of(rest.at + 1, rest.len - 1);
    collect(request, names);
    while (rest.at) {
        if (wg_http_query_next(&rest, request->arena, &name, &err) != WG_OK) {
            wg_admin_fail(request, WG_INVALID, "query: %s", err.text);
            return false;
        }
        if (name.len > 0 && !is_known(names, name))
            return refuse(request, names, name);
    }
    return true;
}
