// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_impl.h"

/* The utf8 library is Lua's, paid for by the length of the text it walks. */

static int charged(lua_State *L)
{
    lua_CFunction stock = lua_tocfunction(L, lua_upvalueindex(1));

    wg_budget_charge(L, lua_gettop(L));
    if (lua_type(L, 1) == LUA_TSTRING)
        wg_budget_charge(L, (int64_t)(lua_rawlen(L, 1) / 8));
    return stock(L);
}

/* utf8.codepoint(text [, first [, last [, lax]]]): as many results as characters. */
static int codepoint(lua_State *L)
{
    size_t len;
    lua_Integer first, last;

    luaL_checklstring(L, 1, &len);
    first = luaL_optinteger(L, 2, 1);
    last = luaL_optinteger(L, 3, first);
    if (last < 0)
        last += (lua_Integer)len + 1;
    if (first < 0)
        first += (lua_Integer)len + 1;
    if (last <= (lua_Integer)len && last - first >= WG_RESULT_LIMIT)
        return luaL_error(L, "string slice too long: at most %d bytes", WG_RESULT_LIMIT);
    return charged(L);
}

static const struct {
    const char *name;
    lua_CFunction function;
} functions[] = {
    {"char", charged}, {"codepoint", codepoint}, {"codes", charged},
    {"len", charged},  {"offset", charged},
};

int luaopen_utf8(lua_State *L);

void wg_utf8_open(lua_State *L)
{
    lua_newtable(L);
    lua_pushcfunction(L, luaopen_utf8);
    lua_call(L, 0, 1);
    for (size_t i = 0; i < WG_COUNT(functions); i++) {
        lua_getfield(L, -1, functions[i].name);
        lua_pushcclosure(L, functions[i].function, 1);
        lua_setfield(L, -3, functions[i].name);
    }
    lua_getfield(L, -1, "charpattern");
    lua_setfield(L, -3, "charpattern");
    lua_pop(L, 1);
}
