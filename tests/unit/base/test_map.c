// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/alloc.h"
#include "base/map.h"

enum { MANY = 20000 };

static struct wg_str key_of(size_t i, char text[32])
{
    snprintf(text, 32, "key-%zu", i);
    return wg_str(text);
}

static void what_was_put_is_found_and_what_was_taken_is_not(void **state)
{
    static int values[MANY];
    struct wg_map map;
    char text[32];

    (void)state;
    wg_map_init(&map);
    for (size_t i = 0; i < MANY; i++)
        assert_null(wg_map_put(&map, key_of(i, text), &values[i]));
    assert_int_equal(map.count, MANY);
    for (size_t i = 0; i < MANY; i += 2)
        assert_ptr_equal(wg_map_take(&map, key_of(i, text)), &values[i]);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(wg_map_get(&map, key_of(i, text)), i % 2 ? &values[i] : NULL);
    assert_int_equal(map.count, MANY / 2);
    assert_null(wg_map_take(&map, WG_STR("key-0")));
    wg_map_done(&map, NULL);
}

static void putting_again_gives_back_what_stood_there(void **state)
{
    struct wg_map map;
    int first, second;

    (void)state;
    wg_map_init(&map);
    assert_null(wg_map_get(&map, WG_STR("a")));
    assert_null(wg_map_take(&map, WG_STR("a")));
    assert_null(wg_map_put(&map, WG_STR("a"), &first));
    assert_ptr_equal(wg_map_put(&map, WG_STR("a"), &second), &first);
    assert_ptr_equal(wg_map_get(&map, WG_STR("a")), &second);
    assert_int_equal(map.count, 1);
    wg_map_done(&map, NULL);
}

static void keys_are_bytes_with_a_length(void **state)
{
    struct wg_map map;
    int a, b, empty;

    (void)state;
    wg_map_init(&map);
    wg_map_put(&map, wg_str_of("x\0a", 3), &a);
    wg_map_put(&map, wg_str_of("x\0b", 3), &b);
    wg_map_put(&map, (struct wg_str){NULL, 0}, &empty);
    assert_ptr_equal(wg_map_get(&map, wg_str_of("x\0a", 3)), &a);
    assert_ptr_equal(wg_map_get(&map, wg_str_of("x\0b", 3)), &b);
    assert_ptr_equal(wg_map_get(&map, WG_STR("")), &empty);
    assert_null(wg_map_get(&map, WG_STR("x")));
    wg_map_done(&map, NULL);
}

/* Dead slots must be used again, or a table that only turns over would grow or never end a
 * search. */
static void turnover_without_growth_keeps_the_table_small(void **state)
{
    struct wg_map map;
    char text[32];
    int value;

    (void)state;
    wg_map_init(&map);
    for (size_t i = 0; i < MANY; i++) {
        wg_map_put(&map, key_of(i, text), &value);
        if (i >= 10)
            assert_non_null(wg_map_take(&map, key_of(i - 10, text)));
    }
    assert_int_equal(map.count, 10);
    assert_true(map.capacity <= 64);
    wg_map_done(&map, NULL);
}

static void a_walk_sees_each_entry_once_and_may_take_it(void **state)
{
    static int seen[MANY];
    struct wg_map map;
    struct wg_str key;
    void *value;
    char text[32];
    size_t cursor = 0, count = 0;

    (void)state;
    wg_map_init(&map);
    assert_false(wg_map_next(&map, &cursor, &key, &value));
    for (size_t i = 0; i < MANY; i++)
        wg_map_put(&map, key_of(i, text), &seen[i]);
    for (cursor = 0; wg_map_next(&map, &cursor, &key, &value); count++) {
        ++*(int *)value;
        assert_true(wg_str_starts(key, WG_STR("key-")));
        if (count % 3 == 0)
            assert_ptr_equal(wg_map_take(&map, key), value);
    }
    assert_int_equal(count, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(map.count, MANY - (MANY + 2) / 3);
    wg_map_done(&map, NULL);
}

static void values_are_freed_by_the_function_given(void **state)
{
    struct wg_map map;

    (void)state;
    wg_map_init(&map);
    wg_map_put(&map, WG_STR("a"), wg_alloc(10));
    wg_map_put(&map, WG_STR("b"), wg_alloc(10));
    wg_map_done(&map, wg_free);
    assert_int_equal(map.count, 0);
}

static void a_hash_is_the_same_for_the_same_bytes_only(void **state)
{
    char bytes[40];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (size_t len = 0; len < sizeof bytes; len++) {
        assert_true(wg_hash(bytes, len) == wg_hash(bytes, len));
        assert_true(wg_hash(bytes, len) !=
                    wg_hash(bytes, len + 1 < sizeof bytes ? len + 1 : 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_and_what_was_taken_is_not),
        cmocka_unit_test(putting_again_gives_back_what_stood_there),
        cmocka_unit_test(keys_are_bytes_with_a_length),
        cmocka_unit_test(turnover_without_growth_keeps_the_table_small),
        cmocka_unit_test(a_walk_sees_each_entry_once_and_may_take_it),
        cmocka_unit_test(values_are_freed_by_the_function_given),
        cmocka_unit_test(a_hash_is_the_same_for_the_same_bytes_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
