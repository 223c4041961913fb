// SPDX-License-Identifier: Apache-2.0
#include "policy/testing_impl.h"

enum { DEPTH_LIMIT = 32 };

static json_t *to_json(lua_State *L, int index, int depth, const char **ret_why);

static json_t *fail(json_t *half, const char *why, const char **ret_why)
{
    json_decref(half);
    *ret_why = why;
    return NULL;
}

static json_t *list_json(lua_State *L, int index, int depth, const char **ret_why)
{
    json_t *list = json_array();
    lua_Integer count = (lua_Integer)lua_rawlen(L, index);

    for (lua_Integer i = 1; i <= count; i++) {
        json_t *item;

        lua_rawgeti(L, index, i);
        item = to_json(L, lua_gettop(L), depth + 1, ret_why);
        lua_pop(L, 1);
        if (!item)
            return fail(list, *ret_why, ret_why);
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *object_json(lua_State *L, int index, int depth, const char **ret_why)
{
    json_t *object = json_object();

    lua_pushnil(L);
    while (lua_next(L, index)) {
        json_t *value;

        if (lua_type(L, -2) != LUA_TSTRING)
            return fail(object, "a table has either names or numbers from 1 on", ret_why);
        value = to_json(L, lua_gettop(L), depth + 1, ret_why);
        if (!value)
            return fail(object, *ret_why, ret_why);
        if (json_object_set_new(object, lua_tostring(L, -2), value) != 0)
            return fail(object, "a name is not valid UTF-8", ret_why);
        lua_pop(L, 1);
    }
    return object;
}

static json_t *to_json(lua_State *L, int index, int depth, const char **ret_why)
{
    size_t len;
    const char *text;
    json_t *json;

    if (depth > DEPTH_LIMIT || !lua_checkstack(L, 8))
        return fail(NULL, "tables stand too deep inside each other", ret_why);
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TNUMBER:
        json = lua_isinteger(L, index) ? json_integer(lua_tointeger(L, index))
                                       : json_real(lua_tonumber(L, index));
        return json ? json : fail(NULL, "a number is not finite", ret_why);
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &len);
        json = json_stringn(text, len);
        return json ? json : fail(NULL, "a string is not valid UTF-8", ret_why);
    case LUA_TTABLE:
        return lua_rawlen(L, index) > 0 ? list_json(L, index, depth, ret_why)
                                        : object_json(L, index, depth, ret_why);
    default:
        return fail(NULL, "only strings, numbers, booleans and tables of them can be sent",
                    ret_why);
    }
}

json_t *testing_json(lua_State *L, int index, const char **ret_why)
{
    int top = lua_gettop(L);
    json_t *json = to_json(L, lua_absindex(L, index), 0, ret_why);

    lua_settop(L, top);
    return json;
}

static void set_str(lua_State *L, const char *name, struct wg_str text)
{
    if (!text.at)
        return;
    lua_pushlstring(L, text.at, text.len);
    lua_setfield(L, -2, name);
}

/* -1 is "not set". */
static void set_number(lua_State *L, const char *name, int64_t value)
{
    if (value < 0)
        return;
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void set_trace(lua_State *L, const struct wg_trace *trace)
{
    lua_createtable(L, (int)trace->count, 0);
    for (size_t i = 0; i < trace->count; i++) {
        const struct wg_trace_step *step = &trace->steps[i];

        lua_createtable(L, 0, 8);
        set_str(L, "policy", step->policy);
        set_str(L, "file", step->file);
        set_number(L, "line", step->line);
        set_str(L, "answer", wg_str(step->answer));
        set_str(L, "said_file", step->said_file);
        set_number(L, "said_line", step->said_line);
        set_str(L, "text", step->text);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "trace");
}

static void set_labels(lua_State *L, const struct wg_headers *labels)
{
    lua_newtable(L);
    for (size_t i = 0; i < labels->count; i++) {
        lua_pushlstring(L, labels->at[i].name.at, labels->at[i].name.len);
        lua_pushlstring(L, labels->at[i].value.at, labels->at[i].value.len);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "labels");
}

void testing_push_answer(lua_State *L, const struct wg_decision *decision,
                         const struct wg_trace *trace)
{
    lua_createtable(L, 0, 16);
    set_str(L, "verdict", wg_str(wg_verdict_name(decision->verdict)));
    if (decision->code != WG_OK)
        set_str(L, "code", wg_str(wg_code_answer(decision->code)));
    set_str(L, "reason", decision->reason);
    if (decision->verdict == WG_VERDICT_DEFER)
        set_number(L, "seconds", decision->defer_s);
    set_str(L, "policy", decision->policy);
    set_str(L, "file", decision->file);
    set_number(L, "line", decision->line > 0 ? decision->line : -1);
    lua_newtable(L);
    set_number(L, "events", decision->limit.events);
    set_number(L, "bytes", decision->limit.bytes);
    set_number(L, "not_before", decision->limit.not_before_s);
    lua_setfield(L, -2, "limit");
    set_labels(L, &decision->labels);
    if (decision->failure != WG_OK) {
        set_str(L, "failure", wg_str(wg_code_name(decision->failure)));
        set_str(L, "failure_text", decision->failure_text);
    }
    set_number(L, "instructions", decision->instructions);
    set_trace(L, trace);
}
