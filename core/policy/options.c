// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "policy/policy_impl.h"

/* wavegate.options { name = { type, default, required, help, ... } }: what a policy takes, and
 * the values that wavegate.use gave it. A wrong value is the caller's mistake and names the
 * caller's line. */

static const char *const attributes[] = {"type",   "default", "required", "help",
                                         "values", "min",     "max",      NULL};
static const char *const types[] = {"string",   "number", "integer", "boolean",
                                    "duration", "rate",   "list",    "size",
                                    "time",     "enum",   "table",   NULL};

/* Where a declaration and a value stand on the stack while one option is read. */
enum { DECLARED = 1, GIVEN = 2, RESULT = 3, OPTION = 4, SPEC = 5 };

void wg_check_fields(lua_State *L, int index, const char *what, const char *const *names)
{
    index = lua_absindex(L, index);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const char *written = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        const char *near;
        size_t i = 0;

        lua_pop(L, 1);
        while (written && names[i] && strcmp(written, names[i]) != 0)
            i++;
        if (written && names[i])
            continue;
        if (!written)
            wg_raise(L, "%s: fields have names, as in { %s = ... }", what, names[0]);
        near = wg_str_nearest(wg_str(written), names);
        if (near)
            wg_raise(L, "%s: unknown field '%.64s', did you mean '%s'?", what, written, near);
        wg_raise(L, "%s: unknown field '%.64s'", what, written);
    }
}

/* The position of the wavegate.use that gave the options, or of the declaration itself. */
WG_NORETURN static void raise_option(lua_State *L, const char *name, const char *text)
{
    const struct wg_loading *loading = wg_state_of(L)->loading;

    if (loading->caller && lua_getfield(L, GIVEN, name) != LUA_TNIL)
        lua_pushfstring(L, "%s%s: option '%s': %s", loading->caller, loading->source->name,
                        name, text);
    else if (loading->caller && strcmp(text, "is required") == 0)
        lua_pushfstring(L, "%s%s: option '%s' %s", loading->caller, loading->source->name, name,
                        text);
    else {
        wg_where(L, 0);
        lua_pushfstring(L, "option '%s': %s", name, text);
        lua_concat(L, 2);
    }
    lua_error(L);
    wg_panic("lua_error() returned");
}

static void take_quantity(lua_State *L, const char *name, const char *type)
{
    struct wg_str text;
    struct wg_err err;
    double number;
    int64_t whole;
    enum wg_code code;

    if (lua_type(L, -1) == LUA_TNUMBER) {
        if (!(lua_tonumber(L, -1) >= 0))
            raise_option(L, name, "must not be negative");
        return;
    }
    if (lua_type(L, -1) != LUA_TSTRING)
        raise_option(L, name, lua_pushfstring(L, "a %s is a text or a number", type));
    text.at = lua_tolstring(L, -1, &text.len);
    if (type[0] == 'd' || type[0] == 'r') {
        code = type[0] == 'd' ? wg_units_duration(text, &number, &err)
                              : wg_units_rate(text, &number, &err);
        if (code == WG_OK && number == floor(number) && number < 9e15)
            lua_pushinteger(L, (lua_Integer)number);
        else if (code == WG_OK)
            lua_pushnumber(L, number);
    } else {
        code = type[0] == 's' ? wg_units_size(text, &whole, &err)
                              : wg_units_time(text, &whole, &err);
        if (code == WG_OK)
            lua_pushinteger(L, whole);
    }
    if (code != WG_OK)
        raise_option(L, name, lua_pushstring(L, err.text));
    lua_replace(L, -2);
}

static void take_list(lua_State *L, const char *name)
{
    lua_Integer count;

    if (lua_type(L, -1) == LUA_TSTRING) { /* one entry may stand for itself */
        lua_newtable(L);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
    } else if (lua_type(L, -1) != LUA_TTABLE) {
        raise_option(L, name, "must be a list: { \"a\", \"b\" }");
    }
    count = luaL_len(L, -1);
    lua_createtable(L, (int)(count < 1024 ? count : 1024), 0);
    for (lua_Integer i = 1; i <= count; i++) {
        wg_budget_charge(L, 2);
        if (lua_geti(L, -2, i) != LUA_TSTRING)
            raise_option(L, name,
                         lua_pushfstring(L, "entry %I is not a string", (LUAI_UACINT)i));
        lua_rawseti(L, -2, i);
    }
    wg_lock(L);
    lua_replace(L, -2);
}

static void take_enum(lua_State *L, const char *name)
{
    const char *names[32] = {NULL};
    const char *written = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
    const char *near;
    lua_Integer count;

    if (lua_getfield(L, SPEC, "values") != LUA_TTABLE)
        raise_option(L, name, "an enum declares its values = { ... }");
    count = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= count && i < (lua_Integer)WG_COUNT(names); i++) {
        if (lua_rawgeti(L, -1, i) != LUA_TSTRING)
            raise_option(L, name, "values must be strings");
        names[i - 1] = lua_tostring(L, -1); /* the declaration keeps it */
        lua_pop(L, 1);
        if (strcmp(names[i - 1], written) == 0) {
            lua_pop(L, 1);
            return;
        }
    }
    near = wg_str_nearest(wg_str(written), names);
    raise_option(L, name,
                 lua_pushfstring(L, "'%s' is none of the possible values%s%s%s", written,
                                 near ? ", did you mean '" : "", near ? near : "",
                                 near ? "'?" : ""));
}

