// SPDX-License-Identifier: Apache-2.0
#include "unit/store/support.h"

#include <stdio.h>
#include <string.h>

static struct fixture *open_store(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    return f;
}

static struct wg_document_put put_of(const char *key, const char *value, int64_t expected)
{
    return (struct wg_document_put){.namespace = WG_STR("tokens"),
                                    .key = wg_str(key),
                                    .value = wg_str(value),
                                    .expected_version = expected};
}

static void what_was_put_is_got_after_a_restart(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_document_put put = put_of("one", "value", WG_DOCUMENT_ANY);
    char value[64];
    int64_t version, read_version;

    assert_int_equal(ask_put(f, &put, &version), WG_OK);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(ask_get(f, "tokens", "one", value, &read_version), WG_OK);
    assert_string_equal(value, "value");
    assert_int_equal(version, read_version);
    assert_int_equal(ask_get(f, "tokens", "two", value, NULL), WG_NOT_FOUND);
    assert_int_equal(ask_get(f, "others", "one", value, NULL), WG_NOT_FOUND);
}

static void a_lost_update_is_refused_and_both_versions_named(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_document_put first = put_of("one", "1", WG_DOCUMENT_ABSENT);
    struct wg_document_put second;
    char value[64];
    int64_t version, newer;

    assert_int_equal(ask_put(f, &first, &version), WG_OK);
    assert_int_equal(ask_put(f, &first, NULL), WG_EXISTS);
    second = put_of("one", "2", version);
    assert_int_equal(ask_put(f, &second, &newer), WG_OK);
    assert_true(newer > version);
    assert_int_equal(ask_put(f, &second, NULL), WG_EXISTS);
    assert_non_null(strstr(f->err.text, "has changed"));
    assert_int_equal(ask_delete(f, &second), WG_EXISTS);
    ask_get(f, "tokens", "one", value, NULL);
    assert_string_equal(value, "2");
}

static void a_version_is_never_used_again(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_document_put put = put_of("one", "1", WG_DOCUMENT_ANY);
    int64_t version, again;

    ask_put(f, &put, &version);
    assert_int_equal(ask_delete(f, &put), WG_OK);
    assert_int_equal(ask_delete(f, &put), WG_NOT_FOUND);
    fixture_close(f);
    fixture_open(f);
    ask_put(f, &put, &again);
    assert_true(again > version);
}

static void an_expired_document_is_absent_for_everybody(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_document_put put = put_of("one", "1", WG_DOCUMENT_ANY);
    char value[64];

    put.expires_at_ms = f->now_ms + 1000;
    assert_int_equal(ask_put(f, &put, NULL), WG_OK);
    assert_int_equal(ask_get(f, "tokens", "one", value, NULL), WG_OK);
    f->now_ms += 1000;
    assert_int_equal(ask_get(f, "tokens", "one", value, NULL), WG_NOT_FOUND);
    put.expires_at_ms = 0;
    put.expected_version = WG_DOCUMENT_ABSENT;
    assert_int_equal(ask_put(f, &put, NULL), WG_OK);
    ask_upkeep(f);
    assert_int_equal(ask_get(f, "tokens", "one", value, NULL), WG_OK);
}

static void limits_hold(void **state)
{
    struct fixture *f = open_store(state);
    static char large[WG_DOCUMENT_VALUE_MAX + 1], name[WG_DOCUMENT_NAME_MAX + 2];
    struct wg_document_put put = put_of("one", "", WG_DOCUMENT_ANY);

    put.value = wg_str_of(large, sizeof large);
    assert_int_equal(ask_put(f, &put, NULL), WG_TOO_LARGE);
    put.value.len--;
    assert_int_equal(ask_put(f, &put, NULL), WG_OK);
    memset(name, 'n', sizeof name - 1);
    put = put_of(name, "v", WG_DOCUMENT_ANY);
    assert_int_equal(ask_put(f, &put, NULL), WG_TOO_LARGE);
    put = put_of("", "v", WG_DOCUMENT_ANY);
    assert_int_equal(ask_put(f, &put, NULL), WG_INVALID);
}

struct listing {
    bool is_done;
    size_t count;
    char keys[512];
    char cursor[256];
    enum wg_code code;
};

static void on_page(void *owner, const struct wg_err *err, const struct wg_document_page *page)
{
    struct listing *listing = owner;

    listing->is_done = true;
    listing->code = err->code;
    listing->cursor[0] = '\0';
    for (size_t i = 0; page && i < page->count; i++, listing->count++) {
        strncat(listing->keys, page->documents[i].key.at, page->documents[i].key.len);
        strcat(listing->keys, " ");
    }
    if (page)
        snprintf(listing->cursor, sizeof listing->cursor, "%.*s", WG_STR_F(page->next_cursor));
}

static void lists_by_prefix_page_by_page(void **state)
{
    struct fixture *f = open_store(state);
    const char *const keys[] = {"a", "room/1", "room/2", "room/3", "room0", "room/31"};
    struct listing listing = {0};
    int pages = 0;

    for (size_t i = 0; i < WG_COUNT(keys); i++) {
        struct wg_document_put put = put_of(keys[i], "v", WG_DOCUMENT_ANY);

        ask_put(f, &put, NULL);
    }
    do {
        char cursor[256];

        strcpy(cursor, listing.cursor);
        listing.is_done = false;
        wg_store_document_list(f->store, f->loop, WG_STR("tokens"), WG_STR("room/"),
                               cursor[0] ? wg_str(cursor) : (struct wg_str){0}, 2, on_page,
                               &listing);
        loop_until(f->loop, &listing.is_done);
        assert_int_equal(listing.code, WG_OK);
    } while (listing.cursor[0] && ++pages < 10);
    assert_string_equal(listing.keys, "room/1 room/2 room/3 room/31 ");
    listing.is_done = false;
    wg_store_document_list(f->store, f->loop, WG_STR("tokens"), WG_STR("room/"), WG_STR("%%%"),
                           2, on_page, &listing);
    loop_until(f->loop, &listing.is_done);
    assert_int_equal(listing.code, WG_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(what_was_put_is_got_after_a_restart),
        TEST(a_lost_update_is_refused_and_both_versions_named),
        TEST(a_version_is_never_used_again),
        TEST(an_expired_document_is_absent_for_everybody),
        TEST(limits_hold),
        TEST(lists_by_prefix_page_by_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
