// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <math.h>

#include "base/alloc.h"
#include "http/client.h"
#include "policy/module_impl.h"
#include "wire/name.h"

/* wavegate.http: asks another service while other requests go on. TLS is verified and addresses
 * are guarded by the client; redirects are not followed. */

enum {
    HEADER_LIMIT = 16,
    ANSWER_LIMIT_BYTES = 256 * 1024,
    CACHE_LIMIT = 256,
    REQUEST_COST = 2000,
};

static const char cache_key = 0; /* in the registry: URL to { response, good until } */

struct request {
    struct wg_http_request http;
    struct wg_str url, authority;
    struct wg_header headers[HEADER_LIMIT + 2];
    int64_t cache_ms;
};

struct wait {
    struct wg_policy_call *call; /* NULL: nobody waits any more */
    struct wg_http_fetch *fetch;
    const struct wg_http_response *response; /* while the answer is handed over */
    const struct wg_err *err;
    int64_t cache_ms;
};

/* ---- the request ---- */

static void check_url(lua_State *L, struct request *request)
{
    struct wg_str url = wg_check_text(L, 1);
    struct wg_err err;
    size_t slash;

    request->url = url;
    if (wg_str_starts(url, WG_STR("https://")))
        request->http.origin.is_tls = true;
    else if (!wg_str_starts(url, WG_STR("http://")))
        wg_raise(L, "http: a URL begins with https:// (or http://)");
    url = wg_str_of(url.at + (request->http.origin.is_tls ? 8 : 7),
                    url.len - (request->http.origin.is_tls ? 8 : 7));
    slash = wg_str_find(url, '/');
    request->authority = wg_str_of(url.at, slash);
    request->http.target =
        slash < url.len ? wg_str_of(url.at + slash, url.len - slash) : WG_STR("/");
    if (wg_server_name_check(request->authority, false, &err) != WG_OK)
        wg_raise(L, "http: %s", err.text);
    for (size_t i = 0; i < request->http.target.len; i++) {
        char byte = request->http.target.at[i];

        if (byte <= ' ' || byte >= 0x7f || byte == '#')
            wg_raise(
                L,
                "http: a URL holds no spaces, no '#' and only ASCII; write %%20 for a space");
    }
    wg_server_name_split(request->authority, request->http.origin.is_tls ? 443 : 80,
                         &request->http.origin.host, &request->http.origin.port);
}

static void add_header(struct request *request, struct wg_str name, struct wg_str value)
{
    request->headers[request->http.header_count++] = (struct wg_header){name, value};
}

static bool is_ours(struct wg_str name)
{
    static const char *const ours[] = {
        "host", "content-length", "connection", "transfer-encoding", "upgrade", "expect",
        "te",   "trailer",        NULL};

    for (const char *const *own = ours; *own; own++)
        if (wg_str_equal_nocase(name, wg_str(*own)))
            return true;
    return false;
}

static void check_header(lua_State *L, struct wg_str name, struct wg_str value)
{
    bool is_name = name.len > 0 && name.len <= 64;

    for (size_t i = 0; i < name.len && is_name; i++)
        is_name = isalnum((unsigned char)name.at[i]) || name.at[i] == '-' || name.at[i] == '_';
    if (!is_name)
        wg_raise(L, "http: '%.64s' is no header name", name.at);
    if (is_ours(name))
        wg_raise(L, "http: header '%.64s' is set by the gateway", name.at);
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
            wg_raise(L, "http: header '%.64s' has a control character", name.at);
}

/* The table of headers on top; names and values stay in it. */
static void take_headers(lua_State *L, struct request *request)
{
    int count = 0;

    if (lua_type(L, -1) != LUA_TTABLE)
        wg_raise(L, "http: headers is a table: { [\"Accept\"] = \"...\" }");
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        struct wg_str name, value;

        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            wg_raise(L, "http: headers have strings as names and values");
        if (++count > HEADER_LIMIT)
            wg_raise(L, "http: at most %d headers", HEADER_LIMIT);
        name.at = lua_tolstring(L, -2, &name.len);
        value.at = lua_tolstring(L, -1, &value.len);
        check_header(L, name, value);
        add_header(request, name, value);
        lua_pop(L, 1);
    }
}

static int64_t take_ms(lua_State *L, int index, const char *name)
{
    double seconds = 0;

    if (lua_getfield(L, index, name) != LUA_TNIL)
        seconds = wg_check_seconds(L, -1, name);
    lua_pop(L, 1);
    return (int64_t)ceil(seconds * 1000);
}

static void take_options(lua_State *L, int index, struct request *request)
{
    static const char *const names[] = {"headers", "deadline", "cache", NULL};
    int64_t deadline_ms;

    if (lua_isnoneornil(L, index))
        return;
    luaL_checktype(L, index, LUA_TTABLE);
    wg_check_fields(L, index, "http", names);
    deadline_ms = take_ms(L, index, "deadline");
    if (deadline_ms > 0)
        request->http.timeout_ms = deadline_ms;
    request->cache_ms = take_ms(L, index, "cache");
    if (lua_getfield(L, index, "headers") != LUA_TNIL) {
        take_headers(L, request);
        if (request->cache_ms > 0)
            wg_raise(L, "http: an answer to a request with headers of its own is not cached");
    }
}

/* ---- the answer ---- */

