// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "federation/toll.h"

static const struct wg_str server = {"a.example", 9};
static const struct wg_str peer = {"peer.example", 12};

static void forgives_a_few_and_holds_back_who_goes_on(void **state)
{
    struct wg_toll toll = {0};
    int64_t now_ms = 1000;

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(wg_toll_wait_s(&toll, server, peer, now_ms), 0);
        wg_toll_add(&toll, server, peer, 50 * 1000, now_ms);
    }
    assert_int_equal(wg_toll_wait_s(&toll, server, peer, now_ms), 0);
    wg_toll_add(&toll, server, peer, 50 * 1000, now_ms);
    assert_int_equal(wg_toll_wait_s(&toll, server, peer, now_ms), 5);
    assert_int_equal(wg_toll_wait_s(&toll, server, peer, now_ms + 4000), 1);
    assert_int_equal(wg_toll_wait_s(&toll, server, peer, now_ms + 5000), 0);
}

static void holds_back_nobody_else(void **state)
{
    struct wg_toll toll = {0};

    (void)state;
    wg_toll_add(&toll, server, peer, 10 * 1000 * 1000, 0);
    assert_true(wg_toll_wait_s(&toll, server, peer, 0) > 0);
    assert_int_equal(wg_toll_wait_s(&toll, server, WG_STR("other.example"), 0), 0);
    assert_int_equal(wg_toll_wait_s(&toll, WG_STR("b.example"), peer, 0), 0);
}

static void takes_a_hundredth_of_the_time_in_the_long_run(void **state)
{
    struct wg_toll toll = {0};
    int64_t spent_us = 0;

    (void)state;
    for (int64_t now_ms = 0; now_ms < 600 * 1000; now_ms += 10) {
        if (wg_toll_wait_s(&toll, server, peer, now_ms) > 0)
            continue;
        wg_toll_add(&toll, server, peer, 10 * 1000, now_ms);
        spent_us += 10 * 1000;
    }
    assert_in_range(spent_us, 6 * 1000 * 1000, 7 * 1000 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forgives_a_few_and_holds_back_who_goes_on),
        cmocka_unit_test(holds_back_nobody_else),
        cmocka_unit_test(takes_a_hundredth_of_the_time_in_the_long_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
