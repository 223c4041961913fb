// SPDX-License-Identifier: Apache-2.0
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/load_impl.h"

const char *wg_value_words(lua_State *L)
{
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        return "nothing";
    case LUA_TBOOLEAN:
        return "a boolean";
    case LUA_TNUMBER:
        return "a number";
    case LUA_TSTRING:
        return "a string";
    case LUA_TTABLE:
        return "a table";
    default:
        return "a function";
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct wg_str *)a)->at, ((const struct wg_str *)b)->at);
}

struct wg_str *wg_take_names(struct load *load, const struct place *place, size_t *ret_count)
{
    lua_State *L = load->L;
    struct wg_str *names;
    size_t count = 0, capacity = 0;
    bool has_items = false;

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        capacity++;
    names = wg_arena_alloc(&load->scratch, capacity * sizeof *names);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct wg_str name;

        if (lua_type(L, -2) != LUA_TSTRING) {
            has_items = true;
            continue;
        }
        name.at = lua_tolstring(L, -2, &name.len);
        names[count++] = wg_arena_copy(&load->scratch, name);
    }
    if (has_items)
        wg_problem(load, place, "takes names (name = value), not list items");
    qsort(names, count, sizeof *names, by_text);
    *ret_count = count;
    return names;
}

/* "did you mean", or when nothing is near all names that would be right. */
static void report_unknown(struct load *load, const struct place *at, const char *in,
                           const struct wg_setting *settings, struct wg_str section)
{
    struct wg_str names[WG_SETTING_NAMES];
    const char *texts[WG_SETTING_NAMES + 1] = {NULL};
    struct wg_buf list;
    size_t count;
    const char *near;

    wg_setting_names(settings, section, names, &count);
    for (size_t i = 0; i < count; i++)
        texts[i] = wg_arena_copy(&load->scratch, names[i]).at;
    near = wg_str_nearest(at->key, texts);
    if (near) {
        wg_problem_plain(load, at, "unknown field '%.*s'%s%s, did you mean '%s'?",
                         WG_STR_F(at->key), in[0] ? " in " : "", in, near);
        return;
    }
    wg_buf_init(&list, 4096);
    for (size_t i = 0; i < count; i++)
        wg_buf_addf(&list, "%s%s", i ? ", " : "", texts[i]);
    wg_problem_plain(load, at, "unknown field '%.*s'%s%s; the fields here are: %s",
                     WG_STR_F(at->key), in[0] ? " in " : "", in, wg_buf_str(&list).at);
    wg_buf_done(&list);
}

/* Every name in the table on top of the stack is a setting, or a section of which the same
 * holds. */
static void check_names(struct load *load, const struct place *place,
                        const struct wg_setting *settings, const char *section)
{
    size_t count;
    const struct wg_str *names = wg_take_names(load, place, &count);

    for (size_t i = 0; i < count; i++) {
        struct place at = {place, names[i], false};
        const char *path = wg_arena_format(&load->scratch, "%s%s%s", section,
                                           section[0] ? "." : "", names[i].at);

        switch (wg_setting_find(settings, wg_str(path))) {
        case AT_SETTING:
            break;
        case AT_SECTION:
            lua_getfield(load->L, -1, names[i].at);
            if (lua_istable(load->L, -1))
                check_names(load, &at, settings, path);
            else
                wg_problem(load, &at, "must be a table, is %s", wg_value_words(load->L));
            lua_pop(load->L, 1);
            break;
        case AT_NOTHING:
            report_unknown(load, &at, wg_place_text(load, place), settings, wg_str(section));
        }
    }
}

/* The default goes the way of every written value. */
static void push_default(lua_State *L, const struct wg_setting *setting)
{
    struct wg_str rest = wg_str(setting->standard);

    switch (setting->kind) {
    case KIND_BOOLEAN:
        lua_pushboolean(L, wg_str_is(rest, "true"));
        return;
    case KIND_INTEGER:
    case KIND_TIME:
        if (lua_stringtonumber(L, setting->standard) == 0)
            lua_pushnil(L);
        return;
    case KIND_LISTEN:
    case KIND_PEERS:
    case KIND_FOLDERS:
    case KIND_CIDRS:
    case KIND_RESOLVE:
    case KIND_SPANS:
        lua_newtable(L);
        for (int i = 1; rest.at && rest.len; i++) {
            struct wg_str item = wg_str_split(&rest, ' ');

            lua_pushlstring(L, item.at, item.len);
            lua_rawseti(L, -2, i);
        }
        return;
    default:
        lua_pushstring(L, setting->standard);
    }
}

/* Pushes what stands at path in the table on top, nil when anything on the way is missing. */
static void push_at(lua_State *L, const char *path)
{
    struct wg_str rest = wg_str(path);

    lua_pushvalue(L, -1);
    while (rest.at && lua_istable(L, -1)) {
        struct wg_str name = wg_str_split(&rest, '.');

        lua_pushlstring(L, name.at, name.len);
        lua_rawget(L, -2);
        lua_remove(L, -2);
    }
    if (rest.at) { /* a section that is no table: reported by check_names() */
        lua_pop(L, 1);
        lua_pushnil(L);
    }
}

static void read_setting(struct load *load, const struct place *place,
                         const struct wg_setting *setting, void *target)
{
    struct wg_str rest = wg_str(setting->path);
    struct wg_str first = wg_str_split(&rest, '.');
    struct place outer = {place, first, false};
    struct place inner = {&outer, rest, false};
    struct place *at = rest.at ? &inner : &outer;
    lua_State *L = load->L;

    push_at(L, setting->path);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        if (!setting->standard) {
            wg_problem(load, place, "'%s' is missing: %s", setting->path, setting->help);
            return;
        }
        if (setting->standard[0] == '\0' && setting->kind == KIND_FILE)
            return;
        push_default(L, setting);
    }
    wg_value_read(load, at, setting, (char *)target + setting->offset);
    lua_pop(L, 1);
}

void wg_section_read(struct load *load, const struct place *place,
                     const struct wg_setting *settings, void *target)
{
    luaL_checkstack(load->L, 20, "configuration");
    check_names(load, place, settings, "");
    for (; settings->path; settings++)
        read_setting(load, place, settings, target);
}
