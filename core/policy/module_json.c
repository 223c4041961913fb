// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "policy/module_impl.h"
#include "wire/json.h"

/* wavegate.json: strict JSON in, canonical JSON out. */

enum { TEXT_LIMIT_BYTES = 256 * 1024, DEPTH_LIMIT = 60 };

static const char *const HOLDER = "wavegate.json.holder";
static const char null_key = 0;  /* its address is json.null */
static const char array_key = 0; /* metatable of json.array */

/* What must be freed whatever Lua jumps over. */
struct holder {
    json_t *json;
    struct wg_buf text;
};

static int free_holder(lua_State *L)
{
    struct holder *holder = lua_touserdata(L, 1);

    json_decref(holder->json);
    holder->json = NULL;
    wg_buf_done(&holder->text);
    return 0;
}

static struct holder *push_holder(lua_State *L)
{
    struct holder *holder = lua_newuserdatauv(L, sizeof *holder, 0);

    holder->json = NULL;
    wg_buf_init(&holder->text, WG_STRING_LIMIT_BYTES);
    luaL_setmetatable(L, HOLDER);
    return holder;
}

static void push_json(lua_State *L, const json_t *json);

static void push_object(lua_State *L, const json_t *json)
{
    json_t *object =
        (json_t *)(uintptr_t)json; /* jansson walks values that are not const only */

    lua_createtable(L, 0, (int)json_object_size(json));
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        if (json_is_null(json_object_iter_value(at)))
            continue;
        lua_pushstring(L, json_object_iter_key(at));
        push_json(L, json_object_iter_value(at));
        lua_rawset(L, -3);
    }
}

static void push_array(lua_State *L, const json_t *json)
{
    lua_createtable(L, (int)json_array_size(json), 0);
    for (size_t i = 0; i < json_array_size(json); i++) {
        push_json(L, json_array_get(json, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    lua_setmetatable(L, -2);
}

static void push_json(lua_State *L, const json_t *json)
{
    double number;

    wg_budget_charge(L, 2);
    luaL_checkstack(L, 4, "JSON nested too deeply");
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        push_object(L, json);
        break;
    case JSON_ARRAY:
        push_array(L, json);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        number = json_number_value(json);
        if (number == floor(number) && fabs(number) <= 9007199254740992.0)
            lua_pushinteger(L, (lua_Integer)number);
        else
            lua_pushnumber(L, number);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(json));
        break;
    case JSON_NULL:
        lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
        break;
    }
}

/* json.decode(text) -> value, or nil and why; null is absent in objects and json.null elsewhere
 */
static int json_decode(lua_State *L)
{
    struct wg_str text = wg_check_text(L, 1);
    struct holder *holder;
    struct wg_err err;

    if (text.len > TEXT_LIMIT_BYTES) {
        lua_pushnil(L);
        lua_pushfstring(L, "JSON of more than %d bytes", TEXT_LIMIT_BYTES);
        return 2;
    }
    wg_budget_charge(L, (int64_t)(text.len / 2));
    holder = push_holder(L);
    if (wg_json_parse(text, &holder->json, &err) != WG_OK) {
        holder->json = NULL;
        return wg_push_failure(L, &err);
    }
    push_json(L, holder->json);
    json_decref(holder->json);
    holder->json = NULL;
    return 1;
}

/* Each value is added to its parent at once, so that an error on the way leaves nothing behind.
 */
static void add_value(lua_State *L, int depth, json_t *parent, const char *name);

static void put(lua_State *L, json_t *parent, const char *name, json_t *value)
{
    int failed = !value || (name ? json_object_set_new(parent, name, value)
                                 : json_array_append_new(parent, value));

    if (failed)
        wg_raise(L, "json.encode: a string is not UTF-8");
}

static bool is_array(lua_State *L)
{
    bool is_marked = false;

    if (lua_getmetatable(L, -1)) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
        is_marked = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    return is_marked || lua_rawlen(L, -1) > 0;
}

static void add_array(lua_State *L, int depth, json_t *array)
{
    lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
    lua_Integer keys = 0;

    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || lua_tointeger(L, -1) > count)
            wg_raise(L, "json.encode: a table has either names or numbers from 1 on");
        keys++;
        wg_budget_charge(L, 1);
    }
    if (keys != count)
        wg_raise(L, "json.encode: a list with a hole");
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);
        add_value(L, depth + 1, array, NULL);
    }
}

