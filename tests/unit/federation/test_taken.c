// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "federation/taken.h"

static struct wg_loop *loop;

static const uint8_t *key(unsigned n)
{
    static uint8_t bytes[16];

    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, &n, sizeof n);
    return bytes;
}

static void count(void *owner)
{
    ++*(int *)owner;
}

static enum wg_taken_state claim(struct wg_taken *taken, unsigned n, int *woken)
{
    return wg_taken_claim(taken, 0, key(n), loop, count, woken);
}

static void a_taken_event_is_a_duplicate(void **state)
{
    struct wg_taken *taken = wg_taken_new(100);
    int woken = 0;

    (void)state;
    assert_int_equal(claim(taken, 1, &woken), WG_TAKEN_NEW);
    wg_taken_settle(taken, 0, key(1), true);
    assert_int_equal(claim(taken, 1, &woken), WG_TAKEN_DUPLICATE);
    assert_int_equal(claim(taken, 2, &woken), WG_TAKEN_NEW);
    wg_taken_settle(taken, 0, key(2), false);
    assert_int_equal(woken, 0);
    wg_taken_free(taken);
}

static void instances_do_not_share_ids(void **state)
{
    struct wg_taken *taken = wg_taken_new(100);
    int woken = 0;

    (void)state;
    assert_int_equal(claim(taken, 1, &woken), WG_TAKEN_NEW);
    wg_taken_settle(taken, 0, key(1), true);
    assert_int_equal(wg_taken_claim(taken, 1, key(1), loop, count, &woken), WG_TAKEN_NEW);
    wg_taken_settle(taken, 1, key(1), true);
    wg_taken_free(taken);
}

static void who_comes_second_waits_for_the_first(void **state)
{
    struct wg_taken *taken = wg_taken_new(100);
    int woken = 0;

    (void)state;
    assert_int_equal(claim(taken, 1, &woken), WG_TAKEN_NEW);
    assert_int_equal(claim(taken, 1, &woken), WG_TAKEN_WAIT);
    assert_int_equal(claim(taken, 1, &woken), WG_TAKEN_WAIT);
    wg_loop_turn(loop);
    assert_int_equal(woken, 0);
    wg_taken_settle(taken, 0, key(1), false);
    wg_loop_turn(loop);
    assert_int_equal(woken, 2);
    /* The first did not make it: one of those who waited may try. */
    assert_int_equal(claim(taken, 1, &woken), WG_TAKEN_NEW);
    assert_int_equal(claim(taken, 1, &woken), WG_TAKEN_WAIT);
    wg_taken_settle(taken, 0, key(1), true);
    wg_loop_turn(loop);
    assert_int_equal(woken, 3);
    assert_int_equal(claim(taken, 1, &woken), WG_TAKEN_DUPLICATE);
    wg_taken_free(taken);
}

static void the_oldest_ids_make_room(void **state)
{
    struct wg_taken *taken = wg_taken_new(64);
    int woken = 0;
    int known = 0;

    (void)state;
    for (unsigned i = 1; i <= 2000; i++) {
        assert_int_equal(claim(taken, i, &woken), WG_TAKEN_NEW);
        wg_taken_settle(taken, 0, key(i), true);
    }
    assert_int_equal(claim(taken, 2000, &woken), WG_TAKEN_DUPLICATE);
    for (unsigned i = 1; i <= 2000; i++) {
        if (claim(taken, i, &woken) == WG_TAKEN_DUPLICATE)
            known++;
        else
            wg_taken_settle(taken, 0, key(i), false);
    }
    assert_in_range(known, 40, 80);
    wg_taken_free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_taken_event_is_a_duplicate),
        cmocka_unit_test(instances_do_not_share_ids),
        cmocka_unit_test(who_comes_second_waits_for_the_first),
        cmocka_unit_test(the_oldest_ids_make_room),
    };
    struct wg_err err;
    int failed;

    if (wg_loop_new(wg_clock_system(), &loop, &err) != WG_OK)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    wg_loop_stop(loop);
    wg_loop_run(loop);
    wg_loop_free(loop);
    return failed;
}
