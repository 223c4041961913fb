// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "federation/document.h"
#include "wire/json.h"

static const char *const allowed[] = {"peer.example.com", "*.example.org", NULL};
static const struct wg_config_federation base = {
    .default_mode = WG_MODE_INVITE_ONLY,
    .allowed_peers = allowed,
    .max_backfill_events_per_request = 100,
};

static enum wg_code merge(const char *text, struct wg_arena *arena,
                          struct wg_config_federation *ret_document, struct wg_err *err)
{
    json_t *change;
    enum wg_code code;

    assert_int_equal(wg_json_parse(wg_str(text), &change, err), WG_OK);
    code = wg_policy_document_merge(&base, change, false, arena, ret_document, err);
    json_decref(change);
    return code;
}

static void a_part_changes_only_what_it_names(void **state)
{
    struct wg_config_federation document;
    struct wg_arena arena;
    struct wg_err err;

    (void)state;
    wg_arena_init(&arena);
    assert_int_equal(
        merge("{\"default_mode\":\"closed\",\"denied_peers\":[\"bad.example.com\"],"
              "\"hide_history_before\":1700000000}",
              &arena, &document, &err),
        WG_OK);
    assert_int_equal(document.default_mode, WG_MODE_CLOSED);
    assert_string_equal(document.denied_peers[0], "bad.example.com");
    assert_null(document.denied_peers[1]);
    assert_string_equal(document.allowed_peers[1], "*.example.org");
    assert_int_equal(document.max_backfill_events_per_request, 100);
    assert_int_equal(document.hide_history_before_s, 1700000000);
    wg_arena_done(&arena);
}

static void written_and_merged_again_it_is_the_same(void **state)
{
    struct wg_config_federation document;
    json_t *json = wg_policy_document_write(&base);
    json_t *again;
    struct wg_arena arena;
    struct wg_err err;

    (void)state;
    wg_arena_init(&arena);
    assert_int_equal(wg_policy_document_merge(&base, json, false, &arena, &document, &err),
                     WG_OK);
    again = wg_policy_document_write(&document);
    assert_true(json_equal(json, again));
    json_decref(json);
    json_decref(again);
    wg_arena_done(&arena);
}

static void a_wrong_member_changes_nothing_and_is_named(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"[]", "JSON object"},
        {"{\"default_mode\":\"public\"}", "default_mode: must be \"open\""},
        {"{\"default_mode\":null}", "default_mode"},
        {"{\"allowed_peers\":\"peer.example.com\"}", "allowed_peers: must be a list"},
        {"{\"allowed_peers\":[\"ok.example\",\"UPPER.example\"]}", "allowed_peers: item 2"},
        {"{\"allowed_peers\":[7]}", "item 1: is not a string"},
        {"{\"allowed_peers\":[\"127.0.0.1\"]}", "allowed_peers: item 1"},
        {"{\"denied_peers\":[\"*\"]}", "denied_peers: item 1"},
        {"{\"max_backfill_events_per_request\":1001}", "from 0 to 1000"},
        {"{\"max_backfill_events_per_request\":-1}", "from 0 to 1000"},
        {"{\"max_backfill_events_per_request\":1.5}", "whole number"},
        {"{\"max_foreign_participants_per_room\":\"7\"}", "whole number"},
        {"{\"alowed_peers\":[]}", "did you mean 'allowed_peers'?"},
        {"{\"default_mode\":\"closed\",\"nonsense_here\":1}", "unknown member 'nonsense_here'"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_config_federation document = {.max_backfill_events_per_request = 77};
        struct wg_arena arena;
        struct wg_err err;

        wg_arena_init(&arena);
        if (merge(cases[i].text, &arena, &document, &err) != WG_INVALID)
            fail_msg("taken: %s", cases[i].text);
        if (!strstr(err.text, cases[i].said))
            fail_msg("%s: says '%s', not '%s'", cases[i].text, err.text, cases[i].said);
        assert_int_equal(document.max_backfill_events_per_request, 77);
        wg_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_changes_only_what_it_names),
        cmocka_unit_test(written_and_merged_again_it_is_the_same),
        cmocka_unit_test(a_wrong_member_changes_nothing_and_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
