// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "policy/module_impl.h"

/* The basic functions. Those that could hide the end of a budget, keep what must go, reach
 * files or show an address are our own; the rest are Lua's. */

enum { PRINT_LIMIT_BYTES = 1024 };

static void push_type_name(lua_State *L, int index)
{
    if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING)
        return;
    lua_pushstring(L, luaL_typename(L, index));
}

void wg_tostring(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    if (luaL_callmeta(L, index, "__tostring")) {
        if (lua_type(L, -1) != LUA_TSTRING)
            wg_raise(L, "'__tostring' must return a string");
        return;
    }
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        lua_pushliteral(L, "nil");
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        break;
    case LUA_TNUMBER:
    case LUA_TSTRING:
        lua_pushvalue(L, index);
        lua_tostring(L, -1);
        break;
    default: /* no address: it would tell where things lie in memory, and differ in every test
              */
        push_type_name(L, index);
    }
}

/* tostring(value) -> string */
static int base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    wg_tostring(L, 1);
    return 1;
}

/* print(...): a line in the log, with policy, file and line. */
static int base_print(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    for (int i = 1; i <= count && luaL_bufflen(&text) < PRINT_LIMIT_BYTES; i++) {
        if (i > 1)
            luaL_addchar(&text, '\t');
        wg_tostring(L, i);
        luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
    lua_replace(L, 1);
    lua_settop(L, 1);
    return wg_log_line(L, WG_LOG_INFO);
}

/* type(value): a JSON object or array of a request reads as the table that it stands for. */
static int base_type(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushstring(L, wg_content_is(L, 1) ? "table" : luaL_typename(L, 1));
    return 1;
}

/* next(table [, key]): its work may be large where a table was emptied, so the clock is looked
 * at. */
static int base_next(lua_State *L)
{
    wg_budget_charge(L, 1);
    if (wg_content_is(L, 1))
        return wg_content_next(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_next(L, 1))
        return 2;
    lua_pushnil(L);
    return 1;
}

/* pairs(table) */
static int base_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 3);
        return 3;
    }
    lua_pushcfunction(L, base_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* tonumber(value [, base]) */
static int base_tonumber(lua_State *L)
{
    lua_CFunction stock = lua_tocfunction(L, lua_upvalueindex(1));

    if (lua_type(L, 1) == LUA_TSTRING)
        wg_budget_charge(L, (int64_t)(lua_rawlen(L, 1) / 16));
    return stock(L);
}

/* rawset(table, key, value) */
static int base_rawset(lua_State *L)
{
    wg_check_writable(L, 1);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

/* The message handler of xpcall: the script's own, unless the budget is gone. */
static int guarded_handler(lua_State *L)
{
    struct wg_state *state = wg_state_of(L);

    if (state->budget && state->budget->broken)
        return 1;
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* Every level that catches the end of the budget costs time once more, so there are few. */
static void begin_protected(lua_State *L)
{
    struct wg_budget *budget = wg_state_of(L)->budget;

    wg_budget_charge(L, 1);
    if (!budget)
        return;
    if (budget->protected_depth >= WG_PROTECTED_DEPTH_LIMIT)
        wg_raise(L, "more than %d protected calls inside each other", WG_PROTECTED_DEPTH_LIMIT);
    budget->protected_depth++;
}

/* before: values that stand below the results. */
static int end_protected(lua_State *L, int status, lua_KContext before)
{
    struct wg_budget *budget = wg_state_of(L)->budget;

    if (budget)
        budget->protected_depth--;
    if (status != LUA_OK && status != LUA_YIELD) {
        wg_budget_recheck(L);
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    return lua_gettop(L) - (int)before;
}

/* pcall(f, ...): catches errors, never the end of a budget. */
static int base_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    begin_protected(L);
    lua_pushboolean(L, 1); /* the first result, when all goes well */
    lua_insert(L, 1);
    return end_protected(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, end_protected),
                         0);
}

/* xpcall(f, handler, ...) */
static int base_xpcall(lua_State *L)
{
    int count = lua_gettop(L) - 2;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    begin_protected(L);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, guarded_handler, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f, handler, true, f, ... */
    return end_protected(L, lua_pcallk(L, count, LUA_MULTRET, 2, 2, end_protected), 2);
}

static const char *const metamethods[] = {
    "__add",    "__band",      "__bnot", "__bor",  "__bxor",     "__call",     "__close",
    "__concat", "__div",       "__eq",   "__idiv", "__index",    "__le",       "__len",
    "__lt",     "__metatable", "__mod",  "__mul",  "__name",     "__newindex", "__pairs",
    "__pow",    "__shl",       "__shr",  "__sub",  "__tostring", "__unm",      NULL};

static void check_metamethod(lua_State *L, const char *name)
{
    int type = lua_type(L, -1);
    bool may_be_table = strcmp(name, "__index") == 0 || strcmp(name, "__newindex") == 0;

    if (type == LUA_TNIL || type == LUA_TFUNCTION || (may_be_table && type == LUA_TTABLE) ||
        strcmp(name, "__metatable") == 0 ||
        (type == LUA_TSTRING && strcmp(name, "__name") == 0))
        return;
    wg_raise(L, "%s must be a function%s", name, may_be_table ? " or a table" : "");
}

static const char given_key = 0; /* in a copied metatable: the one the script gave */

/* The metatable that takes effect is a copy which no script can reach. So __gc and __mode,
 * which would run code or cost time outside of every budget, cannot be added later, and __call
 * leads to a function at once: a chain of callable tables costs the machine time by the square
 * of its length. */
static void push_copy(lua_State *L)
{
    lua_createtable(L, 0, 4);
    for (const char *const *name = metamethods; *name; name++) {
        lua_pushstring(L, *name);
        lua_rawget(L, 2);
        check_metamethod(L, *name);
        if (lua_isnil(L, -1))
            lua_pop(L, 1);
        else
            lua_setfield(L, -2, *name);
    }
    lua_pushvalue(L, 2);
    lua_rawsetp(L, -2, &given_key);
}

static void refuse_field(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    if (lua_rawget(L, 2) != LUA_TNIL)
        wg_raise(L, "a policy's metatable cannot have '%s'", name);
    lua_pop(L, 1);
}

/* setmetatable(table, metatable): takes the metamethods as they are now; later changes do not
 * count. */
static int base_setmetatable(lua_State *L)
{
    int type = lua_type(L, 2);

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (wg_is_locked(L, 1) || luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        wg_raise(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    if (type == LUA_TTABLE) {
        refuse_field(L, "__gc");
        refuse_field(L, "__mode");
        wg_budget_charge(L, 20);
        push_copy(L);
    }
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    return 1;
}

/* getmetatable(value) */
static int base_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    if (luaL_getmetafield(L, 1, "__metatable") == LUA_TNIL)
        lua_rawgetp(L, -1, &given_key);
    return 1;
}

static int call_behind(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_replace(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* Modules are shared by all policies of a state, so what they return is shown read-only. */
static void lock_module(lua_State *L)
{
    bool is_callable;

    if (lua_type(L, -1) != LUA_TTABLE || wg_is_locked(L, -1))
        return;
    is_callable = luaL_getmetafield(L, -1, "__call") != LUA_TNIL;
    if (is_callable) { /* module, __call */
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_pushcclosure(L, call_behind, 2);
        lua_insert(L, -2);
    }
    wg_lock(L);
    if (is_callable && lua_getmetatable(L, -1)) { /* closure, view, meta */
        lua_pushvalue(L, -3);
        lua_setfield(L, -2, "__call");
        lua_pop(L, 1);
        lua_remove(L, -2);
    }
}

static void load_module(lua_State *L, const char *name)
{
    struct wg_state *state = wg_state_of(L);
    const struct wg_source *source;
    struct wg_err err;

    if (!state->loading)
        wg_raise(L, "require: '%.100s' is not loaded; call require at the top of the file",
                 name);
    if (++state->use_depth > WG_USE_DEPTH_LIMIT)
        wg_raise(L, "require: files that need each other, or more than %d deep",
                 WG_USE_DEPTH_LIMIT);
    if (wg_edition_source(state->edition, wg_str(name), &source, &err) != WG_OK)
        wg_raise(L, "require: %s", err.text);
    wg_sandbox_load(L, source);
    lua_call(L, 0, 1);
    state->use_depth--;
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lock_module(L);
}

/* require(name): modules of this program, then files of policy_path and the installed folders.
 */
static int base_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);

    lua_settop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, "wavegate.loaded");
    lua_pushvalue(L, 1);
    if (lua_rawget(L, 2) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    load_module(L, name);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}

static const luaL_Reg own[] = {
    {"getmetatable", base_getmetatable},
    {"next", base_next},
    {"pairs", base_pairs},
    {"pcall", base_pcall},
    {"print", base_print},
    {"rawset", base_rawset},
    {"require", base_require},
    {"setmetatable", base_setmetatable},
    {"tostring", base_tostring},
    {"type", base_type},
    {"xpcall", base_xpcall},
    {NULL, NULL},
};

static const char *const stock[] = {"assert", "error",  "ipairs", "rawequal",
                                    "rawget", "rawlen", "select", NULL};

int luaopen_base(lua_State *L);

void wg_base_open(lua_State *L)
{
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 1);
    for (const char *const *name = stock; *name; name++) {
        lua_getfield(L, -1, *name);
        lua_setfield(L, -3, *name);
    }
    lua_getfield(L, -1, "tonumber");
    lua_pushcclosure(L, base_tonumber, 1);
    lua_setfield(L, -3, "tonumber");
    lua_pop(L, 1);
    /* luaopen_base() has left its table as the globals of the state; nothing refers to them. */
    lua_newtable(L);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    luaL_setfuncs(L, own, 0);
}