static void check_bounds(lua_State *L, const char *name)
{
    lua_Number value;

    if (lua_type(L, -1) != LUA_TNUMBER)
        return;
    value = lua_tonumber(L, -1);
    if (lua_getfield(L, SPEC, "min") == LUA_TNUMBER && value < lua_tonumber(L, -1))
        raise_option(L, name, lua_pushfstring(L, "must be at least %f", lua_tonumber(L, -1)));
    if (lua_getfield(L, SPEC, "max") == LUA_TNUMBER && value > lua_tonumber(L, -1))
        raise_option(L, name, lua_pushfstring(L, "must be at most %f", lua_tonumber(L, -1)));
    lua_pop(L, 2);
}

/* Turns the value on top into what the policy sees. */
static void take_value(lua_State *L, const char *name, const char *type)
{
    int got = lua_type(L, -1);

    if (strcmp(type, "string") == 0 || strcmp(type, "boolean") == 0 ||
        strcmp(type, "table") == 0) {
        if (strcmp(lua_typename(L, got), type) != 0)
            raise_option(
                L, name,
                lua_pushfstring(L, "must be a %s, not a %s", type, lua_typename(L, got)));
    } else if (strcmp(type, "number") == 0) {
        if (got != LUA_TNUMBER)
            raise_option(L, name, "must be a number");
    } else if (strcmp(type, "integer") == 0) {
        lua_Integer whole;
        int is_whole;

        whole = lua_tointegerx(L, -1, &is_whole);
        if (got != LUA_TNUMBER || !is_whole)
            raise_option(L, name, "must be a whole number");
        lua_pushinteger(L, whole);
        lua_replace(L, -2);
    } else if (strcmp(type, "list") == 0) {
        take_list(L, name);
    } else if (strcmp(type, "enum") == 0) {
        take_enum(L, name);
    } else {
        take_quantity(L, name, type);
    }
    check_bounds(L, name);
}

static const char *check_type(lua_State *L, const char *name)
{
    const char *type = lua_getfield(L, SPEC, "type") == LUA_TSTRING ? lua_tostring(L, -1) : "?";
    const char *near = wg_str_nearest(wg_str(type), types);

    lua_pop(L, 1); /* the declaration keeps it */
    for (const char *const *known = types; *known; known++)
        if (strcmp(*known, type) == 0)
            return *known;
    wg_raise(L, "option '%.64s': unknown type '%.64s'%s%s%s", name, type,
             near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* DECLARED, GIVEN and RESULT stand on the stack; the option's name and specification behind
 * them. */
static void read_option(lua_State *L)
{
    const char *name;
    const char *type;

    if (lua_type(L, OPTION) != LUA_TSTRING || lua_type(L, SPEC) != LUA_TTABLE)
        wg_raise(L, "wavegate.options takes { name = { type = ..., default = ... } }");
    name = lua_tostring(L, OPTION);
    wg_check_fields(L, SPEC, name, attributes);
    type = check_type(L, name);
    if (lua_getfield(L, GIVEN, name) == LUA_TNIL) {
        lua_pop(L, 1);
        if (lua_getfield(L, SPEC, "default") == LUA_TNIL) {
            if (lua_getfield(L, SPEC, "required") != LUA_TNIL && lua_toboolean(L, -1)) {
                struct wg_state *state = wg_state_of(L);

                state->edition->lacks_required = !state->loading->caller;
                raise_option(L, name, "is required");
            }
            return;
        }
    }
    take_value(L, name, type);
    lua_setfield(L, RESULT, name);
}

static const char **declared_names(lua_State *L, size_t *ret_count)
{
    size_t count = 0;
    const char **names;

    lua_pushnil(L);
    while (lua_next(L, DECLARED)) {
        count++;
        lua_pop(L, 1);
    }
    names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0);
    *ret_count = 0;
    lua_pushnil(L);
    while (lua_next(L, DECLARED)) {
        if (lua_type(L, -2) == LUA_TSTRING)
            names[(*ret_count)++] = lua_tostring(L, -2);
        lua_pop(L, 1);
    }
    names[*ret_count] = NULL;
    return names;
}

/* Options that were given but are not declared. */
static void check_given(lua_State *L)
{
    const struct wg_loading *loading = wg_state_of(L)->loading;
    size_t count;
    const char **names = declared_names(L, &count);

    lua_pushnil(L);
    while (lua_next(L, GIVEN)) {
        const char *written = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        const char *near;

        lua_pop(L, 1);
        lua_pushstring(L, written);
        if (lua_rawget(L, DECLARED) != LUA_TNIL) {
            lua_pop(L, 1);
            continue;
        }
        near = wg_str_nearest(wg_str(written), names);
        lua_pushfstring(L, "%s%s: unknown option '%s'%s%s%s",
                        loading->caller ? loading->caller : "", loading->source->name, written,
                        near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
        lua_error(L);
    }
    lua_pop(L, 1);
}

/* wavegate.options { ... } -> table of values, read-only */
int wg_options_declare(lua_State *L)
{
    struct wg_loading *loading = wg_state_of(L)->loading;

    if (!loading)
        wg_raise(L, "wavegate.options: only while the file is loaded");
    if (loading->are_options_declared)
        wg_raise(L, "wavegate.options: once a file");
    loading->are_options_declared = true;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, DECLARED);
    if (loading->options == LUA_NOREF)
        lua_newtable(L);
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, loading->options);
    check_given(L);
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, DECLARED)) {
        read_option(L);
        lua_settop(L, OPTION);
    }
    lua_settop(L, RESULT);
    wg_lock(L);
    return 1;
}

void wg_options_settle(lua_State *L, struct wg_loading *loading)
{
    if (loading->are_options_declared || loading->options == LUA_NOREF)
        return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, loading->options);
    lua_pushnil(L);
    if (lua_next(L, -2)) {
        lua_pushfstring(L, "%s%s takes no options", loading->caller, loading->source->name);
        lua_error(L);
    }
    lua_pop(L, 1);
}
