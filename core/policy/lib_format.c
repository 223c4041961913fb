// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>

#include "policy/policy_impl.h"

/* string.format, without %p (an address) and with every byte paid for. */

enum { SPEC_SIZE = 32, ITEM_SIZE = 512 }; /* %99.99f of the largest double has 410 bytes */

/* Flags, width (two digits), precision (two digits): copied to ret_spec with '%' before.
 * @return behind them */
static const char *read_spec(lua_State *L, const char *at, char ret_spec[SPEC_SIZE])
{
    size_t len = strspn(at, "-+ #0");
    const char *end = at + len;

    if (len > 5)
        luaL_error(L, "invalid format (repeated flags)");
    for (int i = 0; i < 2 && *end >= '0' && *end <= '9'; i++)
        end++;
    if (*end == '.') {
        end++;
        for (int i = 0; i < 2 && *end >= '0' && *end <= '9'; i++)
            end++;
    }
    if (*end >= '0' && *end <= '9')
        luaL_error(L, "invalid format (width or precision too long)");
    ret_spec[0] = '%';
    memcpy(ret_spec + 1, at, (size_t)(end - at));
    ret_spec[1 + (end - at)] = '\0';
    return end;
}

static void add_formatted(lua_State *L, luaL_Buffer *out, const char *item, int len)
{
    if (len < 0 || len >= ITEM_SIZE)
        luaL_error(L, "invalid format");
    luaL_addlstring(out, item, (size_t)len);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored \
    "-Wformat-nonliteral" /* the specification was taken apart above */

static void add_integer(lua_State *L, luaL_Buffer *out, int arg, char *spec, char letter)
{
    char item[ITEM_SIZE];
    lua_Integer value = luaL_checkinteger(L, arg);

    if (letter == 'i')
        letter = 'd';
    snprintf(spec + strlen(spec), 4, "ll%c", letter);
    add_formatted(L, out, item, snprintf(item, sizeof item, spec, (long long)value));
}

static void add_float(lua_State *L, luaL_Buffer *out, int arg, char *spec, char letter)
{
    char item[ITEM_SIZE];
    double value = luaL_checknumber(L, arg);

    snprintf(spec + strlen(spec), 2, "%c", letter);
    add_formatted(L, out, item, snprintf(item, sizeof item, spec, value));
}

static void add_string(lua_State *L, luaL_Buffer *out, int arg, char *spec)
{
    char item[ITEM_SIZE];
    size_t len;
    const char *text;

    wg_tostring(L, arg);
    text = lua_tolstring(L, -1, &len);
    wg_check_string_size(L, luaL_bufflen(out) + len);
    wg_budget_charge(L, (int64_t)(len / 16));
    if (strlen(spec) == 1 || (len >= 100 && !strchr(spec, '.'))) {
        luaL_addvalue(out);
        return;
    }
    luaL_argcheck(L, len == strlen(text), arg, "string contains zeros");
    snprintf(spec + strlen(spec), 2, "s");
    len = (size_t)snprintf(item, sizeof item, spec, text);
    lua_pop(L, 1);
    add_formatted(L, out, item, (int)len);
}

#pragma GCC diagnostic pop

static void add_quoted_text(lua_State *L, luaL_Buffer *out, int arg)
{
    size_t len;
    const char *text = lua_tolstring(L, arg, &len);

    wg_check_string_size(L, luaL_bufflen(out) + len * 4);
    wg_budget_charge(L, (int64_t)(len / 4));
    luaL_addchar(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_digit_next = i + 1 < len && text[i + 1] >= '0' && text[i + 1] <= '9';
        char item[8];

        if (c == '"' || c == '\\' || c == '\n') {
            luaL_addchar(out, '\\');
            luaL_addchar(out, (char)c);
        } else if (c < 32 || c == 127) {
            snprintf(item, sizeof item, is_digit_next ? "\\%03d" : "\\%d", c);
            luaL_addstring(out, item);
        } else {
            luaL_addchar(out, (char)c);
        }
    }
    luaL_addchar(out, '"');
}

/* %q: how the value is written in Lua. */
static void add_quoted(lua_State *L, luaL_Buffer *out, int arg)
{
    char item[64];
    double value;

    switch (lua_type(L, arg)) {
    case LUA_TSTRING:
        add_quoted_text(L, out, arg);
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, arg)) {
            lua_Integer integer = lua_tointeger(L, arg);

            snprintf(item, sizeof item, integer == LUA_MININTEGER ? "0x%llx" : "%lld",
                     (long long)integer);
        } else {
            value = lua_tonumber(L, arg);
            snprintf(item, sizeof item, "%s",
                     isnan(value) ? "(0/0)"
                     : value > 0  ? "1e9999"
                                  : "-1e9999");
            if (isfinite(value))
                snprintf(item, sizeof item, "%a", value);
        }
        luaL_addstring(out, item);
        return;
    case LUA_TNIL:
    case LUA_TBOOLEAN:
        wg_tostring(L, arg);
        luaL_addvalue(out);
        return;
    default:
        luaL_argerror(L, arg, "value has no literal form");
    }
}

static void add_item(lua_State *L, luaL_Buffer *out, int arg, char *spec, char letter)
{
    wg_budget_charge(L, 3);
    switch (letter) {
    case 'c':
        luaL_addchar(out, (char)luaL_checkinteger(L, arg));
        break;
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
        add_integer(L, out, arg, spec, letter);
        break;
    case 'a':
    case 'A':
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
        add_float(L, out, arg, spec, letter);
        break;
    case 'q':
        if (spec[1])
            luaL_error(L, "specifier '%%q' cannot have modifiers");
        add_quoted(L, out, arg);
        break;
    case 's':
        add_string(L, out, arg, spec);
        break;
    default:
        luaL_error(L, "invalid conversion '%s%c' to 'format'", spec, letter ? letter : ' ');
    }
}

/* string.format(format, ...) */
int wg_string_format(lua_State *L)
{
    size_t len;
    const char *at = luaL_checklstring(L, 1, &len);
    const char *end = at + len;
    int last_arg = lua_gettop(L); /* the buffer will stand behind it */
    int arg = 1;
    luaL_Buffer out;

    wg_budget_charge(L, (int64_t)(len / 8));
    luaL_buffinit(L, &out);
    while (at < end) {
        char spec[SPEC_SIZE];

        if (*at != '%') {
            luaL_addchar(&out, *at++);
        } else if (at[1] == '%') {
            luaL_addchar(&out, '%');
            at += 2;
        } else {
            at = read_spec(L, at + 1, spec);
            luaL_argcheck(L, ++arg <= last_arg, arg, "no value");
            add_item(L, &out, arg, spec, *at);
            if (at < end)
                at++;
        }
    }
    wg_check_string_size(L, luaL_bufflen(&out));
    luaL_pushresult(&out);
    return 1;
}
