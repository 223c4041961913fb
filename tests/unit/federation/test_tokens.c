// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "federation/tokens.h"
#include "support/fake_clock.h"
#include "wire/key.h"

static struct fake_clock fake;
static struct wg_tokens *tokens;
static const struct wg_str absent = {NULL, 0};

static int set_up(void **state)
{
    (void)state;
    fake_clock_init(&fake);
    tokens = wg_tokens_new(&fake.clock);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tokens = wg_tokens_free(tokens);
    return 0;
}

/* A token that is in place. */
static void issue(enum wg_token_role role, struct wg_str instance, char text[WG_TOKEN_TEXT],
                  char id[WG_TOKEN_ID + 1])
{
    struct wg_err err;
    json_t *document;

    wg_token_make(1700000000, role, instance, WG_STR("for the tests"), text, id, &document);
    assert_int_equal(wg_tokens_put(tokens, wg_str(id), document, &err), WG_OK);
    json_decref(document);
}

static void a_token_stands_for_its_role(void **state)
{
    char text[WG_TOKEN_TEXT], id[WG_TOKEN_ID + 1], field[WG_TOKEN_TEXT + 16];
    struct wg_token_bearer bearer;
    struct wg_err err;

    (void)state;
    issue(WG_ROLE_OPERATE, absent, text, id);
    assert_int_equal(wg_tokens_check(tokens, wg_str(text), &bearer, &err), WG_OK);
    assert_string_equal(bearer.id, id);
    assert_int_equal(bearer.role, WG_ROLE_OPERATE);
    assert_string_equal(bearer.instance, "");
    snprintf(field, sizeof field, "bEARER  %s ", text);
    assert_int_equal(wg_tokens_check(tokens, wg_str(field), &bearer, &err), WG_OK);
}

