// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/macros.h"
#include "wire/descriptor.h"
#include "wire/json.h"

#define NAME WG_STR("peer.example.com")
#define BASE "/_scaiwave/federation/v1"
#define ENDPOINTS                                                              \
    "{\"send\":\"" BASE "/send\",\"profile\":\"" BASE "/profile/{local_id}\"," \
    "\"members\":\"" BASE "/rooms/{room_id}/members\","                        \
    "\"backfill\":\"" BASE "/rooms/{room_id}/backfill\"}"

/* Keys 1, 2, ...: seeds of that byte. */
static struct wg_descriptor_key key_of(char seed_byte)
{
    struct wg_descriptor_key key = {.valid_from_s = INT64_MIN, .valid_until_s = INT64_MAX};
    struct wg_secret_key secret;
    struct wg_err err;
    char seed[32];

    memset(seed, seed_byte, sizeof seed);
    if (wg_secret_key_from_seed(wg_str_of(seed, sizeof seed), &secret, &err) != WG_OK)
        fail_msg("%s", err.text);
    key.key = secret.public_key;
    wg_secret_key_done(&secret);
    return key;
}

static json_t *entry_of(char seed_byte, const char *kid)
{
    struct wg_descriptor_key key = key_of(seed_byte);
    char text[WG_PUBLIC_KEY_TEXT];

    wg_public_key_write(&key.key, text);
    return json_pack("{s:s, s:s}", "kid", kid ? kid : key.key.kid, "public_key", text);
}

/** A good descriptor as JSON, to be spoiled. */
static json_t *good(void)
{
    struct wg_descriptor_key key = key_of(1);
    char text[WG_PUBLIC_KEY_TEXT];

    wg_public_key_write(&key.key, text);
    return json_pack("{s:s, s:s, s:[s,s], s:o}", "server_name", "peer.example.com",
                     "public_key", text, "protocol_versions", "v1", "v2", "endpoints",
                     json_loads(ENDPOINTS, 0, NULL));
}

/** Takes json. */
static enum wg_code parse(json_t *json, struct wg_arena *arena, struct wg_descriptor *ret,
                          struct wg_err *err)
{
    struct wg_buf text;
    enum wg_code code;

    wg_buf_init(&text, 1024 * 1024);
    assert_int_equal(wg_jcs_write(json, &text, err), WG_OK);
    code = wg_descriptor_parse(wg_buf_str(&text), NAME, arena, ret, err);
    wg_buf_done(&text);
    json_decref(json);
    return code;
}

static void reads_the_documented_descriptor(void **state)
{
    struct wg_descriptor_key key = key_of(1);
    struct wg_descriptor descriptor;
    struct wg_arena arena;
    struct wg_err err;

    (void)state;
    wg_arena_init(&arena);
    if (parse(good(), &arena, &descriptor, &err) != WG_OK)
        fail_msg("%s", err.text);
    assert_true(wg_str_is(descriptor.server_name, "peer.example.com"));
    assert_int_equal(descriptor.key_count, 1);
    assert_true(wg_public_key_equal(&descriptor.keys[0].key, &key.key));
    assert_true(descriptor.keys[0].valid_from_s == INT64_MIN);
    assert_true(descriptor.keys[0].valid_until_s == INT64_MAX);
    assert_true(descriptor.speaks_v1);
    assert_true(wg_str_is(descriptor.versions, "v1, v2"));
    assert_true(wg_str_is(descriptor.send, BASE "/send"));
    assert_true(wg_str_is(descriptor.profile, BASE "/profile/{local_id}"));
    assert_true(wg_str_is(descriptor.members, BASE "/rooms/{room_id}/members"));
    assert_true(wg_str_is(descriptor.backfill, BASE "/rooms/{room_id}/backfill"));
    wg_arena_done(&arena);
}

