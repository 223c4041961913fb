// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "federation/nonces.h"
#include "support/fake_clock.h"
#include "wire/key.h"

static struct fake_clock fake;

static enum wg_code add(struct wg_nonces *nonces, const char *server, const char *nonce)
{
    struct wg_err err;

    return wg_nonces_add(nonces, wg_str(server), wg_str(nonce), &err);
}

static void a_nonce_is_taken_once(void **state)
{
    struct wg_nonces *nonces = wg_nonces_new(&fake.clock, 1000);

    (void)state;
    assert_false(wg_nonces_has(nonces, wg_str("a.example"), wg_str("n1")));
    assert_int_equal(add(nonces, "a.example", "n1"), WG_OK);
    assert_true(wg_nonces_has(nonces, wg_str("a.example"), wg_str("n1")));
    assert_int_equal(add(nonces, "a.example", "n1"), WG_BAD_SIGNATURE);
    wg_nonces_free(nonces);
}

static void servers_do_not_share_nonces(void **state)
{
    struct wg_nonces *nonces = wg_nonces_new(&fake.clock, 1000);

    (void)state;
    assert_int_equal(add(nonces, "a.example", "n1"), WG_OK);
    assert_int_equal(add(nonces, "b.example", "n1"), WG_OK);
    /* The border between name and nonce is part of what is remembered. */
    assert_int_equal(add(nonces, "a.example", "x"), WG_OK);
    assert_int_equal(add(nonces, "a.examplex", ""), WG_OK);
    wg_nonces_free(nonces);
}

static void a_nonce_lasts_as_long_as_a_signature_can(void **state)
{
    struct wg_nonces *nonces = wg_nonces_new(&fake.clock, 1000);

    (void)state;
    /* created may lie 60 s ahead and be used until 60 s after: 120 s from now. Whatever moment
     * of the period it was added at. */
    for (int start_s = 0; start_s < 130; start_s += 13) {
        char nonce[16];

        snprintf(nonce, sizeof nonce, "n%d", start_s);
        fake_clock_turn(&fake, 13 * 1000);
        assert_int_equal(add(nonces, "a.example", nonce), WG_OK);
        fake_clock_turn(&fake, 120 * 1000);
        assert_int_equal(add(nonces, "a.example", nonce), WG_BAD_SIGNATURE);
    }
    fake_clock_turn(&fake, 600 * 1000);
    assert_int_equal(add(nonces, "a.example", "n0"), WG_OK);
    wg_nonces_free(nonces);
}

static void no_room_is_a_refusal(void **state)
{
    struct wg_nonces *nonces = wg_nonces_new(&fake.clock, 64);
    int refused = 0;

    (void)state;
    for (int i = 0; i < 500; i++) {
        char nonce[16];
        enum wg_code code;

        snprintf(nonce, sizeof nonce, "n%d", i);
        code = add(nonces, "a.example", nonce);
        assert_true(code == WG_OK || code == WG_RATE_LIMITED);
        refused += code == WG_RATE_LIMITED;
    }
    assert_true(refused >= 500 - 64);
    fake_clock_turn(&fake, 600 * 1000);
    assert_int_equal(add(nonces, "a.example", "later"), WG_OK);
    wg_nonces_free(nonces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nonce_is_taken_once),
        cmocka_unit_test(servers_do_not_share_nonces),
        cmocka_unit_test(a_nonce_lasts_as_long_as_a_signature_can),
        cmocka_unit_test(no_room_is_a_refusal),
    };
    struct wg_err err;

    fake_clock_init(&fake);
    if (wg_crypto_start(&err) != WG_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
