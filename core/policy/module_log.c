// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "base/log.h"
#include "policy/figures.h"
#include "policy/module_impl.h"

/* wavegate.log and wavegate.metrics: what a policy tells its operator, always with the policy's
 * name. */

enum { LINE_COST = 1000, FIELD_LIMIT = 12, TEXT_LIMIT = 1024 };

static struct wg_str cut(struct wg_str text)
{
    if (text.len > TEXT_LIMIT)
        text.len = TEXT_LIMIT;
    return text;
}

/* The fields of the table at index 2; names and texts stay on the stack. @return how many */
static size_t take_fields(lua_State *L, struct wg_field *fields)
{
    size_t count = 0;

    if (lua_isnoneornil(L, 2))
        return 0;
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checkstack(L, 3 * FIELD_LIMIT + 4, NULL);
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        struct wg_field *field = &fields[count];

        if (lua_type(L, -2) != LUA_TSTRING)
            wg_raise(L, "log: fields have names");
        if (++count > FIELD_LIMIT)
            wg_raise(L, "log: at most %d fields", FIELD_LIMIT);
        wg_tostring(L, -1);
        field->name = lua_tostring(L, -3);
        field->type = WG_FIELD_STR;
        field->text.at = lua_tolstring(L, -1, &field->text.len);
        field->text = cut(field->text);
        lua_remove(L, -2);
        lua_pushvalue(L, -2); /* name, text, and the key to go on from */
    }
    return count;
}

int wg_log_line(lua_State *L, enum wg_log_level level)
{
    struct wg_field fields[FIELD_LIMIT + 4] = {{0}};
    struct wg_str text = wg_check_text(L, 1);
    struct wg_str place;
    size_t count;

    wg_budget_charge(L, LINE_COST);
    lua_settop(L, 2);
    count = take_fields(L, fields);
    if (wg_state_of(L)->is_dry || !wg_log_is_on(level))
        return 0;
    wg_where(L, 0);
    place.at = lua_tolstring(L, -1, &place.len);
    if (place.len > 2)
        place.len -= 2; /* ": " */
    fields[count++] = (struct wg_field)WG_F_STR("text", cut(text));
    fields[count++] = (struct wg_field)WG_F_TEXT("policy", wg_policy_running(L));
    fields[count++] = (struct wg_field)WG_F_STR("at", place);
    fields[count].name = NULL;
    wg_log_fields(level, "policy.log", "a policy says something", fields);
    return 0;
}

/* log.debug(text [, fields]) */
static int log_debug(lua_State *L)
{
    return wg_log_line(L, WG_LOG_DEBUG);
}

/* log.info(text [, fields]) */
static int log_info(lua_State *L)
{
    return wg_log_line(L, WG_LOG_INFO);
}

/* log.warn(text [, fields]) */
static int log_warn(lua_State *L)
{
    return wg_log_line(L, WG_LOG_WARN);
}

/* log.error(text [, fields]) */
static int log_error(lua_State *L)
{
    return wg_log_line(L, WG_LOG_ERROR);
}

static const luaL_Reg log_functions[] = {{"debug", log_debug},
                                         {"error", log_error},
                                         {"info", log_info},
                                         {"warn", log_warn},
                                         {NULL, NULL}};

void wg_module_log(lua_State *L)
{
    luaL_newlib(L, log_functions);
}

static struct wg_str check_name(lua_State *L)
{
    struct wg_str name = wg_check_text(L, 1);
    bool is_good = name.len > 0 && name.len <= WG_FIGURE_NAME_LIMIT;

    for (size_t i = 0; i < name.len && is_good; i++)
        is_good = name.at[i] == '_' || (name.at[i] >= 'a' && name.at[i] <= 'z') ||
                  (i > 0 && name.at[i] >= '0' && name.at[i] <= '9');
    if (!is_good)
        wg_raise(L, "metrics: a name is lower-case letters, digits and '_', at most %d",
                 WG_FIGURE_NAME_LIMIT);
    return name;
}

static int put_figure(lua_State *L, bool is_gauge, double value)
{
    struct wg_str name = check_name(L);
    struct wg_err err;

    if (wg_check_in_handler(L, "metrics"))
        return 0;
    if (wg_figures_put(wg_state_of(L)->engine->figures, wg_str(wg_policy_running(L)), name,
                       is_gauge, value, &err) != WG_OK)
        wg_raise(L, "metrics: %s", err.text);
    return 0;
}

/* metrics.count(name [, by]) */
static int metrics_count(lua_State *L)
{
    double by = luaL_optnumber(L, 2, 1);

    if (!(by >= 0) || !isfinite(by))
        wg_raise(L, "metrics.count: a counter only grows");
    return put_figure(L, false, by);
}

/* metrics.gauge(name, value) */
static int metrics_gauge(lua_State *L)
{
    return put_figure(L, true, luaL_checknumber(L, 2));
}

static const luaL_Reg metrics_functions[] = {
    {"count", metrics_count}, {"gauge", metrics_gauge}, {NULL, NULL}};

void wg_module_metrics(lua_State *L)
{
    luaL_newlib(L, metrics_functions);
}
