// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "federation/keyring.h"
#include "wire/json.h"

static const struct wg_str server = {"a.example", 9};
static const struct wg_str peer = {"peer.example", 12};

static struct wg_public_key make_key(void)
{
    struct wg_secret_key secret;
    struct wg_public_key key;

    wg_secret_key_generate(&secret);
    key = secret.public_key;
    wg_secret_key_done(&secret);
    return key;
}

static int start(void **state)
{
    struct wg_err err;

    *state = wg_keyring_new();
    return wg_crypto_start(&err) == WG_OK ? 0 : -1;
}

static int end(void **state)
{
    wg_keyring_free(*state);
    return 0;
}

static void knows_a_key_for_the_instance_that_took_it_only(void **state)
{
    struct wg_keyring *keyring = *state;
    struct wg_public_key key = make_key();
    struct wg_public_key newest;

    assert_false(wg_keyring_newest(keyring, server, peer, &newest));
    assert_true(wg_keyring_add(keyring, server, peer, &key));
    assert_false(wg_keyring_add(keyring, server, peer, &key));
    assert_true(wg_keyring_has(keyring, server, peer, &key));
    assert_false(wg_keyring_has(keyring, WG_STR("b.example"), peer, &key));
    assert_false(wg_keyring_has(keyring, server, WG_STR("other.example"), &key));
    assert_true(wg_keyring_newest(keyring, server, peer, &newest));
    assert_string_equal(newest.kid, key.kid);
}

static void forgets_the_oldest_of_too_many(void **state)
{
    struct wg_keyring *keyring = *state;
    struct wg_public_key keys[WG_KEYRING_KEYS + 1];

    for (size_t i = 0; i < WG_COUNT(keys); i++) {
        keys[i] = make_key();
        assert_true(wg_keyring_add(keyring, server, peer, &keys[i]));
    }
    assert_false(wg_keyring_has(keyring, server, peer, &keys[0]));
    for (size_t i = 1; i < WG_COUNT(keys); i++)
        assert_true(wg_keyring_has(keyring, server, peer, &keys[i]));
}

static void comes_back_from_the_store_in_the_same_order(void **state)
{
    struct wg_keyring *again = wg_keyring_new();
    struct wg_public_key first = make_key();
    struct wg_public_key second = make_key();
    struct wg_public_key newest;
    struct wg_buf key, value;
    struct wg_err err;
    json_t *json;

    wg_keyring_add(*state, server, peer, &first);
    wg_keyring_add(*state, server, peer, &second);
    wg_buf_init(&key, 256);
    wg_buf_init(&value, 4096);
    wg_keyring_key(server, peer, &key);
    wg_keyring_write(*state, server, peer, &value);
    assert_int_equal(wg_json_parse(wg_buf_str(&value), &json, &err), WG_OK);
    assert_int_equal(wg_keyring_restore(again, wg_buf_str(&key), json, &err), WG_OK);
    assert_true(wg_keyring_newest(again, server, peer, &newest));
    assert_string_equal(newest.kid, second.kid);
    assert_true(wg_keyring_has(again, server, peer, &first));
    json_decref(json);
    wg_buf_done(&key);
    wg_buf_done(&value);
    wg_keyring_free(again);
}

static void refuses_what_is_no_list_of_keys(void **state)
{
    static const struct {
        const char *key, *value, *why;
    } cases[] = {
        {"a.example", "[]", "no peer in the key"},
        {"a.example/peer.example", "{}", "an object"},
        {"a.example/peer.example", "[\"ed25519:AAAA\"]", "too short a key"},
        {"a.example/peer.example", "[7]", "a number"},
    };

    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_err err;
        json_t *json;

        assert_int_equal(wg_json_parse(wg_str(cases[i].value), &json, &err), WG_OK);
        if (wg_keyring_restore(*state, wg_str(cases[i].key), json, &err) == WG_OK)
            fail_msg("accepted: %s", cases[i].why);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(knows_a_key_for_the_instance_that_took_it_only, start,
                                        end),
        cmocka_unit_test_setup_teardown(forgets_the_oldest_of_too_many, start, end),
        cmocka_unit_test_setup_teardown(comes_back_from_the_store_in_the_same_order, start,
                                        end),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_list_of_keys, start, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
