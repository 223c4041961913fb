// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <time.h>

#include "base/alloc.h"
#include "policy/module_impl.h"

/* wavegate.time: the clock, its writing, and waiting. */

/* time.now() -> seconds since 1970 */
static int time_now(lua_State *L)
{
    lua_pushnumber(L, (double)wg_clock_wall_ms(wg_state_of(L)->engine->clock) / 1000);
    return 1;
}

static bool split(lua_State *L, struct tm *ret_parts)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    time_t whole;

    if (!(fabs(seconds) < 2e11)) /* the year 8300 */
        return false;
    whole = (time_t)floor(seconds);
    return gmtime_r(&whole, ret_parts) != NULL;
}

/* time.format(seconds) -> "2026-01-31T12:00:00Z" */
static int time_format(lua_State *L)
{
    char text[64];
    struct tm parts;

    if (!split(L, &parts))
        return luaL_argerror(L, 1, "out of range");
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    lua_pushstring(L, text);
    return 1;
}

/* time.parse "2026-01-31T12:00:00Z" -> seconds, or nil and why */
static int time_parse(lua_State *L)
{
    struct wg_err err;
    int64_t seconds;

    if (wg_units_time(wg_check_text(L, 1), &seconds, &err) != WG_OK)
        return wg_push_failure(L, &err);
    lua_pushinteger(L, seconds);
    return 1;
}

/* time.utc(seconds) -> { year, month, day, hour, minute, second, weekday }; Monday is 1 */
static int time_utc(lua_State *L)
{
    struct tm parts;

    if (!split(L, &parts))
        return luaL_argerror(L, 1, "out of range");
    lua_createtable(L, 0, 7);
    lua_pushinteger(L, parts.tm_year + 1900);
    lua_setfield(L, -2, "year");
    lua_pushinteger(L, parts.tm_mon + 1);
    lua_setfield(L, -2, "month");
    lua_pushinteger(L, parts.tm_mday);
    lua_setfield(L, -2, "day");
    lua_pushinteger(L, parts.tm_hour);
    lua_setfield(L, -2, "hour");
    lua_pushinteger(L, parts.tm_min);
    lua_setfield(L, -2, "minute");
    lua_pushinteger(L, parts.tm_sec);
    lua_setfield(L, -2, "second");
    lua_pushinteger(L, parts.tm_wday == 0 ? 7 : parts.tm_wday);
    lua_setfield(L, -2, "weekday");
    return 1;
}

struct sleep {
    struct wg_policy_call *call;
    struct wg_timer *timer;
};

static void end_sleep(void *owner)
{
    struct sleep *sleep = owner;

    wg_timer_free(sleep->timer);
    wg_free(sleep);
}

static void on_ring(void *owner)
{
    struct sleep *sleep = owner;
    struct wg_policy_call *call = sleep->call;

    end_sleep(sleep);
    wg_call_resume(call);
}

static int after_sleep(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    wg_budget_recheck(L);
    return 0;
}

int wg_call_sleep(lua_State *L, int64_t for_ms, lua_KFunction after, lua_KContext context)
{
    const struct wg_state *state = wg_state_of(L);
    struct wg_policy_call *call = wg_call_check_wait(L, "waiting");
    struct sleep *sleep;

    if (state->is_dry || !state->worker || !state->worker->loop)
        return lua_yield(L, 0);
    if (state->worker->fake)
        for_ms = state->worker->fake->sleep(state->worker->fake->owner, for_ms);
    sleep = wg_new(struct sleep);
    sleep->call = call;
    sleep->timer = wg_timer_new(state->worker->loop, on_ring, sleep);
    wg_timer_start(sleep->timer, for_ms);
    return wg_call_wait(L, end_sleep, sleep, after, context);
}

/* time.sleep(seconds): others go on meanwhile */
static int time_sleep(lua_State *L)
{
    double seconds = wg_check_seconds(L, 1, "time.sleep");

    wg_call_check_wait(L, "time.sleep");
    return wg_call_sleep(L, (int64_t)ceil(seconds * 1000), after_sleep, 0);
}

static const luaL_Reg functions[] = {{"format", time_format}, {"now", time_now},
                                     {"parse", time_parse},   {"sleep", time_sleep},
                                     {"utc", time_utc},       {NULL, NULL}};

void wg_module_time(lua_State *L)
{
    luaL_newlib(L, functions);
}
