// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "config/setting_impl.h"

static void amounts_are_digits_and_a_unit(void **state)
{
    static const struct {
        const char *text;
        bool (*parse)(struct wg_str text, int64_t *ret_value);
        int64_t value; /* -1: refused */
    } cases[] = {
        {"250ms", wg_duration_parse, 250},
        {"30s", wg_duration_parse, 30000},
        {"5m", wg_duration_parse, 300000},
        {"1h", wg_duration_parse, 3600000},
        {"7d", wg_duration_parse, 604800000},
        {"30 s", wg_duration_parse, 30000},
        {"0s", wg_duration_parse, 0},
        {"30", wg_duration_parse, -1},
        {"s", wg_duration_parse, -1},
        {"", wg_duration_parse, -1},
        {"1.5h", wg_duration_parse, -1},
        {"-1s", wg_duration_parse, -1},
        {"1S", wg_duration_parse, -1},
        {"99999999999999999999s", wg_duration_parse, -1},
        {"9223372036854775807d", wg_duration_parse, -1},
        {"1B", wg_size_parse, 1},
        {"64 KB", wg_size_parse, 64000},
        {"256KiB", wg_size_parse, 262144},
        {"1MiB", wg_size_parse, 1048576},
        {"2GB", wg_size_parse, 2000000000},
        {"1K", wg_size_parse, -1},
        {"KiB", wg_size_parse, -1},
        {"2026-01-31", wg_time_parse, 1769817600},
        {"2026-01-31T12:00:00Z", wg_time_parse, 1769860800},
        {"1970-01-01", wg_time_parse, 0},
        {"1969-12-31", wg_time_parse, -1},
        {"2026-02-31", wg_time_parse, -1},
        {"2026-01-31 12:00", wg_time_parse, -1},
        {"yesterday!", wg_time_parse, -1},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        int64_t value = -1;
        bool is_good = cases[i].parse(wg_str(cases[i].text), &value);

        if (is_good != (cases[i].value >= 0) || value != cases[i].value)
            fail_msg("'%s' became %lld, not %lld", cases[i].text, (long long)value,
                     (long long)cases[i].value);
    }
}

static void amounts_are_written_in_the_largest_unit_that_fits(void **state)
{
    struct wg_buf out;

    (void)state;
    wg_buf_init(&out, 256);
    wg_duration_write(0, &out);
    wg_buf_addc(&out, ' ');
    wg_duration_write(1500, &out);
    wg_buf_addc(&out, ' ');
    wg_duration_write(90000, &out);
    wg_buf_addc(&out, ' ');
    wg_duration_write(172800000, &out);
    wg_buf_addc(&out, ' ');
    wg_size_write(262144, &out);
    wg_buf_addc(&out, ' ');
    wg_size_write(64000, &out);
    assert_string_equal(out.at, "0 1500ms 90s 2d 256KiB 64000B");
    wg_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_digits_and_a_unit),
        cmocka_unit_test(amounts_are_written_in_the_largest_unit_that_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
