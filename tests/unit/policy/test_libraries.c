// SPDX-License-Identifier: Apache-2.0
#include "policy_kit.h"

#include <lualib.h>

#include "policy/policy_impl.h"

/* Our libraries against Lua's own, on the same arguments: same results, or both fail. */

static lua_State *open_both(struct wg_state *state)
{
    lua_State *L = luaL_newstate();

    assert_non_null(L);
    *(struct wg_state **)lua_getextraspace(L) = state; /* without a budget nothing is charged */
    luaL_openlibs(L);
    lua_newtable(L);
    lua_newtable(L);
    luaL_setfuncs(L, wg_match_functions, 0);
    lua_pushcfunction(L, wg_string_format);
    lua_setfield(L, -2, "format");
    lua_setfield(L, -2, "string");
    wg_table_open(L);
    lua_setfield(L, -2, "table");
    lua_setglobal(L, "own");
    return L;
}

static void run(const char *script)
{
    struct wg_state none = {.L = NULL};
    lua_State *L = open_both(&none);

    if (luaL_dostring(L, script) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    lua_close(L);
}

static const char same[] = "local function show(...)\n"
                           "  local t = table.pack(...)\n"
                           "  for i = 1, t.n do t[i] = math.type(t[i]) == 'float' and "
                           "string.format('%a', t[i]) or tostring(t[i]) end\n"
                           "  return table.concat(t, '|')\n"
                           "end\n"
                           "function same(library, name, ...)\n"
                           "  local a = table.pack(pcall(_G[library][name], ...))\n"
                           "  local b = table.pack(pcall(own[library][name], ...))\n"
                           "  if a[1] ~= b[1] or (a[1] and show(table.unpack(a, 1, a.n)) ~= "
                           "show(table.unpack(b, 1, b.n))) then\n"
                           "    error(library .. '.' .. name .. '(' .. show(...) .. ')\\n "
                           "stock: ' .. show(table.unpack(a, 1, a.n))\n"
                           "      .. '\\n own:   ' .. show(table.unpack(b, 1, b.n)))\n"
                           "  end\n"
                           "end\n"
                           "function pick(list) return list[math.random(#list)] end\n"
                           "function text(alphabet, most)\n"
                           "  local t = {}\n"
                           "  for i = 1, math.random(0, most) do t[i] = pick(alphabet) end\n"
                           "  return table.concat(t)\n"
                           "end\n"
                           "math.randomseed(42)\n";

static void run_same(const char *script)
{
    struct wg_buf all;

    wg_buf_init(&all, 1 << 20);
    wg_buf_addf(&all, "%s%s", same, script);
    run(all.at);
    wg_buf_done(&all);
}

static void patterns_match_as_in_lua(void **state)
{
    (void)state;
    run_same(
        "local pieces = { 'a', 'b', '.', '%a', '%d', '%s', '%W', '[ab]', '[^a]', '[%w_]', "
        "'[a-c]', '[]]',\n"
        "  '[^]]', '[%]x]', '[a-]', '(', ')', '()', '(a', '%1', '%2', '%b()', '%bxx', '%f[a]', "
        "'%f[^a]', '$', '^',\n"
        "  '*', '+', '-', '?', '%', '%%', '%.', '[', ']', '[a', '%f', '%b', '%b(', '\\0', 'x' "
        "}\n"
        "local letters = { 'a', 'b', 'c', 'x', '(', ')', '1', ' ', '.', ']', '\\0', '_', '%' "
        "}\n"
        "for i = 1, 20000 do\n"
        "  local t, p = text(letters, 12), text(pieces, 6)\n"
        "  local start = math.random(-14, 14)\n"
        "  same('string', 'find', t, p, start)\n"
        "  same('string', 'find', t, p, start, true)\n"
        "  same('string', 'match', t, p, start)\n"
        "  same('string', 'gsub', t, p, pick { '', '<%0>', '%1', 'x%%', '%2%1', '%', '%9' }, "
        "pick { nil, 0, 1, 3 })\n"
        "  same('string', 'gsub', t, p, { a = 'A', ab = false, b = 1 })\n"
        "  same('string', 'gsub', t, p, function(x) return x and tostring(x):upper() end)\n"
        "end\n");
}

static void gmatch_walks_as_in_lua(void **state)
{
    (void)state;
    run_same(
        "local function all(gmatch)\n"
        "  return function(...)\n"
        "    local t = {}\n"
        "    for a, b in gmatch(...) do t[#t + 1] = tostring(a) .. ':' .. tostring(b) end\n"
        "    return table.concat(t, ',')\n"
        "  end\n"
        "end\n"
        "string.all, own.string.all = all(string.gmatch), all(own.string.gmatch)\n"
        "local pieces = { 'a', 'b', '.', '%a', '(', ')', '()', '*', '-', '?', '%f[a]', '[ab]' "
        "}\n"
        "for i = 1, 20000 do\n"
        "  same('string', 'all', text({ 'a', 'b', ' ' }, 10), text(pieces, 5), "
        "math.random(-12, 12))\n"
        "end\n");
}

static void format_writes_as_in_lua(void **state)
{
    (void)state;
    run_same(
        "local flags = { '', '-', '0', '+', ' ', '#', '-+' }\n"
        "local sizes = { '', '5', '12', '.3', '8.2', '.0', '99.99', '.' }\n"
        "local values = { 0, 1, -1, 255, 3.5, -0.0, 1e300, math.huge, -math.huge, "
        "math.mininteger, '12', 'x', '',\n"
        "  'a\\nb\"\\\\c\\0d\\r1', true, false, ('y'):rep(200) }\n"
        "for i = 1, 15000 do\n"
        "  local letter = pick { 'd', 'i', 'x', 'X', 'o', 'c', 'e', 'f', 'g', 'G', 'a', 's', "
        "'q', '%' }\n"
        "  local flag, size = pick(flags), pick(sizes)\n"
        "  local v = pick(values)\n"
        "  local is_odd = letter == 'q' or letter == 'c' or letter == '%' or flag:find '#'\n"
        "    or (letter == 's' and flag ~= '' and flag ~= '-') or (flag ~= '' and not "
        "('efgGadi'):find(letter))\n"
        "    or (letter == 's' and tostring(v):find '%z') or (letter == 'a' and size ~= '')\n"
        "  if is_odd then flag, size = '', '' end\n"
        "  if not (letter == 's' and tostring(v):find '%z') then\n"
        "    same('string', 'format', 'a%' .. flag .. size .. letter .. 'b', v)\n"
        "  end\n"
        "end\n"
        "same('string', 'format', '%s %s', 1)\n"
        "same('string', 'format', '%d', 1.5)\n"
        "same('string', 'format', '%y', 1)\n"
        "same('string', 'format', '%', 1)\n"
        "same('string', 'format', '%123d', 1)\n"
        "same('string', 'format', '%q', 0/0)\n"
        "same('string', 'format', '%q', {})\n");
}

static void tables_change_as_in_lua(void **state)
{
    (void)state;
    run_same(
        "local function on_copy(library, name)\n"
        "  return function(t, ...)\n"
        "    local copy = table.move(t, 1, #t, 1, {})\n"
        "    local results = table.pack(library[name](copy, ...))\n"
        "    for i = 1, results.n do if results[i] == copy then results[i] = 'itself' end end\n"
        "    return #copy, table.concat(copy, ','), table.unpack(results, 1, results.n)\n"
        "  end\n"
        "end\n"
        "local names = { 'insert', 'remove', 'move', 'sort', 'concat', 'unpack' }\n"
        "_G.changed, own.changed = {}, {}\n"
        "for _, name in ipairs(names) do\n"
        "  changed[name], own.changed[name] = on_copy(table, name), on_copy(own.table, name)\n"
        "end\n"
        "for i = 1, 20000 do\n"
        "  local t = {}\n"
        "  for k = 1, math.random(0, 9) do t[k] = math.random(20) end\n"
        "  local a, b, c = math.random(-1, 10), math.random(-1, 10), math.random(-1, 10)\n"
        "  same('changed', 'insert', t, a)\n"
        "  same('changed', 'insert', t, a, b)\n"
        "  same('changed', 'insert', t, a, b, c)\n"
        "  same('changed', 'remove', t)\n"
        "  same('changed', 'remove', t, a)\n"
        "  same('changed', 'move', t, a, b, math.random(1, 10))\n"
        "  same('changed', 'sort', t)\n"
        "  same('changed', 'sort', t, function(x, y) return x > y end)\n"
        "  same('changed', 'concat', t, ', ')\n"
        "  same('changed', 'concat', t, '', a, b)\n"
        "  same('changed', 'unpack', t, a, b)\n"
        "end\n");
}

static void basic_functions_do_as_in_lua(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(
        &kit,
        "local ok, a, b = pcall(function(...) return ... end, 1, 2)\n"
        "assert(ok and a == 1 and b == 2)\n"
        "local ok, text = pcall(error, 'plain', 0)\n"
        "assert(not ok and text == 'plain')\n"
        "local ok, object = pcall(error, { code = 7 })\n"
        "assert(not ok and object.code == 7)\n"
        "local ok, text = xpcall(function() error('x', 0) end, function(m) return 'handled ' "
        ".. m end)\n"
        "assert(not ok and text == 'handled x')\n"
        "local ok, a, b = xpcall(function(...) return ... end, print, 3, 4)\n"
        "assert(ok and a == 3 and b == 4)\n"
        "local Class = {} Class.__index = Class\n"
        "function Class.new() return setmetatable({}, Class) end\n"
        "function Class:name() return 'class' end\n"
        "assert(Class.new():name() == 'class' and getmetatable(Class.new()) == Class)\n"
        "local sum = setmetatable({}, { __add = function(a, b) return 42 end, __len = "
        "function() return 7 end,\n"
        "  __call = function(self, x) return x end, __tostring = function() return 'sum' end, "
        "__name = 'Sum' })\n"
        "assert(sum + 1 == 42 and #sum == 7 and sum(5) == 5 and tostring(sum) == 'sum')\n"
        "assert(tonumber('0x10') == 16 and tonumber('z', 36) == 35 and tonumber('x') == nil)\n"
        "assert(select('#', nil, nil) == 2 and select(-1, 1, 2) == 2)\n"
        "assert(rawlen({ 1, 2 }) == 2 and rawequal('a', 'a') and rawget({ 5 }, 1) == 5)\n"
        "local seen = {}\n"
        "for k in pairs(math) do seen[k] = true end\n"
        "assert(seen.floor and not seen.randomseed)\n"
        "assert(utf8.len('h\\u{e9}') == 2 and utf8.char(233) == '\\u{e9}')\n"
        "assert(('x'):rep(3, ',') == 'x,x,x' and ('abc'):byte(-1) == 99 and ('abc'):upper() == "
        "'ABC')\n"
        "assert(string.pack('>I2', 258) == '\\1\\2' and (string.unpack('>I2', '\\1\\2')) == "
        "258)\n"
        "assert('10' + 5 == 15)\n"
        "local mt = setmetatable({}, { __metatable = 'mine' })\n"
        "assert(getmetatable(mt) == 'mine' and not pcall(setmetatable, mt, {}))\n"
        "local closed\n"
        "do local x <close> = setmetatable({}, { __close = function() closed = true end }) "
        "end\n"
        "assert(closed)\n");
    kit_done(&kit);
}

static void files_have_globals_of_their_own_and_modules_are_shared_read_only(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_write(&kit, "helper.lua",
              "local M = { value = 1 }\n"
              "function M.set(v) M.value = v end\n"
              "return setmetatable(M, { __call = function(_, x) return x * 2 end })\n");
    kit_open(&kit, "local helper = require 'helper'\n"
                   "assert(require 'helper' == helper and helper.value == 1)\n"
                   "helper.set(5)\n"
                   "assert(helper.value == 5 and helper(4) == 8)\n"
                   "assert(not pcall(function() helper.value = 2 end))\n"
                   "assert(undeclared == nil)\n"
                   "assert(not pcall(rawset, _ENV, 'leak', 1))\n");
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_in_lua),
        cmocka_unit_test(gmatch_walks_as_in_lua),
        cmocka_unit_test(format_writes_as_in_lua),
        cmocka_unit_test(tables_change_as_in_lua),
        cmocka_unit_test(basic_functions_do_as_in_lua),
        cmocka_unit_test(files_have_globals_of_their_own_and_modules_are_shared_read_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
