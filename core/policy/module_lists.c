// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "policy/lists.h"
#include "policy/policy_impl.h"

/* wavegate.lists: open, and what a list can be asked. */

static const char *const LIST = "wavegate.list";

enum {
    LOOKUP_WORK = 20, /* of the budget, as if it were instructions */
    REFRESH_LEAST_S = 60,
    REFRESH_LIMIT_S = 30 * 86400,
};

struct lua_list {
    const struct wg_edition_list
        *list; /* lives as long as the edition, which the state holds */
};

static bool take_flag(lua_State *L, const char *name)
{
    int type = lua_getfield(L, 2, name);
    bool value = lua_toboolean(L, -1);

    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        wg_raise(L, "lists.open: %s must be true or false, not a %s", name,
                 lua_typename(L, type));
    lua_pop(L, 1);
    return value;
}

static enum wg_list_format take_format(lua_State *L)
{
    enum wg_list_format format = WG_LIST_AUTO;
    int type = lua_getfield(L, 2, "format");

    if (type != LUA_TNIL &&
        (type != LUA_TSTRING || !wg_list_format_parse(wg_str(lua_tostring(L, -1)), &format)))
        wg_raise(L, "lists.open: format must be \"auto\", \"text\", \"csv\" or \"json\"");
    lua_pop(L, 1);
    return format;
}

static int64_t take_refresh(lua_State *L)
{
    double seconds = 0;
    struct wg_err err;
    int type = lua_getfield(L, 2, "refresh");

    if (type == LUA_TSTRING) {
        if (wg_units_duration(wg_str(lua_tostring(L, -1)), &seconds, &err) != WG_OK)
            wg_raise(L, "lists.open: refresh: %s", err.text);
    } else if (type == LUA_TNUMBER) {
        seconds = lua_tonumber(L, -1);
    }
    if (type != LUA_TNIL && !(seconds >= REFRESH_LEAST_S && seconds <= REFRESH_LIMIT_S))
        wg_raise(L, "lists.open: refresh must be from \"1m\" to \"30d\"");
    lua_pop(L, 1);
    return (int64_t)seconds;
}

/* lists.open(where [, { format, subdomains, skip_broken, refresh }]) -> list */
static int lists_open(lua_State *L)
{
    static const char *const names[] = {"format", "refresh", "skip_broken", "subdomains", NULL};
    struct wg_state *state = wg_state_of(L);
    struct wg_list_wish wish = {0};
    struct lua_list *self;
    struct wg_err err;

    wish.where.at = luaL_checklstring(L, 1, &wish.where.len);
    if (!state->loading)
        wg_raise(L, "lists.open: only while the file is loaded; keep the list in a local");
    if (!lua_isnoneornil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        wg_check_fields(L, 2, "lists.open", names);
        wish.format = take_format(L);
        wish.has_subdomains = take_flag(L, "subdomains");
        wish.skips_broken = take_flag(L, "skip_broken");
        wish.refresh_s = take_refresh(L);
    }
    self = lua_newuserdatauv(L, sizeof *self, 0);
    luaL_setmetatable(L, LIST);
    if (wg_lists_open(state->edition, &wish, &self->list, &err) != WG_OK)
        wg_raise(L, "lists.open: %s", err.text);
    return 1;
}

static int push_none_yet(lua_State *L, const struct wg_edition_list *list)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s was not fetched yet", wg_lists_where(list));
    return 2;
}

static int64_t now_s(lua_State *L)
{
    const struct wg_state *state = wg_state_of(L);

    return state->call     ? state->call->question->now_s
           : state->engine ? wg_clock_wall_s(state->engine->clock)
                           : 0;
}

static struct wg_str check_name(lua_State *L)
{
    struct wg_str name;

    name.at = luaL_checklstring(L, 2, &name.len);
    return name;
}

/* Looking through patterns takes time that the machine's instructions do not show. */
static int64_t work_of(const struct wg_list *list)
{
    struct wg_list_info info;

    wg_list_info(list, &info);
    return LOOKUP_WORK + info.by_kind[WG_LIST_GLOB];
}

/* While the list is held: what a match lends is the list's. */
static void note_hit(lua_State *L, const struct wg_list_match *match)
{
    const struct wg_policy_call *call = wg_state_of(L)->call;

    if (call)
        wg_trace_hit(call, match);
}

