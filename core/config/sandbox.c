// SPDX-License-Identifier: Apache-2.0
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>

#include "config/load_impl.h"

/* A configuration of ten thousand instances takes well under a tenth of each. */
enum {
    INSTRUCTION_LIMIT = 10 * 1000 * 1000,
    INSTRUCTION_STEP = 1000,
    MEMORY_LIMIT_BYTES = 64 * 1024 * 1024,
    TEXT_LIMIT_BYTES = 1024 * 1024,
};

struct budget {
    size_t used_bytes, limit_bytes;
    int64_t instructions;
};

static void *allocate(void *owner, void *at, size_t old_size, size_t new_size)
{
    struct budget *budget = owner;
    size_t freed = at ? old_size : 0; /* without a block, old_size is the type of the object */
    void *moved;

    if (new_size == 0) {
        budget->used_bytes -= freed;
        free(at);
        return NULL;
    }
    if (new_size > freed && new_size - freed > budget->limit_bytes - budget->used_bytes)
        return NULL;
    moved = realloc(at, new_size);
    if (moved)
        budget->used_bytes = budget->used_bytes - freed + new_size;
    return moved;
}

static struct budget *budget_of(lua_State *L)
{
    void *budget;

    lua_getallocf(L, &budget);
    return budget;
}

/* Nothing in the sandbox catches errors or makes coroutines, so this ends the file. */
static void count(lua_State *L, lua_Debug *at)
{
    struct budget *budget = budget_of(L);

    budget->instructions += INSTRUCTION_STEP;
    if (budget->instructions < INSTRUCTION_LIMIT)
        return;
    lua_getinfo(L, "Sl", at);
    lua_pushfstring(L,
                    "%s:%d: took more than %d instructions; a configuration must end by itself",
                    at->short_src, at->currentline, INSTRUCTION_LIMIT);
    lua_error(L);
}

/* env(name [, default]) */
static int env(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *value = getenv(name);

    if (value)
        lua_pushstring(L, value);
    else if (lua_gettop(L) >= 2)
        lua_settop(L, 2);
    else
        return luaL_error(L,
                          "environment variable %s is not set; set it, or give a default: "
                          "env(\"%s\", \"...\")",
                          name, name);
    return 1;
}

/* string.rep, with the only bound it lacks: one C call is not counted. */
static int bounded_rep(lua_State *L)
{
    size_t len, separator_len;
    lua_Integer times = luaL_checkinteger(L, 2);

    luaL_checklstring(L, 1, &len);
    luaL_optlstring(L, 3, "", &separator_len);
    if (times > TEXT_LIMIT_BYTES ||
        (times > 0 && (len + separator_len) * (size_t)times > TEXT_LIMIT_BYTES))
        return luaL_error(L, "string.rep would make more than %d bytes", TEXT_LIMIT_BYTES);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static void open_library(lua_State *L, const char *name, lua_CFunction open)
{
    luaL_requiref(L, name, open, 0);
    lua_setfield(L, -2, name);
}

static void forbid(lua_State *L, const char *library, const char *name)
{
    lua_getfield(L, -1, library);
    lua_pushnil(L);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* A new table of globals with what a configuration may use, in place of Lua's own. */
static void set_globals(lua_State *L)
{
    static const char *const allowed[] = {"assert", "error",    "ipairs",   "next", "pairs",
                                          "select", "tonumber", "tostring", "type"};

    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    lua_newtable(L);
    for (size_t i = 0; i < WG_COUNT(allowed); i++) {
        lua_getfield(L, -2, allowed[i]);
        lua_setfield(L, -2, allowed[i]);
    }
    open_library(L, "string", luaopen_string);
    open_library(L, "table", luaopen_table);
    open_library(L, "math", luaopen_math);
    open_library(L, "utf8", luaopen_utf8);
    forbid(L, "string", "dump");
    forbid(L, "table", "move"); /* 2^60 steps in one C call, if asked */
    lua_getfield(L, -1, "string");
    lua_getfield(L, -1, "rep");
    lua_pushcclosure(L, bounded_rep, 1);
    lua_setfield(L, -2, "rep");
    lua_pop(L, 1);
    lua_pushcfunction(L, env);
    lua_setfield(L, -2, "env");
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pop(L, 1);
}

void wg_sandbox_run(struct load *load)
{
    lua_State *L = load->L;
    struct budget *budget = budget_of(L);

    set_globals(L);
    /* Lua cuts long chunk names; "=config" is replaced by the file's own name in messages. */
    if (luaL_loadbufferx(L, load->source.at, load->source.len, "=config", "t") != LUA_OK)
        lua_error(L);
    lua_sethook(L, count, LUA_MASKCOUNT, INSTRUCTION_STEP);
    lua_call(L, 0, 1);
    lua_sethook(L, NULL, 0, 0);
    budget->limit_bytes = SIZE_MAX;
}

lua_State *wg_sandbox_new(void)
{
    struct budget *budget = wg_new(struct budget);
    lua_State *L;

    budget->limit_bytes = MEMORY_LIMIT_BYTES;
    L = lua_newstate(allocate, budget);
    if (!L)
        wg_free(budget);
    return L;
}

void wg_sandbox_free(lua_State *L)
{
    struct budget *budget;

    if (!L)
        return;
    budget = budget_of(L);
    lua_close(L);
    wg_free(budget);
}
