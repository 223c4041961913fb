// SPDX-License-Identifier: Apache-2.0
#include "policy/policy_impl.h"

/* table.sort as a heap sort: n log n comparisons whatever the comparator answers, so one that
 * contradicts itself gives a wrong order and nothing worse. */

static bool is_less(lua_State *L, int a, int b)
{
    bool answer;

    if (lua_isnil(L, 2))
        return lua_compare(L, a, b, LUA_OPLT);
    a = lua_absindex(L, a);
    b = lua_absindex(L, b);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    answer = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return answer;
}

/* Lets the value on top sink from root into the heap of count items; pops it. */
static void sift(lua_State *L, lua_Integer root, lua_Integer count)
{
    lua_Integer child;

    while ((child = root * 2) <= count) {
        wg_budget_charge(L, 3);
        lua_rawgeti(L, 1, child);
        if (child < count) {
            lua_rawgeti(L, 1, child + 1);
            if (is_less(L, -2, -1)) {
                lua_remove(L, -2);
                child++;
            } else {
                lua_pop(L, 1);
            }
        }
        if (!is_less(L, -2, -1)) {
            lua_pop(L, 1);
            break;
        }
        lua_rawseti(L, 1, root);
        root = child;
    }
    lua_rawseti(L, 1, root);
}

/* table.sort(list [, is_less]) */
int wg_table_sort(lua_State *L)
{
    lua_Integer count;

    wg_check_writable(L, 1);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    count = (lua_Integer)lua_rawlen(L, 1);
    for (lua_Integer root = count / 2; root >= 1; root--) {
        lua_rawgeti(L, 1, root);
        sift(L, root, count);
    }
    for (lua_Integer last = count; last > 1; last--) {
        lua_rawgeti(L, 1, last);
        lua_rawgeti(L, 1, 1);
        lua_rawseti(L, 1, last);
        sift(L, 1, last - 1);
    }
    return 0;
}
