// SPDX-License-Identifier: Apache-2.0
#include "policy/module_impl.h"

/* wavegate.memoize(f, { ttl, stale, limit }): f with a memory, one of each worker. While one
 * call asks f for a key, others wait for it, or take what was known before while it is not yet
 * too stale. */

enum { DEFAULT_LIMIT = 1000, LOOK_AGAIN_MS = 5 };

enum { FUNCTION = 1, ENTRIES = 2, MEMO = 3 }; /* upvalues */

struct memo {
    int64_t ttl_ms, stale_ms;
    lua_Integer limit, count;
};

/* User value 1: the result, nil while there is none. */
struct entry {
    int64_t fresh_until_ms, stale_until_ms;
    struct wg_policy_call *asking; /* good while its serial is this: */
    uint64_t serial;
};

static int64_t now_ms(lua_State *L)
{
    return wg_clock_mono_ms(wg_state_of(L)->engine->clock);
}

/* Pushes the entry of the key at index 1, a new one when there is none. */
static struct entry *push_entry(lua_State *L)
{
    struct memo *memo = lua_touserdata(L, lua_upvalueindex(MEMO));
    struct entry *entry;

    lua_pushvalue(L, 1);
    if (lua_rawget(L, lua_upvalueindex(ENTRIES)) == LUA_TUSERDATA)
        return lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (memo->count >= memo->limit) { /* full: begin anew, which costs one question a key */
        lua_newtable(L);
        lua_replace(L, lua_upvalueindex(ENTRIES));
        memo->count = 0;
    }
    entry = lua_newuserdatauv(L, sizeof *entry, 1);
    *entry = (struct entry){.asking = NULL};
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, lua_upvalueindex(ENTRIES));
    memo->count++;
    return entry;
}

/* Pushes what the entry on top knows. @return whether it is good until that time */
static bool push_known(lua_State *L, int64_t until_ms)
{
    return lua_getiuservalue(L, -1, 1) != LUA_TNIL && now_ms(L) < until_ms;
}

static int after_function(lua_State *L, int status, lua_KContext context)
{
    const struct memo *memo = lua_touserdata(L, lua_upvalueindex(MEMO));
    bool is_good = status == LUA_OK || status == LUA_YIELD;
    struct entry *entry;

    (void)context;
    if (!is_good)
        wg_budget_recheck(L);
    entry = push_entry(L); /* key, with, result, entry */
    entry->asking = NULL;
    if (is_good && !lua_isnil(L, 3)) {
        entry->fresh_until_ms = now_ms(L) + memo->ttl_ms;
        entry->stale_until_ms = entry->fresh_until_ms + memo->stale_ms;
        lua_pushvalue(L, 3);
        lua_setiuservalue(L, -2, 1);
    } else if (push_known(L, entry->stale_until_ms)) {
        return 1;
    }
    lua_settop(L, 3);
    if (!is_good)
        return lua_error(L);
    return 1;
}

static int ask(lua_State *L, int status, lua_KContext context)
{
    struct wg_policy_call *call = wg_state_of(L)->call;
    struct entry *entry;

    (void)status;
    (void)context;
    wg_budget_recheck(L);
    lua_settop(L, 2);
    entry = push_entry(L);
    if (push_known(L, entry->fresh_until_ms))
        return 1;
    lua_pop(L, 1);
    if (entry->asking && entry->asking->serial == entry->serial) {
        if (entry->asking == call)
            wg_raise(L, "memoize: the function asks for what it is about to answer");
        if (push_known(L, entry->stale_until_ms))
            return 1;
        return wg_call_sleep(L, LOOK_AGAIN_MS, ask, 0);
    }
    entry->asking = call;
    entry->serial = call ? call->serial : 0;
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(FUNCTION));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    return after_function(L, lua_pcallk(L, 2, 1, 0, 0, after_function), 0);
}

static int memoized(lua_State *L)
{
    if (lua_isnoneornil(L, 1))
        wg_raise(L, "memoize: a key is needed");
    wg_budget_charge(L, 5);
    return ask(L, LUA_OK, 0);
}

static int64_t take_ms(lua_State *L, const char *name)
{
    double seconds = 0;

    if (lua_getfield(L, 2, name) != LUA_TNIL)
        seconds = wg_check_seconds(L, -1, name);
    lua_pop(L, 1);
    return (int64_t)(seconds * 1000);
}

/* wavegate.memoize(f, { ttl, stale, limit }) -> function(key, with): f(key, with), remembered
 * under key unless it is nil */
int wg_memoize(lua_State *L)
{
    static const char *const names[] = {"ttl", "stale", "limit", NULL};
    struct memo memo = {.limit = DEFAULT_LIMIT};

    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_checktype(L, 2, LUA_TTABLE);
    wg_check_fields(L, 2, "memoize", names);
    memo.ttl_ms = take_ms(L, "ttl");
    memo.stale_ms = take_ms(L, "stale");
    if (memo.ttl_ms <= 0)
        wg_raise(L, "memoize: ttl is required, such as \"5m\"");
    if (lua_getfield(L, 2, "limit") != LUA_TNIL)
        memo.limit = luaL_checkinteger(L, -1);
    if (memo.limit < 1 || memo.limit > 100000)
        wg_raise(L, "memoize: limit must be from 1 to 100000");
    lua_settop(L, 1);
    lua_newtable(L);
    *(struct memo *)lua_newuserdatauv(L, sizeof memo, 0) = memo;
    lua_pushcclosure(L, memoized, 3);
    return 1;
}
