// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/alloc.h"
#include "policy/lists.h"
#include "policy/module_impl.h"

/* require "wavegate": on, use, options, the verdicts and the units. */

static void add_handler(lua_State *L, struct wg_state *state, enum wg_hook hook)
{
    struct wg_chain *chain = &state->chains[hook];
    struct wg_handler *handler;
    lua_Debug activation;

    if (chain->count >= WG_HANDLER_LIMIT)
        wg_raise(L, "wavegate.on: more than %d handlers of '%s'", WG_HANDLER_LIMIT,
                 wg_hook_name(hook));
    lua_pushvalue(L, 2);
    lua_getinfo(L, ">S", &activation);
    chain->handlers = wg_realloc(chain->handlers, (chain->count + 1) * sizeof *chain->handlers);
    handler = &chain->handlers[chain->count];
    lua_settop(L, 2);
    handler->source = state->loading->source;
    handler->policy = state->loading->source->name;
    handler->line = activation.linedefined > 0 ? activation.linedefined : 0;
    handler->function = luaL_ref(L, LUA_REGISTRYINDEX);
    chain->count++;
}

/* Handlers that somebody asks for instead of the chain: { event = { f, g } } */
static void collect_handler(lua_State *L, int handlers, enum wg_hook hook)
{
    lua_settop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, handlers);
    if (lua_getfield(L, 3, wg_hook_name(hook)) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, 3, wg_hook_name(hook));
        lua_replace(L, 4);
        lua_settop(L, 4);
    }
    lua_pushvalue(L, 2);
    lua_rawseti(L, 4, (lua_Integer)lua_rawlen(L, 4) + 1);
}

/* wavegate.on(hook, handler) */
static int on(lua_State *L)
{
    static const char *const names[] = {
#define X(name, text) text,
        WG_HOOKS(X)
#undef X
            NULL};
    struct wg_state *state = wg_state_of(L);
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    enum wg_hook hook;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (!state->loading)
        wg_raise(L, "wavegate.on: only while the file is loaded");
    if (!wg_hook_parse(wg_str_of(name, len), &hook)) {
        const char *near = wg_str_nearest(wg_str_of(name, len), names);

        if (near)
            wg_raise(L, "unknown hook '%.64s', did you mean '%s'?", name, near);
        wg_raise(L, "unknown hook '%.64s'", name);
    }
    if (state->loading->handlers != LUA_NOREF)
        collect_handler(L, state->loading->handlers, hook);
    else
        add_handler(L, state, hook);
    return 0;
}

static void run_policy(lua_State *L, struct wg_loading *loading)
{
    struct wg_state *state = wg_state_of(L);

    /* An error leaves loading behind; it ends the whole load, so nobody looks at it again. */
    loading->outer = state->loading;
    state->loading = loading;
    state->use_depth++;
    wg_sandbox_load(L, loading->source);
    lua_call(L, 0, 0);
    wg_options_settle(L, loading);
    state->use_depth--;
    state->loading = loading->outer;
}

/* The policy that the arguments name, with the options they give: (name [, options]). */
static struct wg_loading *push_loading(lua_State *L, const char *what)
{
    struct wg_state *state = wg_state_of(L);
    const char *name = luaL_checkstring(L, 1);
    struct wg_loading *loading;
    struct wg_err err;

    if (!state->loading)
        wg_raise(L, "wavegate.%s: only while the file is loaded", what);
    if (state->use_depth >= WG_USE_DEPTH_LIMIT)
        wg_raise(L, "wavegate.%s: policies that use each other, or more than %d deep", what,
                 WG_USE_DEPTH_LIMIT);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    loading = lua_newuserdatauv(L, sizeof *loading, 0);
    *loading = (struct wg_loading){.options = LUA_NOREF, .handlers = state->loading->handlers};
    wg_where(L, 0);
    loading->caller = lua_tostring(L, -1); /* stays on the stack of this call */
    if (wg_edition_source(state->edition, wg_str(name), &loading->source, &err) != WG_OK)
        wg_raise(L, "wavegate.%s: %s", what, err.text);
    if (!lua_isnil(L, 2)) {
        lua_pushvalue(L, 2);
        loading->options = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    return loading;
}

/* wavegate.use(name [, options]): runs that policy here; its handlers take their place in the
 * order. */
static int use(lua_State *L)
{
    struct wg_loading *loading = push_loading(L, "use");

    run_policy(L, loading);
    luaL_unref(L, LUA_REGISTRYINDEX, loading->options);
    return 0;
}

/* wavegate.handlers(name [, options]) -> { event = { handler, ... }, ... }: the handlers of
 * that policy, for one that asks them itself. Mistakes in the options name the line of whoever
 * used the asking policy: it only hands them on. */
static int handlers(lua_State *L)
{
    const struct wg_loading *outer = wg_state_of(L)->loading;
    struct wg_loading *loading = push_loading(L, "handlers");

    if (outer->caller)
        loading->caller = outer->caller;
    lua_newtable(L);
    lua_pushvalue(L, -1);
    loading->handlers = luaL_ref(L, LUA_REGISTRYINDEX);
    run_policy(L, loading);
    luaL_unref(L, LUA_REGISTRYINDEX, loading->options);
    luaL_unref(L, LUA_REGISTRYINDEX, loading->handlers);
    return 1;
}

static struct wg_str check_quantity(lua_State *L)
{
    struct wg_str text;

