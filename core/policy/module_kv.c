// SPDX-License-Identifier: Apache-2.0
#include "policy/kv_kept.h"
#include "policy/module_impl.h"

/* wavegate.kv: small values that all workers share and that survive a reload. Keys belong to
 * the instance. */

static struct wg_kv *kv_of(lua_State *L)
{
    return wg_state_of(L)->engine->kv;
}

/* The instance and the key; pushes it. */
static struct wg_str check_key(lua_State *L)
{
    struct wg_str key = wg_check_text(L, 1);

    if (key.len == 0 || key.len > WG_KV_KEY_LIMIT - 256)
        wg_raise(L, "kv: a key has 1 to %d bytes", WG_KV_KEY_LIMIT - 256);
    lua_pushfstring(L, "%s/", wg_state_of(L)->edition->instance->server_name);
    lua_pushvalue(L, 1);
    lua_concat(L, 2);
    key.at = lua_tolstring(L, -1, &key.len);
    return key;
}

static struct wg_kv_value check_value(lua_State *L, int index)
{
    struct wg_kv_value value = {.type = WG_KV_NONE};

    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TNONE:
        break;
    case LUA_TBOOLEAN:
        value.type = WG_KV_BOOLEAN;
        value.boolean = lua_toboolean(L, index);
        break;
    case LUA_TNUMBER:
        value.type = lua_isinteger(L, index) ? WG_KV_INTEGER : WG_KV_NUMBER;
        value.integer = lua_tointeger(L, index);
        value.number = lua_tonumber(L, index);
        break;
    case LUA_TSTRING:
        value.type = WG_KV_TEXT;
        value.text = wg_check_text(L, index);
        if (value.text.len > WG_KV_VALUE_LIMIT)
            wg_raise(L, "kv: a value has at most %d bytes", WG_KV_VALUE_LIMIT);
        break;
    default:
        wg_raise(
            L,
            "kv: a value is a string, a number or a boolean; write a table with json.encode");
    }
    return value;
}

static void push_value(lua_State *L, const struct wg_kv_value *value)
{
    switch (value->type) {
    case WG_KV_NONE:
        lua_pushnil(L);
        break;
    case WG_KV_BOOLEAN:
        lua_pushboolean(L, value->boolean);
        break;
    case WG_KV_INTEGER:
        lua_pushinteger(L, value->integer);
        break;
    case WG_KV_NUMBER:
        lua_pushnumber(L, value->number);
        break;
    case WG_KV_TEXT:
        lua_pushlstring(L, value->text.at, value->text.len);
        break;
    }
}

/* Milliseconds of an optional time to live. */
static int64_t check_ttl(lua_State *L, int index)
{
    double seconds;

    if (lua_isnoneornil(L, index))
        return 0;
    seconds = wg_check_seconds(L, index, "kv: the time to live");
    return seconds * 1000 < 1 ? 1 : (int64_t)(seconds * 1000);
}

static int push_done(lua_State *L, enum wg_code code, const struct wg_err *err)
{
    if (code != WG_OK && code != WG_EXISTS)
        wg_raise(L, "kv: %s", err->text);
    lua_pushboolean(L, code == WG_OK);
    return 1;
}

static int free_value(lua_State *L)
{
    wg_kv_value_done(lua_touserdata(L, 1));
    return 0;
}

/* kv.get(key) -> value or nil */
static int kv_get(lua_State *L)
{
    struct wg_str key = check_key(L);
    struct wg_kv_value *value;

    /* A sample peer has no past; a real one that is only asked about has. */
    if (wg_check_in_handler(L, "kv.get") && !wg_state_of(L)->call->question->is_dry) {
        lua_pushnil(L);
        return 1;
    }
    value = lua_newuserdatauv(L, sizeof *value, 0);
    *value = (struct wg_kv_value){.type = WG_KV_NONE};
    luaL_setmetatable(L, "wavegate.kv.value");
    wg_kv_get(kv_of(L), key, value);
    push_value(L, value);
    wg_kv_value_done(value);
    return 1;
}

/* kv.set(key, value [, ttl]); nil takes it out */
static int kv_set(lua_State *L)
{
    struct wg_kv_value value = check_value(L, 2);
    int64_t ttl_ms = check_ttl(L, 3);
    struct wg_str key = check_key(L);
    struct wg_err err;

    if (wg_check_in_handler(L, "kv.set"))
        return push_done(L, WG_OK, NULL);
    return push_done(L, wg_kv_set(kv_of(L), key, &value, ttl_ms, &err), &err);
}

/* kv.add(key, value [, ttl]) -> true when there was none */
static int kv_add(lua_State *L)
{
    struct wg_kv_value value = check_value(L, 2);
    int64_t ttl_ms = check_ttl(L, 3);
    struct wg_str key = check_key(L);
    struct wg_err err;

    if (value.type == WG_KV_NONE)
        wg_raise(L, "kv.add: a value is needed");
    if (wg_check_in_handler(L, "kv.add"))
        return push_done(L, WG_OK, NULL);
    return push_done(L, wg_kv_add(kv_of(L), key, &value, ttl_ms, &err), &err);
}

/* kv.incr(key [, by [, ttl]]) -> the number after it; the time to live counts from the first */
static int kv_incr(lua_State *L)
{
    int64_t by = luaL_optinteger(L, 2, 1);
    int64_t ttl_ms = check_ttl(L, 3);
    struct wg_str key = check_key(L);
    int64_t value = by;
    struct wg_err err;

    if (!wg_check_in_handler(L, "kv.incr") &&
        wg_kv_incr(kv_of(L), key, by, ttl_ms, &value, &err) != WG_OK)
        wg_raise(L, "kv.incr: %s", err.text);
    lua_pushinteger(L, value);
    return 1;
}

/* kv.cas(key, expected, value [, ttl]) -> true when the value was the expected one and is the
 * new one now */
static int kv_cas(lua_State *L)
{
    struct wg_kv_value expected = check_value(L, 2);
    struct wg_kv_value value = check_value(L, 3);
    int64_t ttl_ms = check_ttl(L, 4);
    struct wg_str key = check_key(L);
    bool is_done = true;
    struct wg_err err;

    if (!wg_check_in_handler(L, "kv.cas") &&
        wg_kv_cas(kv_of(L), key, &expected, &value, ttl_ms, &is_done, &err) != WG_OK)
        wg_raise(L, "kv.cas: %s", err.text);
    lua_pushboolean(L, is_done);
    return 1;
}

/* kv.persist(prefix): values under keys that begin so outlast a restart; in the body of the
 * file */
static int kv_persist(lua_State *L)
{
    struct wg_str prefix = check_key(L);
    struct wg_err err;

    if (wg_state_of(L)->call)
        wg_raise(L, "kv.persist is for the body of a policy file, not for a handler");
    if (wg_kv_persist(kv_of(L), prefix, &err) != WG_OK)
        wg_raise(L, "kv.persist: %s", err.text);
    return 0;
}

static const luaL_Reg functions[] = {
    {"add", kv_add},         {"cas", kv_cas}, {"get", kv_get}, {"incr", kv_incr},
    {"persist", kv_persist}, {"set", kv_set}, {NULL, NULL}};

void wg_module_kv(lua_State *L)
{
    luaL_newmetatable(L, "wavegate.kv.value");
    lua_pushcfunction(L, free_value);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
}
