// SPDX-License-Identifier: Apache-2.0
#include "policy/pattern.h"
#include "policy/policy_impl.h"

/* find, match, gmatch and gsub over policy/pattern.h, whose steps are paid from the budget. */

enum { STEPS_PER_INSTRUCTION = 2 };

static void begin(lua_State *L, struct wg_pattern *m, struct wg_str text, struct wg_str pattern)
{
    m->text = text;
    m->pattern = pattern;
    m->failure = WG_PATTERN_FINE;
    m->steps_left = wg_budget_left(L) * STEPS_PER_INSTRUCTION;
}

/* Matches at one place and pays. */
static const char *match_at(lua_State *L, struct wg_pattern *m, const char *at)
{
    int64_t before = m->steps_left;
    const char *end = wg_pattern_match(m, at);

    /* +1: when the steps are gone the budget must be, too. */
    wg_budget_charge(L, (before - m->steps_left) / STEPS_PER_INSTRUCTION + 1);
    m->steps_left = wg_budget_left(L) * STEPS_PER_INSTRUCTION;
    if (m->failure == WG_PATTERN_MALFORMED)
        luaL_error(L, "%s", m->failure_text);
    return end;
}

static void push_capture(lua_State *L, const struct wg_pattern *m, int i, const char *start,
                         const char *end)
{
    if (i >= m->capture_count) {
        if (i != 0)
            luaL_error(L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(L, start, (size_t)(end - start));
    } else if (m->captures[i].len == WG_CAPTURE_POSITION) {
        lua_pushinteger(L, m->captures[i].at - m->text.at + 1);
    } else if (m->captures[i].len == WG_CAPTURE_OPEN) {
        luaL_error(L, "unfinished capture");
    } else {
        lua_pushlstring(L, m->captures[i].at, (size_t)m->captures[i].len);
    }
}

/* All captures; the whole match when there are none and start is given. */
static int push_captures(lua_State *L, const struct wg_pattern *m, const char *start,
                         const char *end)
{
    int count = m->capture_count == 0 && start ? 1 : m->capture_count;

    luaL_checkstack(L, count, "too many captures");
    for (int i = 0; i < count; i++)
        push_capture(L, m, i, start, end);
    return count;
}

static struct wg_str check_str(lua_State *L, int index)
{
    struct wg_str text;

    text.at = luaL_checklstring(L, index, &text.len);
    return text;
}

/* 1-based, negative from the end; past the end gives len + 1 or more. */
static size_t check_start(lua_State *L, int index, size_t len)
{
    lua_Integer start = luaL_optinteger(L, index, 1);

    if (start > 0)
        return (size_t)start - 1;
    if (start == 0 || start < -(lua_Integer)len)
        return 0;
    return len - (size_t)-start;
}

static int find_plain(lua_State *L, struct wg_str text, struct wg_str wanted, size_t start)
{
    const char *at;

    wg_budget_charge(L, (int64_t)((text.len - start) / 8));
    at = wanted.len == 0 ? text.at + start
                         : memmem(text.at + start, text.len - start, wanted.at, wanted.len);
    if (!at) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - text.at + 1);
    lua_pushinteger(L, at - text.at + (lua_Integer)wanted.len);
    return 2;
}

static int find_or_match(lua_State *L, bool is_find)
{
    struct wg_str text = check_str(L, 1);
    struct wg_str pattern = check_str(L, 2);
    size_t start = check_start(L, 3, text.len);
    struct wg_pattern m;
    bool is_anchored;

    if (start > text.len) {
        lua_pushnil(L);
        return 1;
    }
    if (is_find && (lua_toboolean(L, 4) || wg_pattern_is_plain(pattern)))
        return find_plain(L, text, pattern, start);
    is_anchored = pattern.len > 0 && pattern.at[0] == '^';
    if (is_anchored)
        pattern = wg_str_of(pattern.at + 1, pattern.len - 1);
    begin(L, &m, text, pattern);
    for (const char *at = text.at + start; at <= text.at + text.len; at++) {
        const char *end = match_at(L, &m, at);

        if (end && is_find) {
            lua_pushinteger(L, at - text.at + 1);
            lua_pushinteger(L, end - text.at);
            return push_captures(L, &m, NULL, NULL) + 2;
        }
        if (end)
            return push_captures(L, &m, at, end);
        if (is_anchored)
            break;
    }
    lua_pushnil(L);
    return 1;
}

/* string.find(text, pattern [, start [, is_plain]]) */
static int string_find(lua_State *L)
{
    return find_or_match(L, true);
}

