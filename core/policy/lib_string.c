// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_impl.h"

/* The string library without dump. Stock functions whose work follows from the length of their
 * arguments are wrapped to be paid for; patterns (lib_match.c) and format (lib_format.c) are
 * our own. */

/* Upvalue 1: the stock function. */
static int charged(lua_State *L)
{
    lua_CFunction stock = lua_tocfunction(L, lua_upvalueindex(1));
    int count = lua_gettop(L);
    int64_t work = count;

    for (int i = 1; i <= count; i++)
        if (lua_type(L, i) == LUA_TSTRING)
            work += (int64_t)(lua_rawlen(L, i) / 8);
    wg_budget_charge(L, work);
    return stock(L);
}

/* string.rep(text, count [, separator]) */
static int string_rep(lua_State *L)
{
    lua_CFunction stock = lua_tocfunction(L, lua_upvalueindex(1));
    size_t len, separator_len;
    lua_Integer count;

    luaL_checklstring(L, 1, &len);
    count = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &separator_len);
    if (count > 0 && len + separator_len > 0) {
        if (count > WG_STRING_LIMIT_BYTES)
            wg_raise(L, "the result would be longer than %d bytes", WG_STRING_LIMIT_BYTES);
        wg_check_string_size(L, (len + separator_len) * (size_t)count);
        wg_budget_charge(L, count / 4 + (int64_t)((len + separator_len) * (size_t)count / 16));
    } else {
        lua_pushliteral(L, ""); /* stock would count to 2^63 with nothing to add */
        return 1;
    }
    return stock(L);
}

/* string.byte(text [, first [, last]]) */
static int string_byte(lua_State *L)
{
    lua_CFunction stock = lua_tocfunction(L, lua_upvalueindex(1));
    size_t len;
    lua_Integer first, last;

    luaL_checklstring(L, 1, &len);
    first = luaL_optinteger(L, 2, 1);
    last = luaL_optinteger(L, 3, first);
    first = first < -(lua_Integer)len ? 1 : first < 0 ? (lua_Integer)len + first + 1 : first;
    last = last < -(lua_Integer)len  ? 0
           : last < 0                ? (lua_Integer)len + last + 1
           : last > (lua_Integer)len ? (lua_Integer)len
                                     : last;
    if (last > first) {
        if (last - first >= WG_RESULT_LIMIT)
            return luaL_error(L, "string slice too long: at most %d bytes", WG_RESULT_LIMIT);
        wg_budget_charge(L, last - first);
    }
    return stock(L);
}

/* Sizes written in a format of pack ("c1000000000") say how much padding it makes. */
static int string_pack(lua_State *L)
{
    size_t len;
    const char *format = luaL_checklstring(L, 1, &len);
    size_t total = 0;

    for (size_t i = 0; i < len; i++) {
        size_t number = 0;

        while (i < len && format[i] >= '0' && format[i] <= '9' && number < SIZE_MAX / 100)
            number = number * 10 + (size_t)(format[i++] - '0');
        total += number;
        if (total > WG_STRING_LIMIT_BYTES)
            return luaL_error(L, "format result too large: at most %d bytes",
                              WG_STRING_LIMIT_BYTES);
    }
    wg_budget_charge(L, (int64_t)(total / 16));
    return charged(L);
}

static const struct {
    const char *name;
    lua_CFunction function;
} wrapped[] = {
    {"byte", string_byte}, {"char", charged},     {"len", NULL},       {"lower", charged},
    {"pack", string_pack}, {"packsize", charged}, {"rep", string_rep}, {"reverse", charged},
    {"sub", NULL},         {"unpack", charged},   {"upper", charged},
};

int luaopen_string(lua_State *L);

void wg_string_open(lua_State *L)
{
    lua_newtable(L);
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    for (size_t i = 0; i < WG_COUNT(wrapped); i++) {
        lua_getfield(L, -1, wrapped[i].name);
        if (wrapped[i].function)
            lua_pushcclosure(L, wrapped[i].function, 1);
        lua_setfield(L, -3, wrapped[i].name);
    }
    lua_pop(L, 1);
    luaL_setfuncs(L, wg_match_functions, 0);
    lua_pushcfunction(L, wg_string_format);
    lua_setfield(L, -2, "format");

    /* luaopen_string() gave all strings a metatable that leads to the stock library. */
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}
