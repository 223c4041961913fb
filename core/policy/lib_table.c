// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_impl.h"

/* The table library, on raw tables: lengths cannot lie, no metamethod runs inside a loop of C,
 * and every loop is paid for. */

static lua_Integer length_of(lua_State *L, int index)
{
    return (lua_Integer)lua_rawlen(L, index);
}

/* table.insert(list, [position,] value) */
static int table_insert(lua_State *L)
{
    lua_Integer end;
    lua_Integer at;

    wg_check_writable(L, 1);
    end = length_of(L, 1) + 1;
    if (lua_gettop(L) == 2) {
        lua_rawseti(L, 1, end);
        return 0;
    }
    if (lua_gettop(L) != 3)
        return luaL_error(L, "wrong number of arguments to 'insert'");
    at = luaL_checkinteger(L, 2);
    luaL_argcheck(L, at >= 1 && at <= end, 2, "position out of bounds");
    wg_budget_charge(L, (end - at) / 4);
    for (lua_Integer i = end; i > at; i--) {
        lua_rawgeti(L, 1, i - 1);
        lua_rawseti(L, 1, i);
    }
    lua_rawseti(L, 1, at);
    return 0;
}

/* table.remove(list [, position]) -> value */
static int table_remove(lua_State *L)
{
    lua_Integer len;
    lua_Integer at;

    wg_check_writable(L, 1);
    len = length_of(L, 1);
    at = luaL_optinteger(L, 2, len);
    if (!lua_isnoneornil(L, 2))
        luaL_argcheck(L, (at >= 1 && at <= len + 1) || (len == 0 && at == 0), 2,
                      "position out of bounds");
    lua_rawgeti(L, 1, at);
    if (at < len)
        wg_budget_charge(L, (len - at) / 4);
    for (; at < len; at++) {
        lua_rawgeti(L, 1, at + 1);
        lua_rawseti(L, 1, at);
    }
    if (at >= 1 || len > 0) {
        lua_pushnil(L);
        lua_rawseti(L, 1, at);
    }
    return 1;
}

/* table.move(from, first, last, at [, to]) */
static int table_move(lua_State *L)
{
    lua_Integer first = luaL_checkinteger(L, 2);
    lua_Integer last = luaL_checkinteger(L, 3);
    lua_Integer at = luaL_checkinteger(L, 4);
    int to = lua_isnoneornil(L, 5) ? 1 : 5;
    lua_Integer count;

    luaL_checktype(L, 1, LUA_TTABLE);
    wg_check_writable(L, to);
    if (last >= first) {
        luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3,
                      "too many elements to move");
        count = last - first + 1;
        luaL_argcheck(L, at <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        wg_budget_charge(L, count / 2);
        /* Backwards where the two overlap, so that nothing is overwritten before it is read. */
        bool is_backwards = to == 1 && at > first && at <= last;
        for (lua_Integer i = 0; i < count; i++) {
            lua_Integer k = is_backwards ? count - 1 - i : i;

            lua_rawgeti(L, 1, first + k);
            lua_rawseti(L, to, at + k);
        }
    }
    lua_pushvalue(L, to);
    return 1;
}

/* One item of a list, which may be a JSON array of a request. */
static void push_item(lua_State *L, lua_Integer i)
{
    if (lua_type(L, 1) == LUA_TTABLE && !wg_is_locked(L, 1))
        lua_rawgeti(L, 1, i);
    else
        lua_geti(L, 1, i);
}

static lua_Integer list_length(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TTABLE && !wg_is_locked(L, 1))
        return length_of(L, 1);
    if (!wg_content_is(L, 1))
        luaL_checktype(L, 1, LUA_TTABLE);
    return luaL_len(L, 1);
}

/* table.concat(list [, separator [, first [, last]]]) -> string */
static int table_concat(lua_State *L)
{
    size_t separator_len;
    const char *separator = luaL_optlstring(L, 2, "", &separator_len);
    lua_Integer first = luaL_optinteger(L, 3, 1);
    lua_Integer last = luaL_opt(L, luaL_checkinteger, 4, list_length(L));
    luaL_Buffer text;

    list_length(L);
    luaL_buffinit(L, &text);
    for (lua_Integer i = first; i <= last; i++) {
        push_item(L, i);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "invalid value (at index %I) in table for 'concat'",
                              (LUAI_UACINT)i);
        wg_budget_charge(L, 1 + (int64_t)((lua_rawlen(L, -1) + separator_len) / 16));
        wg_check_string_size(L, luaL_bufflen(&text) + lua_rawlen(L, -1) + separator_len);
        luaL_addvalue(&text);
        if (i == last)
            break;
        luaL_addlstring(&text, separator, separator_len);
    }
    luaL_pushresult(&text);
    return 1;
}

/* table.unpack(list [, first [, last]]) */
static int table_unpack(lua_State *L)
{
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last = luaL_opt(L, luaL_checkinteger, 3, list_length(L));

    list_length(L);
    if (first > last)
        return 0;
    if ((lua_Unsigned)last - (lua_Unsigned)first >= WG_RESULT_LIMIT)
        return luaL_error(L, "too many results to unpack: at most %d", WG_RESULT_LIMIT);
    luaL_checkstack(L, (int)(last - first + 1), "too many results to unpack");
    wg_budget_charge(L, last - first + 1);
    for (lua_Integer i = first; i <= last; i++) {
        push_item(L, i);
        if (i == last)
            break;
    }
    return (int)(last - first + 1);
}

/* table.pack(...) */
static int table_pack(lua_State *L)
{
    int count = lua_gettop(L);

    wg_budget_charge(L, count);
    lua_createtable(L, count, 1);
    lua_insert(L, 1);
    for (int i = count; i >= 1; i--)
        lua_rawseti(L, 1, i);
    lua_pushinteger(L, count);
    lua_setfield(L, 1, "n");
    return 1;
}

static const luaL_Reg functions[] = {
    {"concat", table_concat}, {"insert", table_insert},
    {"move", table_move},     {"pack", table_pack},
    {"remove", table_remove}, {"sort", wg_table_sort},
    {"unpack", table_unpack}, {NULL, NULL},
};

void wg_table_open(lua_State *L)
{
    luaL_newlib(L, functions);
}