/* string.match(text, pattern [, start]) */
static int string_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* Upvalues: text, pattern, place to go on, end of the last match. */
static int gmatch_next(lua_State *L)
{
    struct wg_str text, pattern;
    struct wg_pattern m;
    size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));

    text.at = lua_tolstring(L, lua_upvalueindex(1), &text.len);
    pattern.at = lua_tolstring(L, lua_upvalueindex(2), &pattern.len);
    begin(L, &m, text, pattern);
    for (; at <= text.len; at++) {
        const char *end = match_at(L, &m, text.at + at);

        if (!end || end - text.at == last)
            continue;
        lua_pushinteger(L, end - text.at);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(L, &m, text.at + at, end);
    }
    return 0;
}

/* string.gmatch(text, pattern [, start]) -> iterator */
static int string_gmatch(lua_State *L)
{
    struct wg_str text = check_str(L, 1);
    size_t start;

    check_str(L, 2);
    start = check_start(L, 3, text.len);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)(start > text.len ? text.len + 1 : start));
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

static void add(lua_State *L, luaL_Buffer *out, const char *at, size_t len)
{
    if (luaL_bufflen(out) + len > WG_STRING_LIMIT_BYTES)
        wg_check_string_size(L, luaL_bufflen(out) + len);
    wg_budget_charge(L, (int64_t)(len / 16));
    luaL_addlstring(out, at, len);
}

/* "%0" to "%9" and "%%" of a replacement text. */
static void add_expanded(lua_State *L, const struct wg_pattern *m, luaL_Buffer *out,
                         const char *start, const char *end)
{
    struct wg_str with;

    with.at = lua_tolstring(L, 3, &with.len);
    for (size_t i = 0; i < with.len; i++) {
        size_t len;
        const char *text;

        if (with.at[i] != '%') {
            size_t run = i;

            while (i + 1 < with.len && with.at[i + 1] != '%')
                i++;
            add(L, out, with.at + run, i + 1 - run);
            continue;
        }
        if (++i < with.len && with.at[i] == '%') {
            add(L, out, "%", 1);
        } else if (i < with.len && with.at[i] == '0') {
            add(L, out, start, (size_t)(end - start));
        } else if (i < with.len && with.at[i] >= '1' && with.at[i] <= '9') {
            push_capture(L, m, with.at[i] - '1', start, end);
            text = luaL_tolstring(L, -1, &len); /* a number or a string: no metamethod */
            lua_remove(L, -2);
            if (luaL_bufflen(out) + len > WG_STRING_LIMIT_BYTES)
                wg_check_string_size(L, luaL_bufflen(out) + len);
            wg_budget_charge(L, 1 + (int64_t)(len / 16));
            (void)text;
            luaL_addvalue(out);
        } else {
            luaL_error(L, "invalid use of '%%' in replacement string");
        }
    }
}

/* @return whether the match was replaced */
static bool add_replacement(lua_State *L, const struct wg_pattern *m, luaL_Buffer *out,
                            const char *start, const char *end)
{
    int type = lua_type(L, 3);

    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        add_expanded(L, m, out, start, end);
        return true;
    }
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, m, start, end), 1);
    } else {
        push_capture(L, m, 0, start, end);
        lua_gettable(L, 3);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        add(L, out, start, (size_t)(end - start));
        return false;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    if (luaL_bufflen(out) + lua_rawlen(L, -1) > WG_STRING_LIMIT_BYTES)
        wg_check_string_size(L, luaL_bufflen(out) + lua_rawlen(L, -1));
    wg_budget_charge(L, 1 + (int64_t)(lua_rawlen(L, -1) / 16));
    luaL_addvalue(out);
    return true;
}

/* string.gsub(text, pattern, replacement [, limit]) -> string, count */
static int string_gsub(lua_State *L)
{
    struct wg_str text = check_str(L, 1);
    struct wg_str pattern = check_str(L, 2);
    int type = lua_type(L, 3);
    lua_Integer limit = luaL_optinteger(L, 4, (lua_Integer)text.len + 1);
    bool is_anchored = pattern.len > 0 && pattern.at[0] == '^';
    const char *at = text.at;
    const char *last = NULL;
    lua_Integer count = 0;
    struct wg_pattern m;
    luaL_Buffer out;

    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    if (is_anchored)
        pattern = wg_str_of(pattern.at + 1, pattern.len - 1);
    luaL_buffinit(L, &out);
    begin(L, &m, text, pattern);
    while (count < limit) {
        const char *end = match_at(L, &m, at);

        if (end && end != last) {
            count++;
            add_replacement(L, &m, &out, at, end);
            m.steps_left = wg_budget_left(L) * STEPS_PER_INSTRUCTION;
            at = last = end;
        } else if (at < text.at + text.len) {
            luaL_addchar(&out, *at++);
        } else {
            break;
        }
        if (is_anchored)
            break;
    }
    add(L, &out, at, (size_t)(text.at + text.len - at));
    luaL_pushresult(&out);
    lua_pushinteger(L, count);
    return 2;
}

const luaL_Reg wg_match_functions[] = {
    {"find", string_find}, {"gmatch", string_gmatch},
    {"gsub", string_gsub}, {"match", string_match},
    {NULL, NULL},
};
