// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "policy/limits.h"
#include "policy/module_impl.h"

/* wavegate.limits: rate limiters that all workers share and that survive a reload. */

static const char *const LIMITER = "wavegate.limiter";

enum { NAME_LIMIT = 128 };

static double check_rate(lua_State *L)
{
    struct wg_str text;
    struct wg_err err;
    double rate = 0;
    int type = lua_getfield(L, 1, "rate");

    if (type == LUA_TNUMBER) {
        rate = lua_tonumber(L, -1);
    } else if (type == LUA_TSTRING) {
        text.at = lua_tolstring(L, -1, &text.len);
        if (wg_units_rate(text, &rate, &err) != WG_OK)
            wg_raise(L, "limits.new: %s", err.text);
    } else {
        wg_raise(L, "limits.new: rate is required, such as \"50/s\"");
    }
    if (!(rate > 0) || rate > 1e9)
        wg_raise(L, "limits.new: rate must be more than 0");
    lua_pop(L, 1);
    return rate;
}

static double check_burst(lua_State *L, double rate)
{
    double burst = rate;

    if (lua_getfield(L, 1, "burst") != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TNUMBER || !(lua_tonumber(L, -1) >= 1))
            wg_raise(L, "limits.new: burst must be a number of at least 1");
        burst = lua_tonumber(L, -1);
    }
    lua_pop(L, 1);
    return burst < 1 ? 1 : burst;
}

/* limits.new { name, rate, burst } -> limiter; burst is a second's worth unless given */
static int limits_new(lua_State *L)
{
    static const char *const names[] = {"name", "rate", "burst", NULL};
    const struct wg_edition *edition = wg_state_of(L)->edition;
    struct wg_limiter *limiter;
    char name[NAME_LIMIT + 260]; /* with the instance, so that two do not share */
    struct wg_limit_rate rate;
    int len;

    luaL_checktype(L, 1, LUA_TTABLE);
    wg_check_fields(L, 1, "limits.new", names);
    if (lua_getfield(L, 1, "name") != LUA_TSTRING || lua_rawlen(L, -1) > NAME_LIMIT)
        wg_raise(L, "limits.new: name is required, a string of at most %d bytes", NAME_LIMIT);
    rate.per_second = check_rate(L);
    rate.burst = check_burst(L, rate.per_second);
    len = snprintf(name, sizeof name, "%s/%s", edition->instance->server_name,
                   lua_tostring(L, -1));
    limiter = lua_newuserdatauv(L, sizeof *limiter, 0);
    wg_limits_open(wg_state_of(L)->engine->limits, wg_str_of(name, (size_t)len), &rate,
                   limiter);
    luaL_setmetatable(L, LIMITER);
    return 1;
}

static double check_cost(lua_State *L)
{
    double cost = luaL_optnumber(L, 3, 1);

    if (!(cost >= 0))
        wg_raise(L, "limiter: cost must not be negative");
    return cost;
}

/* limiter:take(key [, cost]) -> true, or false and the seconds to wait */
static int limiter_take(lua_State *L)
{
    const struct wg_limiter *limiter = luaL_checkudata(L, 1, LIMITER);
    struct wg_str key = wg_check_text(L, 2);
    double cost = check_cost(L);
    double wait;

    if (wg_check_in_handler(L, "limiter:take") ||
        wg_limits_take(wg_state_of(L)->engine->limits, limiter, key, cost, &wait)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    if (wait < 0)
        return 1; /* never: the cost is over the burst */
    lua_pushnumber(L, wait);
    return 2;
}

/* limiter:wait(key [, cost]) -> seconds until it could be taken; nil when never */
static int limiter_wait(lua_State *L)
{
    const struct wg_limiter *limiter = luaL_checkudata(L, 1, LIMITER);
    struct wg_str key = wg_check_text(L, 2);
    double cost = check_cost(L);
    double wait;

    wait = wg_limits_wait(wg_state_of(L)->engine->limits, limiter, key, cost);
    if (wait < 0)
        lua_pushnil(L);
    else
        lua_pushnumber(L, wait);
    return 1;
}

static const luaL_Reg methods[] = {
    {"take", limiter_take}, {"wait", limiter_wait}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"new", limits_new}, {NULL, NULL}};

void wg_module_limits(lua_State *L)
{
    luaL_newmetatable(L, LIMITER);
    luaL_newlib(L, methods);
    wg_lock(L);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
}
