// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "federation/notes.h"

static const struct wg_str peer = {"peer.example", 12};

static int start(void **state)
{
    struct wg_err err;

    *state = wg_notes_new();
    return wg_crypto_start(&err) == WG_OK ? 0 : -1;
}

static int end(void **state)
{
    wg_notes_free(*state);
    return 0;
}

static enum wg_code set(struct wg_notes *notes, json_t *document, struct wg_err *err)
{
    enum wg_code code = wg_notes_set(notes, peer, document, err);

    json_decref(document);
    return code;
}

static void labels_come_in_order_and_go_with_an_empty_document(void **state)
{
    struct wg_headers labels;
    struct wg_arena arena;
    struct wg_err err;

    wg_arena_init(&arena);
    assert_int_equal(
        set(*state, json_pack("{s:{s:s, s:s}}", "labels", "b", "2", "a", "1"), &err), WG_OK);
    wg_notes_labels(*state, peer, &arena, &labels);
    assert_int_equal(labels.count, 2);
    assert_true(wg_str_is(labels.at[0].name, "a") && wg_str_is(labels.at[0].value, "1"));
    assert_int_equal(set(*state, json_object(), &err), WG_OK);
    wg_notes_labels(*state, peer, &arena, &labels);
    assert_int_equal(labels.count, 0);
    assert_null(wg_notes_document(*state, peer));
    wg_arena_done(&arena);
}

static void only_the_pinned_key_is_not_refused(void **state)
{
    struct wg_secret_key one, other;
    struct wg_public_key pinned;
    char text[WG_PUBLIC_KEY_TEXT];
    struct wg_err err;

    wg_secret_key_generate(&one);
    wg_secret_key_generate(&other);
    assert_false(wg_notes_refuse(*state, peer, &one.public_key, &pinned));
    wg_public_key_write(&one.public_key, text);
    assert_int_equal(
        set(*state, json_pack("{s:{s:s, s:i}}", "pin", "public_key", text, "since", 7), &err),
        WG_OK);
    assert_false(wg_notes_refuse(*state, peer, &one.public_key, &pinned));
    assert_true(wg_notes_refuse(*state, peer, &other.public_key, &pinned));
    assert_string_equal(pinned.kid, one.public_key.kid);
    assert_false(wg_notes_refuse(*state, WG_STR("another"), &other.public_key, &pinned));
    wg_secret_key_done(&one);
    wg_secret_key_done(&other);
}

static void what_is_wrong_changes_nothing(void **state)
{
    json_t *wrong[] = {
        json_pack("{s:[]}", "labels"),
        json_pack("{s:{s:s}}", "labels", "Name", "x"),
        json_pack("{s:{s:i}}", "labels", "name", 1),
        json_pack("{s:{s:s}}", "labels", "name", "\n"),
        json_pack("{s:i}", "note", 1),
        json_pack("{s:{s:s}}", "pin", "public_key", "ed25519:AAAA"),
        json_pack("{s:{}}", "pin"),
    };
    struct wg_headers labels;
    struct wg_arena arena;
    struct wg_err err;

    wg_arena_init(&arena);
    assert_int_equal(set(*state, json_pack("{s:{s:s}}", "labels", "a", "1"), &err), WG_OK);
    for (size_t i = 0; i < WG_COUNT(wrong); i++)
        assert_int_equal(set(*state, wrong[i], &err), WG_INVALID);
    wg_notes_labels(*state, peer, &arena, &labels);
    assert_int_equal(labels.count, 1);
    wg_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(labels_come_in_order_and_go_with_an_empty_document,
                                        start, end),
        cmocka_unit_test_setup_teardown(only_the_pinned_key_is_not_refused, start, end),
        cmocka_unit_test_setup_teardown(what_is_wrong_changes_nothing, start, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