/* list:has(name) -> boolean; nil and why for a source that was never fetched */
static int list_has(lua_State *L)
{
    const struct lua_list *self = luaL_checkudata(L, 1, LIST);
    struct wg_str name = check_name(L);
    struct wg_list *list = wg_lists_current(self->list);
    struct wg_list_match match;
    int64_t work;
    bool is_there;

    if (!list)
        return push_none_yet(L, self->list);
    work = work_of(list);
    is_there = wg_list_find(list, name, now_s(L), &match);
    if (is_there)
        note_hit(L, &match);
    wg_list_unref(list);
    wg_budget_charge(L, work);
    lua_pushboolean(L, is_there);
    return 1;
}

static void set_text(lua_State *L, const char *name, struct wg_str text)
{
    if (!text.at)
        return;
    lua_pushlstring(L, text.at, text.len);
    lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* Argument 1: struct wg_list_match. Called under protection: should memory run out, the
 * reference to the list is still given back. */
static int push_match(lua_State *L)
{
    const struct wg_list_match *match = lua_touserdata(L, 1);

    lua_createtable(L, 0, 8);
    set_text(L, "entry", match->text);
    lua_pushstring(L, wg_list_kind_name(match->kind));
    lua_setfield(L, -2, "kind");
    set_text(L, "reason", match->reason);
    set_text(L, "severity", match->severity);
    if (match->expires_at_s > 0)
        set_integer(L, "expires_at", match->expires_at_s);
    set_flag(L, "reject_media", match->rejects_media);
    set_flag(L, "reject_reports", match->rejects_reports);
    lua_pushstring(L, match->source);
    lua_setfield(L, -2, "source");
    set_integer(L, "line", match->line);
    set_integer(L, "hits", match->hits);
    return 1;
}

/* list:find(name) -> what the most telling entry says, or nil; nil and why as above */
static int list_find(lua_State *L)
{
    const struct lua_list *self = luaL_checkudata(L, 1, LIST);
    struct wg_str name = check_name(L);
    struct wg_list *list = wg_lists_current(self->list);
    struct wg_list_match match;
    int64_t work;
    int status = LUA_OK;

    if (!list)
        return push_none_yet(L, self->list);
    work = work_of(list);
    lua_pushcfunction(L, push_match);
    lua_pushlightuserdata(L, &match);
    if (wg_list_find(list, name, now_s(L), &match)) {
        note_hit(L, &match);
        status = lua_pcall(L, 1, 1, 0);
    } else {
        lua_pushnil(L);
    }
    wg_list_unref(list);
    if (status != LUA_OK)
        return lua_error(L);
    wg_budget_charge(L, work);
    return 1;
}

static void set_feed(lua_State *L, struct wg_feed *feed)
{
    char problem[256];
    int64_t age_s = wg_feed_age_s(feed, now_s(L), problem);

    if (age_s >= 0)
        set_integer(L, "age", age_s);
    if (problem[0])
        set_text(L, "problem", wg_str(problem));
}

/* list:info() -> { source, count, broken, lookups, hits; age and problem of a URL } */
static int list_info(lua_State *L)
{
    const struct lua_list *self = luaL_checkudata(L, 1, LIST);
    struct wg_list *list = wg_lists_current(self->list);
    struct wg_list_info info = {0};

    if (list)
        wg_list_info(list, &info);
    wg_list_unref(list);
    lua_createtable(L, 0, 7);
    set_text(L, "source", wg_str(wg_lists_where(self->list)));
    set_integer(L, "count", info.count);
    set_integer(L, "broken", info.broken);
    set_integer(L, "lookups", (int64_t)info.lookups);
    set_integer(L, "hits", (int64_t)info.hits);
    if (wg_lists_feed(self->list))
        set_feed(L, wg_lists_feed(self->list));
    return 1;
}

static int list_tostring(lua_State *L)
{
    const struct lua_list *self = luaL_checkudata(L, 1, LIST);

    lua_pushfstring(L, "list %s", wg_lists_where(self->list));
    return 1;
}

static const luaL_Reg methods[] = {
    {"find", list_find}, {"has", list_has}, {"info", list_info}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"open", lists_open}, {NULL, NULL}};

void wg_module_lists(lua_State *L)
{
    luaL_newmetatable(L, LIST);
    luaL_newlib(L, methods);
    wg_lock(L);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, list_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
}
