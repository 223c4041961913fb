// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "policy/policy_impl.h"

/* All that a script can reach, and nothing else: wg_sandbox_verify() holds reality to it. */
static const char *const allowed_names[] = {"assert",
                                            "error",
                                            "getmetatable",
                                            "ipairs",
                                            "math",
                                            "next",
                                            "pairs",
                                            "pcall",
                                            "print",
                                            "rawequal",
                                            "rawget",
                                            "rawlen",
                                            "rawset",
                                            "require",
                                            "select",
                                            "setmetatable",
                                            "string",
                                            "table",
                                            "tonumber",
                                            "tostring",
                                            "type",
                                            "utf8",
                                            "xpcall",

                                            "math.abs",
                                            "math.acos",
                                            "math.asin",
                                            "math.atan",
                                            "math.ceil",
                                            "math.cos",
                                            "math.deg",
                                            "math.exp",
                                            "math.floor",
                                            "math.fmod",
                                            "math.huge",
                                            "math.log",
                                            "math.max",
                                            "math.maxinteger",
                                            "math.min",
                                            "math.mininteger",
                                            "math.modf",
                                            "math.pi",
                                            "math.rad",
                                            "math.random",
                                            "math.sin",
                                            "math.sqrt",
                                            "math.tan",
                                            "math.tointeger",
                                            "math.type",
                                            "math.ult",

                                            "string.byte",
                                            "string.char",
                                            "string.find",
                                            "string.format",
                                            "string.gmatch",
                                            "string.gsub",
                                            "string.len",
                                            "string.lower",
                                            "string.match",
                                            "string.pack",
                                            "string.packsize",
                                            "string.rep",
                                            "string.reverse",
                                            "string.sub",
                                            "string.unpack",
                                            "string.upper",

                                            "table.concat",
                                            "table.insert",
                                            "table.move",
                                            "table.pack",
                                            "table.remove",
                                            "table.sort",
                                            "table.unpack",

                                            "utf8.char",
                                            "utf8.charpattern",
                                            "utf8.codepoint",
                                            "utf8.codes",
                                            "utf8.len",
                                            "utf8.offset",
                                            NULL};

/* Registry keys by address. */
static const char base_key = 0;     /* what every file sees */
static const char lock_key = 0;     /* in a metatable: the table behind the view */
static const char file_env_key = 0; /* metatable of a file's environment */

void wg_where(lua_State *L, int level)
{
    lua_Debug activation;

    for (; lua_getstack(L, level, &activation); level++) {
        lua_getinfo(L, "Sl", &activation);
        if (activation.currentline > 0) {
            lua_pushfstring(
                L, "%s:%d: ", activation.source[0] == '@' ? activation.source + 1 : "?",
                activation.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

void wg_raise(lua_State *L, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    wg_where(L, 0);
    lua_pushstring(L, text);
    lua_concat(L, 2);
    lua_error(L);
    wg_panic("lua_error() returned");
}

static int refuse_write(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING)
        wg_raise(L, "'%.100s' cannot be set: this table is read-only", lua_tostring(L, 2));
    wg_raise(L, "this table is read-only");
}

static int refuse_global(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING)
        wg_raise(L, "assignment to the undeclared global '%.100s': write 'local %.100s'",
                 lua_tostring(L, 2), lua_tostring(L, 2));
    wg_raise(L, "this table is read-only");
}

static void push_behind(lua_State *L, int index)
{
    lua_getmetatable(L, index);
    lua_rawgetp(L, -1, &lock_key);
    lua_remove(L, -2);
}

static int locked_next(lua_State *L)
{
    if (!wg_is_locked(L, 1)) /* the iterator of pairs() can be called with anything */
        wg_raise(L, "a read-only table is wanted");
    push_behind(L, 1);
    lua_replace(L, 1);
    lua_settop(L, 2);
    wg_budget_charge(L, 1);
    return lua_next(L, 1) ? 2 : (lua_pushnil(L), 1);
}

static int locked_pairs(lua_State *L)
{
    lua_pushcfunction(L, locked_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int locked_len(lua_State *L)
{
    push_behind(L, 1);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
    return 1;
}

void wg_lock(lua_State *L)
{
    lua_newtable(L);          /* real, view */
    lua_createtable(L, 0, 8); /* real, view, meta */
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -3);
    lua_rawsetp(L, -2, &lock_key);
    lua_pushcfunction(L, refuse_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, locked_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushcfunction(L, locked_len);
    lua_setfield(L, -2, "__len");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

bool wg_is_locked(lua_State *L, int index)
{
    bool is_locked;

    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    is_locked = lua_rawgetp(L, -1, &lock_key) != LUA_TNIL;
    lua_pop(L, 2);
    return is_locked;
}

void wg_check_writable(lua_State *L, int index)
{
    luaL_checktype(L, index, LUA_TTABLE);
    if (wg_is_locked(L, index))
        wg_raise(L, "this table is read-only");
}

static void open_library(lua_State *L, const char *name, void (*open)(lua_State *L))
{
    open(L);
    wg_lock(L);
    lua_setfield(L, -2, name);
}

void wg_sandbox_open(lua_State *L)
{
    lua_newtable(L);
    wg_base_open(L);
    open_library(L, "string", wg_string_open);
    open_library(L, "table", wg_table_open);
    open_library(L, "math", wg_math_open);
    open_library(L, "utf8", wg_utf8_open);

    lua_createtable(L, 0, 4); /* base, meta */
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, &lock_key);
    lua_pushcfunction(L, refuse_global);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &file_env_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &base_key);

    wg_view_open(L);
    wg_content_open(L);
    lua_newtable(L); /* what require has loaded, the modules of this program to begin with */
    wg_modules_open(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "wavegate.loaded");
}

const char *const *wg_sandbox_names(void)
{
    return allowed_names;
}

static bool is_allowed(const char *library, const char *name)
{
    char full[64];

    snprintf(full, sizeof full, "%s%s%s", library, library[0] ? "." : "", name);
    for (const char *const *allowed = allowed_names; *allowed; allowed++)
        if (strcmp(full, *allowed) == 0)
            return true;
    return false;
}

/* The table on top against the list. */
static const char *verify_table(lua_State *L, const char *library, size_t *count)
{
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        const char *name =
            lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "a nameless one";

        ++*count;
        if (!is_allowed(library, name))
            return name;
        if (wg_is_locked(L, -1)) {
            const char *bad;

            push_behind(L, -1);
            bad = verify_table(L, name, count);
            if (bad)
                return bad;
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    return NULL;
}

const char *wg_sandbox_verify(lua_State *L)
{
    int top = lua_gettop(L);
    size_t count = 0;
    const char *bad;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &base_key);
    bad = verify_table(L, "", &count);
    lua_settop(L, top);
    if (!bad && count != WG_COUNT(allowed_names) - 1)
        bad = "a function of the list is missing";
    return bad;
}

void wg_sandbox_load(lua_State *L, const struct wg_source *source)
{
    char name[512];

    snprintf(name, sizeof name, "@%s", source->shown);
    if (luaL_loadbufferx(L, source->text, source->len, name, "t") != LUA_OK)
        lua_error(L);
    lua_newtable(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &file_env_key);
    lua_setmetatable(L, -2);
    lua_setupvalue(L, -2, 1);
}

void wg_check_string_size(lua_State *L, size_t len)
{
    if (len > WG_STRING_LIMIT_BYTES)
        wg_raise(L, "the result would be a string of %zu bytes: at most %d", len,
                 WG_STRING_LIMIT_BYTES);
}
