// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "policy/module_impl.h"

/* wavegate.base64 and wavegate.hash. */

static int push_encoded(lua_State *L, int variant)
{
    struct wg_str text = wg_check_text(L, 1);
    size_t size = sodium_base64_encoded_len(text.len, variant);
    luaL_Buffer out;
    char *at;

    wg_check_string_size(L, size);
    at = luaL_buffinitsize(L, &out, size);
    sodium_bin2base64(at, size, (const unsigned char *)text.at, text.len, variant);
    luaL_pushresultsize(&out, size - 1);
    return 1;
}

static int push_decoded(lua_State *L, int variant)
{
    struct wg_str text = wg_check_text(L, 1);
    size_t size = text.len / 4 * 3 + 3;
    const char *end;
    luaL_Buffer out;
    char *at = luaL_buffinitsize(L, &out, size);
    size_t len;

    if (sodium_base642bin((unsigned char *)at, size, text.at, text.len, NULL, &len, &end,
                          variant) != 0 ||
        end != text.at + text.len) {
        lua_pushnil(L);
        lua_pushliteral(L, "not base64");
        return 2;
    }
    luaL_pushresultsize(&out, len);
    return 1;
}

/* base64.encode(bytes) -> text */
static int base64_encode(lua_State *L)
{
    return push_encoded(L, sodium_base64_VARIANT_ORIGINAL);
}

/* base64.decode(text) -> bytes, or nil and why */
static int base64_decode(lua_State *L)
{
    return push_decoded(L, sodium_base64_VARIANT_ORIGINAL);
}

/* base64.encode_url(bytes) -> text without padding, for URLs */
static int base64_encode_url(lua_State *L)
{
    return push_encoded(L, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* base64.decode_url(text) -> bytes, or nil and why */
static int base64_decode_url(lua_State *L)
{
    return push_decoded(L, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static const luaL_Reg base64_functions[] = {{"decode", base64_decode},
                                            {"decode_url", base64_decode_url},
                                            {"encode", base64_encode},
                                            {"encode_url", base64_encode_url},
                                            {NULL, NULL}};

void wg_module_base64(lua_State *L)
{
    luaL_newlib(L, base64_functions);
}

static int push_hex(lua_State *L, const unsigned char *digest, size_t len)
{
    char text[2 * crypto_hash_sha512_BYTES + 1];

    sodium_bin2hex(text, sizeof text, digest, len);
    lua_pushlstring(L, text, 2 * len);
    return 1;
}

/* hash.sha256(bytes) -> hex */
static int hash_sha256(lua_State *L)
{
    struct wg_str text = wg_check_text(L, 1);
    unsigned char digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, (const unsigned char *)text.at, text.len);
    return push_hex(L, digest, sizeof digest);
}

/* hash.sha512(bytes) -> hex */
static int hash_sha512(lua_State *L)
{
    struct wg_str text = wg_check_text(L, 1);
    unsigned char digest[crypto_hash_sha512_BYTES];

    crypto_hash_sha512(digest, (const unsigned char *)text.at, text.len);
    return push_hex(L, digest, sizeof digest);
}

/* hash.hmac_sha256(key, bytes) -> hex */
static int hash_hmac_sha256(lua_State *L)
{
    struct wg_str key = wg_check_text(L, 1);
    struct wg_str text = wg_check_text(L, 2);
    unsigned char digest[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state hmac;

    crypto_auth_hmacsha256_init(&hmac, (const unsigned char *)key.at, key.len);
    crypto_auth_hmacsha256_update(&hmac, (const unsigned char *)text.at, text.len);
    crypto_auth_hmacsha256_final(&hmac, digest);
    return push_hex(L, digest, sizeof digest);
}

/* hash.equal(a, b): in a time that does not tell where they differ */
static int hash_equal(lua_State *L)
{
    struct wg_str a = wg_check_text(L, 1);
    struct wg_str b = wg_check_text(L, 2);

    lua_pushboolean(L, a.len == b.len && sodium_memcmp(a.at, b.at, a.len) == 0);
    return 1;
}

static const luaL_Reg hash_functions[] = {{"equal", hash_equal},
                                          {"hmac_sha256", hash_hmac_sha256},
                                          {"sha256", hash_sha256},
                                          {"sha512", hash_sha512},
                                          {NULL, NULL}};

void wg_module_hash(lua_State *L)
{
    luaL_newlib(L, hash_functions);
}
