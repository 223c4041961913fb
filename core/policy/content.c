// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "policy/policy_impl.h"

/* JSON of a request as a script sees it: nothing is converted before it is looked at, and only
 * that. Objects and arrays are read-only and hold a ticket; null reads as nil. */

struct content {
    struct wg_policy_call *call;
    uint64_t serial;
    const json_t *json; /* good while the ticket is */
};

static const char metatable_key = 0;

void wg_content_push(lua_State *L, struct wg_policy_call *call, const json_t *json)
{
    struct content *content;
    double number;

    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_NULL:
        lua_pushnil(L);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(json));
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(json));
        break;
    case JSON_REAL:
        number = json_real_value(json);
        if (number == floor(number) && fabs(number) <= 9007199254740992.0)
            lua_pushinteger(L, (lua_Integer)number);
        else
            lua_pushnumber(L, number);
        break;
    case JSON_OBJECT:
    case JSON_ARRAY:
        content = lua_newuserdatauv(L, sizeof *content, 0);
        *content = (struct content){call, call->serial, json};
        lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
        lua_setmetatable(L, -2);
        break;
    }
}

bool wg_content_is(lua_State *L, int index)
{
    bool answer;

    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    answer = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return answer;
}

const json_t *wg_content_json(lua_State *L, int index)
{
    const struct content *content = lua_touserdata(L, index);

    wg_ticket_check(L, content->call, content->serial, "content");
    return content->json;
}

static struct content *check(lua_State *L)
{
    struct content *content;

    if (!wg_content_is(L, 1)) /* the iterator of pairs() can be called with anything */
        wg_raise(L, "a table of the request's content is wanted");
    content = lua_touserdata(L, 1);
    wg_ticket_check(L, content->call, content->serial, "content");
    return content;
}

static int content_index(lua_State *L)
{
    const struct content *content = check(L);
    const json_t *item = NULL;

    if (json_is_object(content->json) && lua_type(L, 2) == LUA_TSTRING) {
        /* jansson 2.14 looks members up by NUL-terminated name; names here hold no NUL. */
        item = json_object_get(content->json, lua_tostring(L, 2));
    } else if (json_is_array(content->json) && lua_isinteger(L, 2)) {
        lua_Integer i = lua_tointeger(L, 2);

        if (i >= 1)
            item = json_array_get(content->json, (size_t)i - 1);
    }
    wg_content_push(L, content->call, item);
    return 1;
}

static int next_member(lua_State *L, struct content *content)
{
    /* jansson's iteration needs the value as not const, and changes nothing. */
    json_t *json = (json_t *)(uintptr_t)content->json;
    void *at;

    if (lua_isnil(L, 2))
        at = json_object_iter(json);
    else
        at = json_object_iter_next(json, json_object_iter_at(json, luaL_checkstring(L, 2)));
    while (at && json_is_null(json_object_iter_value(at)))
        at = json_object_iter_next(json, at);
    if (!at)
        return 0;
    lua_pushstring(L, json_object_iter_key(at));
    wg_content_push(L, content->call, json_object_iter_value(at));
    return 2;
}

static int next_item(lua_State *L, const struct content *content)
{
    lua_Integer i = lua_isnil(L, 2) ? 0 : luaL_checkinteger(L, 2);
    const json_t *item;

    do {
        if (i < 0 || (size_t)i >= json_array_size(content->json))
            return 0;
        item = json_array_get(content->json, (size_t)i++);
    } while (json_is_null(item));
    lua_pushinteger(L, i);
    wg_content_push(L, content->call, item);
    return 2;
}

int wg_content_next(lua_State *L)
{
    struct content *content = check(L);
    int count;

    wg_budget_charge(L, 2);
    lua_settop(L, 2);
    count = json_is_object(content->json) ? next_member(L, content) : next_item(L, content);
    if (count)
        return count;
    lua_pushnil(L);
    return 1;
}

static int content_pairs(lua_State *L)
{
    check(L);
    lua_pushcfunction(L, wg_content_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int content_len(lua_State *L)
{
    const struct content *content = check(L);

    lua_pushinteger(L, (lua_Integer)json_array_size(content->json));
    return 1;
}

static int content_equal(lua_State *L)
{
    const struct content *a;
    const struct content *b;

    if (!wg_content_is(L, 1) || !wg_content_is(L, 2)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    a = lua_touserdata(L, 1);
    b = lua_touserdata(L, 2);
    lua_pushboolean(L, a->json == b->json && a->serial == b->serial);
    return 1;
}

static int content_newindex(lua_State *L)
{
    wg_raise(L, "content is read-only");
}

static int content_tostring(lua_State *L)
{
    lua_pushliteral(L, "table");
    return 1;
}

static const luaL_Reg metamethods[] = {
    {"__index", content_index},
    {"__newindex", content_newindex},
    {"__pairs", content_pairs},
    {"__len", content_len},
    {"__eq", content_equal},
    {"__tostring", content_tostring},
    {NULL, NULL},
};

void wg_content_open(lua_State *L)
{
    luaL_newlib(L, metamethods);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushliteral(L, "table");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}
