// SPDX-License-Identifier: Apache-2.0
#include "policy/module_impl.h"

struct wg_str wg_check_text(lua_State *L, int index)
{
    struct wg_str text;

    text.at = luaL_checklstring(L, index, &text.len);
    wg_budget_charge(L, 1 + (int64_t)(text.len / 16));
    return text;
}

double wg_check_seconds(lua_State *L, int index, const char *what)
{
    struct wg_err err;
    double seconds = 0;
    struct wg_str text;

    if (lua_type(L, index) == LUA_TSTRING) {
        text.at = lua_tolstring(L, index, &text.len);
        if (wg_units_duration(text, &seconds, &err) != WG_OK)
            wg_raise(L, "%s: %s", what, err.text);
    } else if (lua_type(L, index) == LUA_TNUMBER) {
        seconds = lua_tonumber(L, index);
    } else {
        wg_raise(L, "%s must be seconds or a duration such as \"5m\"", what);
    }
    if (!(seconds >= 0) || seconds > 1e10)
        wg_raise(L, "%s must not be negative", what);
    return seconds;
}

int wg_push_failure(lua_State *L, const struct wg_err *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    return 2;
}

bool wg_check_in_handler(lua_State *L, const char *what)
{
    const struct wg_state *state = wg_state_of(L);

    if (!state->call)
        wg_raise(L, "%s: only inside a handler", what);
    return state->is_dry;
}

const char *wg_policy_running(lua_State *L)
{
    const struct wg_state *state = wg_state_of(L);

    if (state->call)
        return wg_call_policy(state->call);
    return state->loading ? state->loading->source->name : "";
}
