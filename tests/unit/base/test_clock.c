// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "base/clock.h"

static int64_t fixed(void *owner)
{
    return *(int64_t *)owner;
}

static void the_system_clock_tells_the_time_and_never_steps_back(void **state)
{
    const struct wg_clock *clock = wg_clock_system();
    int64_t before = wg_clock_mono_ms(clock);
    int64_t seconds = time(NULL);

    (void)state;
    assert_in_range(wg_clock_wall_s(clock), seconds - 1, seconds + 10);
    assert_in_range(wg_clock_wall_ms(clock) / 1000, seconds - 1, seconds + 10);
    for (int i = 0; i < 1000; i++) {
        int64_t now = wg_clock_mono_ms(clock);

        assert_true(now >= before);
        before = now;
    }
}

static void a_test_turns_its_own_clock(void **state)
{
    int64_t now = 1999;
    struct wg_clock clock = {fixed, fixed, &now};

    (void)state;
    assert_int_equal(wg_clock_wall_s(&clock), 1);
    now = 2000;
    assert_int_equal(wg_clock_wall_s(&clock), 2);
    assert_int_equal(wg_clock_mono_ms(&clock), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_clock_tells_the_time_and_never_steps_back),
        cmocka_unit_test(a_test_turns_its_own_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