    text.at = luaL_checklstring(L, 1, &text.len);
    return text;
}

static int push_seconds(lua_State *L, double seconds)
{
    if (seconds == (double)(lua_Integer)seconds)
        lua_pushinteger(L, (lua_Integer)seconds);
    else
        lua_pushnumber(L, seconds);
    return 1;
}

/* wavegate.duration "1d" -> seconds */
static int duration(lua_State *L)
{
    struct wg_err err;
    double seconds;

    if (wg_units_duration(check_quantity(L), &seconds, &err) != WG_OK)
        wg_raise(L, "%s", err.text);
    return push_seconds(L, seconds);
}

/* wavegate.rate "60/h" -> how many a second */
static int rate(lua_State *L)
{
    struct wg_err err;
    double per_second;

    if (wg_units_rate(check_quantity(L), &per_second, &err) != WG_OK)
        wg_raise(L, "%s", err.text);
    return push_seconds(L, per_second);
}

/* wavegate.size "64KiB" -> bytes */
static int size(lua_State *L)
{
    struct wg_err err;
    int64_t bytes;

    if (wg_units_size(check_quantity(L), &bytes, &err) != WG_OK)
        wg_raise(L, "%s", err.text);
    lua_pushinteger(L, bytes);
    return 1;
}

static void push_names(lua_State *L, wg_names names)
{
    lua_Integer count = 0;

    lua_newtable(L);
    for (; names && *names; names++) {
        lua_pushstring(L, *names);
        lua_rawseti(L, -2, ++count);
    }
    wg_lock(L);
}

static void set_integer(lua_State *L, const char *name, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

/* The policy document of this instance. */
static void push_document(lua_State *L)
{
    static const char *const modes[] = {"open", "invite_only", "closed"};
    const struct wg_edition *edition = wg_state_of(L)->edition;
    const struct wg_config_federation *federation =
        edition->document ? &edition->document->federation : &edition->instance->federation;

    lua_newtable(L);
    lua_pushstring(L, modes[federation->default_mode]);
    lua_setfield(L, -2, "default_mode");
    push_names(L, federation->allowed_peers);
    lua_setfield(L, -2, "allowed_peers");
    push_names(L, federation->denied_peers);
    lua_setfield(L, -2, "denied_peers");
    set_integer(L, "max_foreign_participants_per_room",
                federation->max_foreign_participants_per_room);
    set_integer(L, "max_backfill_events_per_request",
                federation->max_backfill_events_per_request);
    set_integer(L, "hide_history_before", federation->hide_history_before_s);
}

static const luaL_Reg functions[] = {
    {"duration", duration},
    {"handlers", handlers},
    {"memoize", wg_memoize},
    {"on", on},
    {"options", wg_options_declare},
    {"rate", rate},
    {"size", size},
    {"use", use},
    {NULL, NULL},
};

/* The table on top, locked, becomes field name of the module below it, and require
 * "wavegate.<name>". */
static void add_module(lua_State *L, int loaded, const char *name)
{
    wg_lock(L);
    lua_pushfstring(L, "wavegate.%s", name);
    lua_pushvalue(L, -2);
    lua_rawset(L, loaded);
    lua_setfield(L, -2, name);
}

static const struct {
    const char *name;
    void (*open)(lua_State *L);
} modules[] = {
    {"base64", wg_module_base64},   {"document", push_document}, {"hash", wg_module_hash},
    {"http", wg_module_http},       {"json", wg_module_json},    {"kv", wg_module_kv},
    {"limits", wg_module_limits},   {"lists", wg_module_lists},  {"log", wg_module_log},
    {"metrics", wg_module_metrics}, {"net", wg_module_net},      {"time", wg_module_time},
};

void wg_modules_open(lua_State *L)
{
    int loaded = lua_gettop(L);

    luaL_newlib(L, functions);
    wg_verdict_open(L);
    for (size_t i = 0; i < WG_COUNT(modules); i++) {
        modules[i].open(L);
        add_module(L, loaded, modules[i].name);
    }
    wg_lock(L);
    lua_setfield(L, loaded, "wavegate");
}