static void refuses_a_descriptor_that_breaks_a_rule(void **state)
{
    static const struct {
        const char *why, *member, *json, *said;
    } cases[] = {
        {"no name", "server_name", NULL, "'server_name' is missing"},
        {"the name of another", "server_name", "\"other.example\"", "was asked for"},
        {"the name in other case", "server_name", "\"Peer.example.com\"", "'server_name'"},
        {"no key", "public_key", NULL, "'public_key' is missing"},
        {"a key of 31 bytes", "public_key",
         "\"ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\"", "'public_key'"},
        {"a key of another kind", "public_key", "\"rsa:AAAA\"", "'public_key'"},
        {"no versions", "protocol_versions", NULL, "'protocol_versions'"},
        {"versions as text", "protocol_versions", "\"v1\"", "'protocol_versions'"},
        {"a version that is a number", "protocol_versions", "[1]", "'protocol_versions'"},
        {"an empty version", "protocol_versions", "[\"\"]", "'protocol_versions'"},
        {"no endpoints", "endpoints", NULL, "'endpoints'"},
        {"endpoints as a list", "endpoints", "[]", "'endpoints'"},
        {"an endpoint too few", "endpoints", "{\"send\":\"/send\"}", "endpoint 'profile'"},
        {"keys that are no array", "keys", "{}", "'keys'"},
        {"a key entry that is no object", "keys", "[1]", "'keys', entry 1"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_descriptor descriptor;
        struct wg_err err = {WG_OK, ""};
        struct wg_arena arena;
        json_t *json = good();

        wg_arena_init(&arena);
        if (cases[i].json)
            json_object_set_new(json, cases[i].member,
                                json_loads(cases[i].json, JSON_DECODE_ANY, NULL));
        else
            json_object_del(json, cases[i].member);
        if (parse(json, &arena, &descriptor, &err) != WG_INVALID)
            fail_msg("%s: accepted", cases[i].why);
        if (!strstr(err.text, cases[i].said))
            fail_msg("%s: %s", cases[i].why, err.text);
        wg_arena_done(&arena);
    }
}

static void an_endpoint_is_a_plain_path_on_the_same_origin(void **state)
{
    static const struct {
        const char *why, *endpoint, *path;
        bool is_good;
    } cases[] = {
        {"short", "send", "/s", true},
        {"the root", "send", "/", true},
        {"characters of RFC 3986", "send", "/a-._~!$&'()*+,;=:@/%7Eb", true},
        {"a template elsewhere", "members", "/m/{room_id}", true},
        {"nothing", "send", "", false},
        {"relative", "send", "send", false},
        {"another origin", "send", "https://evil.example/send", false},
        {"another host", "send", "//evil.example/send", false},
        {"another host, for WHATWG parsers", "send", "/\\evil.example/send", false},
        {"a dot segment", "send", "/a/../admin", false},
        {"a dot segment at the end", "send", "/a/..", false},
        {"a single dot", "send", "/./a", false},
        {"a dot segment, encoded", "send", "/a/%2e%2E/b", false},
        {"a dot segment, half encoded", "send", "/a/.%2e/b", false},
        {"a query", "send", "/send?x=1", false},
        {"a fragment", "send", "/send#x", false},
        {"a space", "send", "/se nd", false},
        {"a line end", "send", "/send\r\nHost: x", false},
        {"UTF-8", "send", "/s\xc3\xa9nd", false},
        {"a broken escape", "send", "/send%2", false},
        {"a template that send has not", "send", "/send/{room_id}", false},
        {"no template", "members", "/members", false},
        {"the template twice", "members", "/{room_id}/{room_id}", false},
        {"the wrong template", "members", "/{local_id}", false},
        {"one more template", "members", "/{room_id}/{x}", false},
        {"a template inside a segment", "members", "/a.{room_id}", false},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_descriptor descriptor;
        struct wg_err err = {WG_OK, ""};
        struct wg_arena arena;
        json_t *json = good();

        wg_arena_init(&arena);
        json_object_set_new(json_object_get(json, "endpoints"), cases[i].endpoint,
                            json_string(cases[i].path));
        if ((parse(json, &arena, &descriptor, &err) == WG_OK) != cases[i].is_good)
            fail_msg("%s: '%s': %s", cases[i].why, cases[i].path, err.text);
        wg_arena_done(&arena);
    }
}

static void keys_around_a_rotation_follow_the_current_one(void **state)
{
    struct wg_descriptor descriptor;
    struct wg_arena arena;
    struct wg_err err;
    json_t *json = good(), *current = entry_of(1, NULL), *former = entry_of(2, NULL);

    (void)state;
    json_object_set_new(current, "valid_from", json_integer(1700000000));
    json_object_set_new(former, "valid_until", json_integer(1700000000));
    json_object_set_new(json, "keys", json_pack("[o,o]", former, current));
    wg_arena_init(&arena);
    if (parse(json, &arena, &descriptor, &err) != WG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(descriptor.key_count, 2);
    assert_true(descriptor.keys[0].valid_from_s == 1700000000);
    assert_true(descriptor.keys[0].valid_until_s == INT64_MAX);
    assert_true(descriptor.keys[1].valid_from_s == INT64_MIN);
    assert_true(descriptor.keys[1].valid_until_s == 1700000000);
    wg_arena_done(&arena);
}

static json_t *keys_with_times(json_t *from, json_t *until)
{
    json_t *entry = entry_of(2, NULL);

    json_object_set_new(entry, "valid_from", from);
    json_object_set_new(entry, "valid_until", until);
    return json_pack("[o]", entry);
}

static void refuses_keys_that_contradict_themselves(void **state)
{
    const struct {
        const char *why;
        json_t *keys;
    } cases[] = {
        {"a kid that is not the key's", json_pack("[o]", entry_of(2, "AAAAAAAA"))},
        {"the same key twice", json_pack("[o,o]", entry_of(2, NULL), entry_of(2, NULL))},
        {"the current key twice", json_pack("[o,o]", entry_of(1, NULL), entry_of(1, NULL))},
        {"no kid", json_pack("[{s:s}]", "public_key", "ed25519:x")},
        {"an end before the beginning", keys_with_times(json_integer(2), json_integer(1))},
        {"half a second", keys_with_times(json_real(1.5), json_integer(2))},
        {"a date as text", keys_with_times(json_string("2026"), json_integer(2))},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_descriptor descriptor;
        struct wg_arena arena;
        struct wg_err err;
        json_t *json = good();

        wg_arena_init(&arena);
        json_object_set_new(json, "keys", cases[i].keys);
        if (parse(json, &arena, &descriptor, &err) != WG_INVALID)
            fail_msg("%s: accepted", cases[i].why);
        wg_arena_done(&arena);
    }
}

static void keeps_its_limits(void **state)
{
    static char large[WG_DESCRIPTOR_LIMIT_BYTES + 1];
    struct wg_descriptor descriptor;
    struct wg_arena arena;
    struct wg_err err;
    json_t *json = good(), *keys = json_array();

    (void)state;
    wg_arena_init(&arena);
    for (char i = 0; i < WG_DESCRIPTOR_KEYS_LIMIT; i++)
        json_array_append_new(keys, entry_of((char)(i + 2), NULL));
    json_object_set_new(json, "keys", keys);
    assert_int_equal(parse(json, &arena, &descriptor, &err), WG_INVALID);
    assert_non_null(strstr(err.text, "more than 16 keys"));
    memset(large, ' ', sizeof large);
    assert_int_equal(
        wg_descriptor_parse(wg_str_of(large, sizeof large), NAME, &arena, &descriptor, &err),
        WG_INVALID);
    assert_non_null(strstr(err.text, "65536"));
    wg_arena_done(&arena);
}

static void a_peer_without_v1_is_no_error_here(void **state)
{
    struct wg_descriptor descriptor;
    struct wg_arena arena;
    struct wg_err err;
    json_t *json = good();

    (void)state;
    wg_arena_init(&arena);
    json_object_set_new(json, "protocol_versions", json_pack("[s,s]", "v2", "v11"));
    assert_int_equal(parse(json, &arena, &descriptor, &err), WG_OK);
    assert_false(descriptor.speaks_v1);
    assert_true(wg_str_is(descriptor.versions, "v2, v11"));
    wg_arena_done(&arena);
}

static void reads_what_it_writes(void **state)
{
    struct wg_descriptor_key keys[] = {key_of(1), key_of(2)};
    struct wg_descriptor descriptor;
    struct wg_arena arena;
    struct wg_buf text;
    struct wg_err err;

    (void)state;
    keys[0].valid_from_s = 10;
    keys[1].valid_until_s = 20;
    wg_buf_init(&text, WG_DESCRIPTOR_LIMIT_BYTES);
    wg_arena_init(&arena);
    for (size_t count = 1; count <= 2; count++) {
        wg_buf_clear(&text);
        assert_int_equal(wg_descriptor_write(NAME, keys, count, &text, &err), WG_OK);
        if (wg_descriptor_parse(wg_buf_str(&text), NAME, &arena, &descriptor, &err) != WG_OK)
            fail_msg("%s: %s", err.text, text.at);
        assert_int_equal(descriptor.key_count, count);
        assert_int_equal(strstr(text.at, "\"keys\"") != NULL, count > 1);
    }
    assert_true(descriptor.keys[0].valid_from_s == 10);
    assert_true(descriptor.keys[1].valid_until_s == 20);
    assert_int_equal(wg_descriptor_write(NAME, keys, 0, &text, &err), WG_INVALID);
    wg_arena_done(&arena);
    wg_buf_done(&text);
}

static void a_descriptor_is_kept_as_long_as_its_server_says(void **state)
{
    static const struct {
        const char *cache_control;
        int64_t age_s;
    } cases[] = {
        {NULL, 3600},
        {"", 3600},
        {"public", 3600},
        {"max-age=600", 600},
        {"public, Max-Age=600", 600},
        {"max-age=\"600\"", 600},
        {"max-age=0", 60},
        {"max-age=59", 60},
        {"max-age=86401", 86400},
        {"max-age=99999999999999999999999", 86400},
        {"max-age=600, max-age=700", 600},
        {"max-age=-1", 60},
        {"max-age=x", 60},
        {"max-age", 60},
        {"s-maxage=900", 3600},
        {"no-store", 60},
        {"no-cache, max-age=600", 60},
        {"no-cache=\"set-cookie, x\"", 60},
        {"ext=\"max-age=70\\\", max-age=80\", max-age=900", 900},
        {",,max-age=600,,", 600},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        int64_t age_s = wg_descriptor_age_s(wg_str(cases[i].cache_control));

        if (age_s != cases[i].age_s)
            fail_msg("%s: %lld", cases[i].cache_control, (long long)age_s);
    }
}

static void fills_a_template_with_an_encoded_value(void **state)
{
    static const struct {
        const char *text, *value, *out;
    } cases[] = {
        {"/rooms/{room_id}/members", "room-5f1d2c", "/rooms/room-5f1d2c/members"},
        {"/profile/{local_id}", "alice+b=c~d", "/profile/alice%2Bb%3Dc~d"},
        {"/r/{room_id}", "!a:b.c", "/r/%21a%3Ab.c"},
        {"/r/{room_id}", "\xc3\xa9/{x}", "/r/%C3%A9%2F%7Bx%7D"},
        {"/send", "x", "/send"},
    };
    struct wg_arena arena;

    (void)state;
    wg_arena_init(&arena);
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_str out =
            wg_endpoint_expand(wg_str(cases[i].text), wg_str(cases[i].value), &arena);

        if (!wg_str_is(out, cases[i].out))
            fail_msg("%.*s, expected %s", WG_STR_F(out), cases[i].out);
    }
    wg_arena_done(&arena);
}

static int start_crypto(void **state)
{
    struct wg_err err;

    (void)state;
    return wg_crypto_start(&err) == WG_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_documented_descriptor),
        cmocka_unit_test(refuses_a_descriptor_that_breaks_a_rule),
        cmocka_unit_test(an_endpoint_is_a_plain_path_on_the_same_origin),
        cmocka_unit_test(keys_around_a_rotation_follow_the_current_one),
        cmocka_unit_test(refuses_keys_that_contradict_themselves),
        cmocka_unit_test(keeps_its_limits),
        cmocka_unit_test(a_peer_without_v1_is_no_error_here),
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(a_descriptor_is_kept_as_long_as_its_server_says),
        cmocka_unit_test(fills_a_template_with_an_encoded_value),
    };

    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
