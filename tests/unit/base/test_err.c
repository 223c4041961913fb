// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/utf8.h"

static void layers_complete_the_sentence_on_the_way_up(void **state)
{
    struct wg_err err;

    (void)state;
    assert_int_equal(wg_fail(&err, WG_TLS_FAILED, "certificate expired on %d", 2026),
                     WG_TLS_FAILED);
    assert_int_equal(wg_while(&err, "TLS handshake"), WG_TLS_FAILED);
    assert_int_equal(wg_while(&err, "reaching %s", "peer.example"), WG_TLS_FAILED);
    assert_int_equal(err.code, WG_TLS_FAILED);
    assert_string_equal(err.text,
                        "reaching peer.example: TLS handshake: certificate expired on 2026");
}

static void a_text_that_was_cut_says_so_and_stays_utf8(void **state)
{
    char text[400];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        struct wg_err err;
        size_t at = 0;

        while (at < shift)
            text[at++] = 'x';
        for (; at + 4 < sizeof text; at += 4)
            memcpy(text + at, "\xf0\x9f\x99\x82", 4);
        text[at] = '\0';
        wg_fail(&err, WG_INVALID, "%s", text);
        assert_true(strlen(err.text) < sizeof err.text);
        assert_string_equal(err.text + strlen(err.text) - 3, "...");
        assert_true(wg_utf8_is_valid(wg_str(err.text)));
        wg_while(&err, "%s", text);
        assert_string_equal(err.text + strlen(err.text) - 3, "...");
        assert_true(wg_utf8_is_valid(wg_str(err.text)));
    }
}

static void a_text_of_just_the_size_is_whole(void **state)
{
    struct wg_err err;
    char text[sizeof err.text];

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    wg_fail(&err, WG_INVALID, "%s", text);
    assert_string_equal(err.text, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_complete_the_sentence_on_the_way_up),
        cmocka_unit_test(a_text_that_was_cut_says_so_and_stays_utf8),
        cmocka_unit_test(a_text_of_just_the_size_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
