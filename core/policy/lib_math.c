// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"
#include "policy/policy_impl.h"

/* Every function of math takes constant time; randomseed is left out, since one policy would
 * choose the random numbers of another with it. */

static const char *const names[] = {
    "abs",  "acos",   "asin", "atan", "ceil",       "cos",       "deg",        "exp",  "floor",
    "fmod", "huge",   "log",  "max",  "maxinteger", "min",       "mininteger", "modf", "pi",
    "rad",  "random", "sin",  "sqrt", "tan",        "tointeger", "type",       "ult",  NULL};

int luaopen_math(lua_State *L);

void wg_math_open(lua_State *L)
{
    lua_Integer seed[2];

    lua_newtable(L);
    lua_pushcfunction(L, luaopen_math);
    lua_call(L, 0, 1);
    /* Lua's own seed is made of addresses. */
    wg_random(seed, sizeof seed);
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, seed[0]);
    lua_pushinteger(L, seed[1]);
    lua_call(L, 2, 0);
    for (const char *const *name = names; *name; name++) {
        lua_getfield(L, -1, *name);
        lua_setfield(L, -3, *name);
    }
    lua_pop(L, 1);
}