static void push_headers(lua_State *L, const struct wg_headers *headers)
{
    lua_createtable(L, 0, (int)headers->count);
    for (size_t i = 0; i < headers->count; i++) {
        struct wg_str name = headers->at[i].name;
        struct wg_str value = headers->at[i].value;

        lua_pushlstring(L, name.at, name.len);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TSTRING) { /* once more: joined, as RFC 9110 5.3 has it */
            lua_pushliteral(L, ", ");
            lua_pushlstring(L, value.at, value.len);
            lua_concat(L, 3);
        } else {
            lua_pop(L, 1);
            lua_pushlstring(L, value.at, value.len);
        }
        lua_rawset(L, -3);
    }
    wg_lock(L);
}

static void push_response(lua_State *L, const struct wg_http_response *response)
{
    wg_budget_charge(L, (int64_t)(response->body.len / 16));
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, response->status);
    lua_setfield(L, -2, "status");
    push_headers(L, &response->headers);
    lua_setfield(L, -2, "headers");
    lua_pushlstring(L, response->body.at ? response->body.at : "", response->body.len);
    lua_setfield(L, -2, "body");
    wg_lock(L);
}

/* ---- the cache, of this worker ---- */

static int64_t now_ms(lua_State *L)
{
    return wg_clock_mono_ms(wg_state_of(L)->engine->clock);
}

/* @return whether there is one; then it is on top */
static bool push_cached(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, -2) == LUA_TTABLE) {
        lua_rawgeti(L, -1, 2);
        if (lua_tointeger(L, -1) > now_ms(L)) {
            lua_rawgeti(L, -2, 1);
            return true;
        }
    }
    return false;
}

/* The response on top, under the URL at index 1. */
static void keep(lua_State *L, int64_t for_ms)
{
    lua_Integer count;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key);
    lua_rawgeti(L, -1, 0);
    count = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (count >= CACHE_LIMIT) { /* rare: begin anew */
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
        count = 0;
    }
    lua_pushinteger(L, count + 1);
    lua_rawseti(L, -2, 0);
    lua_pushvalue(L, 1);
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, -4);
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, now_ms(L) + for_ms);
    lua_rawseti(L, -2, 2);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* ---- the exchange ---- */

static void stop(void *owner)
{
    struct wait *wait = owner;

    wait->call = NULL;
    if (wait->fetch)
        wg_http_fetch_cancel(wait->fetch); /* on_answer still comes */
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct wait *wait = owner;

    wait->response = response;
    wait->err = err;
    if (wait->call)
        wg_call_resume(wait->call);
    wg_free(wait);
}

/* Runs inside of on_answer(), but for a call that was interrupted: then context is no longer
 * good. */
static int after_answer(lua_State *L, int status, lua_KContext context)
{
    const struct wait *wait = (const struct wait *)context;

    (void)status;
    wg_budget_recheck(L);
    if (!wait->response) {
        wg_push_failure(L, wait->err);
        lua_pushstring(L, wg_code_name(wait->err->code));
        return 3;
    }
    push_response(L, wait->response);
    if (wait->cache_ms > 0 && wait->response->status >= 200 && wait->response->status < 300)
        keep(L, wait->cache_ms);
    return 1;
}

static int send(lua_State *L, struct request *request)
{
    const struct wg_state *state = wg_state_of(L);
    struct wg_policy_call *call = wg_call_check_wait(L, "http");
    const struct wg_fake_world *fake;
    struct wait *wait;

    wg_budget_charge(L, REQUEST_COST);
    if (state->is_dry)
        return lua_yield(L, 0);
    fake = state->worker ? state->worker->fake : NULL;
    if (!fake && (!state->worker || !state->worker->http)) {
        lua_pushnil(L);
        lua_pushliteral(L, "there is no HTTP here");
        lua_pushstring(L, wg_code_name(WG_CANCELLED));
        return 3;
    }
    add_header(request, WG_STR("Host"), request->authority);
    add_header(request, WG_STR("User-Agent"), WG_STR("wavegate/" WAVEGATE_VERSION));
    request->http.headers = request->headers;
    request->http.answer_limit_bytes = ANSWER_LIMIT_BYTES;
    if (request->http.timeout_ms == 0)
        request->http.timeout_ms = state->edition->config->budget.waiting_ms;
    request->http.purpose = WG_PURPOSE_POLICY;
    wait = wg_new(struct wait);
    wait->call = call;
    wait->cache_ms = request->cache_ms;
    if (fake)
        fake->fetch(fake->owner, &request->http, request->url, on_answer, wait);
    else
        wait->fetch = wg_http_fetch(state->worker->http, &request->http, on_answer, wait);
    return wg_call_wait(L, stop, wait, after_answer, (lua_KContext)wait);
}

/* http.get(url [, { headers, deadline, cache }]) -> { status, headers, body }, or nil, why and
 * a code */
static int http_get(lua_State *L)
{
    struct request request = {.http = {.method = WG_STR("GET")}};

    check_url(L, &request);
    lua_settop(L, 2);
    take_options(L, 2, &request);
    if (request.cache_ms > 0 && push_cached(L))
        return 1;
    return send(L, &request);
}

/* http.post(url, body [, { headers, deadline }]) -> { status, headers, body }, or nil, why and
 * a code */
static int http_post(lua_State *L)
{
    struct request request = {.http = {.method = WG_STR("POST")}};

    check_url(L, &request);
    request.http.body = wg_check_text(L, 2);
    lua_settop(L, 3);
    take_options(L, 3, &request);
    if (request.cache_ms > 0)
        wg_raise(L, "http.post: an answer to POST is not cached");
    return send(L, &request);
}

static const luaL_Reg functions[] = {{"get", http_get}, {"post", http_post}, {NULL, NULL}};

void wg_module_http(lua_State *L)
{
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
    luaL_newlib(L, functions);
}