static void what_is_not_a_known_token_is_refused_without_repeating_it(void **state)
{
    char text[WG_TOKEN_TEXT], id[WG_TOKEN_ID + 1], other[WG_TOKEN_TEXT];
    struct wg_token_bearer bearer = {"untouched", WG_ROLE_NONE, ""};
    struct wg_err err;

    (void)state;
    issue(WG_ROLE_ADMIN, absent, text, id);
    const struct {
        const char *why, *text;
    } cases[] = {
        {"nothing was sent", NULL},
        {"empty", ""},
        {"only the scheme", "Bearer"},
        {"another scheme", "Basic d2d0OnRlc3Q="},
        {"no prefix", "abc"},
        {"no secret", "wgt_abcdefghijkl"},
        {"an id in capitals", "wgt_ABCDEFGHIJKL_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"a short secret", "wgt_abcdefghijkl_AAAA"},
        {"an unknown id", "wgt_abcdefghijkl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    };
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if (wg_tokens_check(tokens, wg_str(cases[i].text), &bearer, &err) != WG_INVALID_TOKEN)
            fail_msg("%s", cases[i].why);
        assert_null(strstr(err.text, "AAAA"));
    }
    /* The right id, each character of the secret changed in turn. */
    for (size_t i = strlen(text) - 43; text[i]; i++) {
        memcpy(other, text, sizeof other);
        other[i] = other[i] == 'A' ? 'E' : 'A';
        assert_int_equal(wg_tokens_check(tokens, wg_str(other), &bearer, &err),
                         WG_INVALID_TOKEN);
    }
    assert_string_equal(bearer.id, "untouched");
}

static void a_revoked_token_says_so(void **state)
{
    char text[WG_TOKEN_TEXT], id[WG_TOKEN_ID + 1];
    struct wg_token_bearer bearer;
    struct wg_err err;
    json_t *document;

    (void)state;
    issue(WG_ROLE_READ, absent, text, id);
    document = wg_tokens_document(tokens, wg_str(id));
    json_object_set_new(document, "revoked", json_true());
    assert_int_equal(wg_tokens_put(tokens, wg_str(id), document, &err), WG_OK);
    json_decref(document);
    assert_int_equal(wg_tokens_check(tokens, wg_str(text), &bearer, &err), WG_INVALID_TOKEN);
    assert_non_null(strstr(err.text, "revoked"));
}

static void an_instances_token_opens_the_egress_door_only(void **state)
{
    char text[WG_TOKEN_TEXT], id[WG_TOKEN_ID + 1];
    struct wg_token_bearer bearer;
    struct wg_err err;

    (void)state;
    issue(WG_ROLE_NONE, WG_STR("a.example.test"), text, id);
    assert_int_equal(wg_tokens_check_instance(tokens, wg_str(text), &bearer, &err), WG_OK);
    assert_string_equal(bearer.instance, "a.example.test");
    assert_int_equal(bearer.role, WG_ROLE_NONE);
    issue(WG_ROLE_ADMIN, absent, text, id);
    assert_int_equal(wg_tokens_check_instance(tokens, wg_str(text), &bearer, &err),
                     WG_NOT_PERMITTED);
}

static void the_document_has_no_secret_and_what_is_shown_has_no_hash(void **state)
{
    char text[WG_TOKEN_TEXT], id[WG_TOKEN_ID + 1];
    char *stored, *shown;
    json_t *document, *described;

    (void)state;
    issue(WG_ROLE_READ, absent, text, id);
    document = wg_tokens_document(tokens, wg_str(id));
    described = wg_tokens_describe(tokens, wg_str(id));
    stored = json_dumps(document, 0);
    shown = json_dumps(described, 0);
    assert_null(strstr(stored, strrchr(text, '_') + 1));
    assert_non_null(json_object_get(document, "hash"));
    assert_null(json_object_get(described, "hash"));
    assert_null(strstr(shown, json_string_value(json_object_get(document, "hash"))));
    free(stored);
    free(shown);
    json_decref(document);
    json_decref(described);
}

static void last_use_is_kept_through_a_change_and_told_once(void **state)
{
    char text[WG_TOKEN_TEXT], id[WG_TOKEN_ID + 1], used[4][WG_TOKEN_ID + 1];
    struct wg_token_bearer bearer;
    struct wg_err err;
    json_t *document;

    (void)state;
    issue(WG_ROLE_READ, absent, text, id);
    document = wg_tokens_document(tokens, wg_str(id));
    assert_int_equal(wg_tokens_take_used(tokens, used, 4), 0);
    assert_int_equal(wg_tokens_check(tokens, wg_str(text), &bearer, &err), WG_OK);
    assert_int_equal(wg_tokens_put(tokens, wg_str(id), document, &err), WG_OK);
    json_decref(document);
    assert_int_equal(wg_tokens_take_used(tokens, used, 4), 1);
    assert_string_equal(used[0], id);
    assert_int_equal(wg_tokens_take_used(tokens, used, 4), 0);
    document = wg_tokens_document(tokens, wg_str(id));
    assert_int_equal(json_integer_value(json_object_get(document, "last_used_at")),
                     wg_clock_wall_s(&fake.clock));
    json_decref(document);
}

static void ids_are_listed_in_order_page_by_page(void **state)
{
    char text[WG_TOKEN_TEXT], id[WG_TOKEN_ID + 1];
    char page[3][WG_TOKEN_ID + 1], last[WG_TOKEN_ID + 1] = "";
    size_t count, seen = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        issue(WG_ROLE_READ, absent, text, id);
    while ((count = wg_tokens_list(tokens, last[0] ? wg_str(last) : absent, page, 3)) > 0) {
        for (size_t i = 0; i < count; i++) {
            assert_true(strcmp(page[i], last) > 0);
            memcpy(last, page[i], sizeof last);
        }
        seen += count;
    }
    assert_int_equal(seen, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_stands_for_its_role, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_is_not_a_known_token_is_refused_without_repeating_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_revoked_token_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_instances_token_opens_the_egress_door_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            the_document_has_no_secret_and_what_is_shown_has_no_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(last_use_is_kept_through_a_change_and_told_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ids_are_listed_in_order_page_by_page, set_up,
                                        tear_down),
    };
    struct wg_err err;

    if (wg_crypto_start(&err) != WG_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