static void add_object(lua_State *L, int depth, json_t *object)
{
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            wg_raise(L, "json.encode: a table has either names or numbers from 1 on");
        if (strlen(lua_tostring(L, -2)) != lua_rawlen(L, -2))
            wg_raise(L, "json.encode: a name with a zero byte");
        add_value(L, depth + 1, object, lua_tostring(L, -2));
    }
}

static void add_table(lua_State *L, int depth, json_t *parent, const char *name)
{
    bool is_list = is_array(L);
    json_t *json = is_list ? json_array() : json_object();

    if (depth > DEPTH_LIMIT) {
        json_decref(json);
        wg_raise(L, "json.encode: more than %d tables inside each other", DEPTH_LIMIT);
    }
    put(L, parent, name, json); /* parent owns it; json stays good */
    if (is_list)
        add_array(L, depth, json);
    else
        add_object(L, depth, json);
}

static void add_number(lua_State *L, json_t *parent, const char *name)
{
    double number = lua_tonumber(L, -1);

    if (!isfinite(number))
        wg_raise(L, "json.encode: a number that is not finite");
    if (lua_isinteger(L, -1) && fabs(number) > 9007199254740992.0)
        wg_raise(L, "json.encode: a whole number beyond 2^53 would change");
    put(L, parent, name, json_real(number));
}

/* Adds the value on top to parent, under name or at its end; pops it. */
static void add_value(lua_State *L, int depth, json_t *parent, const char *name)
{
    size_t len;
    const char *text;

    wg_budget_charge(L, 3);
    luaL_checkstack(L, 6, "JSON nested too deeply");
    switch (lua_type(L, -1)) {
    case LUA_TTABLE:
        if (wg_is_locked(L, -1))
            wg_raise(L, "json.encode: a read-only table cannot be written; copy it first");
        add_table(L, depth, parent, name);
        break;
    case LUA_TSTRING:
        text = lua_tolstring(L, -1, &len);
        wg_budget_charge(L, (int64_t)(len / 4));
        put(L, parent, name, json_stringn(text, len));
        break;
    case LUA_TNUMBER:
        add_number(L, parent, name);
        break;
    case LUA_TBOOLEAN:
        put(L, parent, name, json_boolean(lua_toboolean(L, -1)));
        break;
    case LUA_TLIGHTUSERDATA:
        put(L, parent, name, json_null());
        break;
    case LUA_TUSERDATA:
        if (wg_content_is(L, -1)) {
            put(L, parent, name, json_deep_copy(wg_content_json(L, -1)));
            break;
        }
        /* fallthrough */
    default:
        wg_raise(L, "json.encode: a %s cannot be written", luaL_typename(L, -1));
    }
    lua_pop(L, 1);
}

/* json.encode(value) -> text in canonical form (RFC 8785) */
static int json_encode(lua_State *L)
{
    struct holder *holder;
    struct wg_err err;

    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_pushliteral(L, "null");
        return 1;
    }
    holder = push_holder(L);
    holder->json = json_array();
    lua_pushvalue(L, 1);
    add_value(L, 0, holder->json, NULL);
    if (wg_jcs_write(json_array_get(holder->json, 0), &holder->text, &err) != WG_OK)
        wg_raise(L, "json.encode: %s", err.text);
    wg_budget_charge(L, (int64_t)(holder->text.len / 8));
    lua_pushlstring(L, holder->text.at, holder->text.len);
    json_decref(holder->json); /* at once; the collector would come later */
    holder->json = NULL;
    wg_buf_done(&holder->text);
    return 1;
}

/* json.array(list) -> list, which is written as an array even when it is empty */
static int json_mark_array(lua_State *L)
{
    wg_check_writable(L, 1);
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    lua_setmetatable(L, 1);
    return 1;
}

static const luaL_Reg functions[] = {
    {"array", json_mark_array}, {"decode", json_decode}, {"encode", json_encode}, {NULL, NULL}};

void wg_module_json(lua_State *L)
{
    luaL_newmetatable(L, HOLDER);
    lua_pushcfunction(L, free_holder);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushliteral(L, "array");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
    lua_setfield(L, -2, "null");
}
