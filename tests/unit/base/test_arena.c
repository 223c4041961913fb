// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    struct wg_arena arena;
    unsigned char *last = NULL;
    size_t last_size = 0;

    (void)state;
    wg_arena_init(&arena);
    for (size_t size = 0; size < 300; size++) {
        unsigned char *piece = wg_arena_alloc(&arena, size);

        assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(piece[i], 0);
        for (size_t i = 0; i < last_size; i++)
            assert_int_equal(last[i], 0xAB);
        memset(piece, 0xAB, size);
        last = piece;
        last_size = size;
    }
    wg_arena_done(&arena);
}

static void a_piece_larger_than_a_chunk_is_given(void **state)
{
    struct wg_arena arena;
    char *piece;

    (void)state;
    wg_arena_init(&arena);
    piece = wg_arena_alloc(&arena, 100000);
    memset(piece, 'x', 100000);
    assert_string_equal(wg_arena_format(&arena, "%d-%s", 7, "y"), "7-y");
    wg_arena_done(&arena);
}

static void a_copy_ends_with_nul_and_is_never_null(void **state)
{
    struct wg_arena arena;
    struct wg_str copy;

    (void)state;
    wg_arena_init(&arena);
    copy = wg_arena_copy(&arena, wg_str_of("a\0b-", 3));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.at, "a\0b", 4);
    copy = wg_arena_copy(&arena, (struct wg_str){NULL, 0});
    assert_string_equal(copy.at, "");
    wg_arena_done(&arena);
}

static void an_arena_can_be_ended_twice_and_used_again(void **state)
{
    struct wg_arena arena;

    (void)state;
    wg_arena_init(&arena);
    wg_arena_done(&arena);
    wg_arena_alloc(&arena, 1);
    wg_arena_done(&arena);
    wg_arena_done(&arena);
    assert_null(arena.chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_piece_larger_than_a_chunk_is_given),
        cmocka_unit_test(a_copy_ends_with_nul_and_is_never_null),
        cmocka_unit_test(an_arena_can_be_ended_twice_and_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
