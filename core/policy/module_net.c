// SPDX-License-Identifier: Apache-2.0
#include "policy/module_impl.h"
#include "wire/address.h"

/* wavegate.net: addresses and blocks of them. Nothing here connects to anything. */

static const char *const BLOCK = "wavegate.net.block";

/* net.block "10.0.0.0/8" -> block */
static int net_block(lua_State *L)
{
    struct wg_str text = wg_check_text(L, 1);
    struct wg_cidr *block = lua_newuserdatauv(L, sizeof *block, 0);
    struct wg_err err;

    if (wg_cidr_parse(text, block, &err) != WG_OK)
        wg_raise(L, "net.block: %s", err.text);
    luaL_setmetatable(L, BLOCK);
    return 1;
}

/* block:has(address) -> boolean; false for a text that is no address */
static int block_has(lua_State *L)
{
    const struct wg_cidr *block = luaL_checkudata(L, 1, BLOCK);
    struct wg_ip ip;
    struct wg_err err;

    lua_pushboolean(L, !lua_isnil(L, 2) &&
                           wg_ip_parse(wg_check_text(L, 2), &ip, &err) == WG_OK &&
                           wg_cidr_has(block, &ip));
    return 1;
}

/* net.is_address(text) -> boolean */
static int net_is_address(lua_State *L)
{
    struct wg_ip ip;
    struct wg_err err;

    lua_pushboolean(L, wg_ip_parse(wg_check_text(L, 1), &ip, &err) == WG_OK);
    return 1;
}

/* net.class(address) -> "global", "private", "loopback", ...; nil and why */
static int net_class(lua_State *L)
{
    struct wg_ip ip;
    struct wg_err err;

    if (wg_ip_parse(wg_check_text(L, 1), &ip, &err) != WG_OK)
        return wg_push_failure(L, &err);
    lua_pushstring(L, wg_ip_class_name(wg_ip_classify(&ip)));
    return 1;
}

static const luaL_Reg methods[] = {{"has", block_has}, {NULL, NULL}};
static const luaL_Reg functions[] = {
    {"block", net_block}, {"class", net_class}, {"is_address", net_is_address}, {NULL, NULL}};

void wg_module_net(lua_State *L)
{
    luaL_newmetatable(L, BLOCK);
    luaL_newlib(L, methods);
    wg_lock(L);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
}
