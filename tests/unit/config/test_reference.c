// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "config/config.h"
#include "config/setting_impl.h"

/* ctest starts unit tests in the root of the tree. */
static void the_reference_in_docs_is_the_one_made_from_the_settings(void **state)
{
    const char *path = "docs/configuration.md";
    struct wg_buf made, kept;
    FILE *file;

    (void)state;
    wg_buf_init(&made, 1 << 20);
    wg_buf_init(&kept, 1 << 20);
    wg_config_reference(&made);
    if (getenv("WAVEGATE_WRITE_REFERENCE")) {
        assert_non_null(file = fopen(path, "w"));
        fwrite(made.at, 1, made.len, file);
        fclose(file);
    }
    assert_non_null(file = fopen(path, "r"));
    for (int c; (c = getc(file)) != EOF;)
        wg_buf_addc(&kept, (char)c);
    fclose(file);
    if (!wg_str_equal(wg_buf_str(&made), wg_buf_str(&kept)))
        fail_msg("%s is not what settings.def says; make it anew by running this test with "
                 "WAVEGATE_WRITE_REFERENCE=1",
                 path);
    wg_buf_done(&made);
    wg_buf_done(&kept);
}

static void every_setting_says_what_it_is_for(void **state)
{
    const struct wg_setting *const groups[] = {wg_settings_top, wg_settings_instance};

    (void)state;
    for (size_t i = 0; i < WG_COUNT(groups); i++) {
        for (const struct wg_setting *setting = groups[i]; setting->path; setting++) {
            size_t len = strlen(setting->help);

            if (len < 10 || setting->help[len - 1] != '.' || strchr(setting->help, '|'))
                fail_msg("%s: '%s' is no sentence for a table", setting->path, setting->help);
            assert_true(setting->least <= setting->most);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_in_docs_is_the_one_made_from_the_settings),
        cmocka_unit_test(every_setting_says_what_it_is_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
