// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/macros.h"

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

static bool is_zero(const unsigned char *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i])
            return false;
    }
    return true;
}

static void fill_and_end_arenas(void)
{
    struct wg_arena arenas[100];

    for (size_t i = 0; i < WG_COUNT(arenas); i++) {
        wg_arena_init(&arenas[i]);
        memset(wg_arena_alloc(&arenas[i], 1000 + 31 * i), 0xaa, 1000 + 31 * i);
        memset(wg_arena_alloc(&arenas[i], 10000), 0xaa, 10000);
    }
    for (size_t i = 0; i < WG_COUNT(arenas); i++)
        wg_arena_done(&arenas[i]);
}

/* Chunks are used again (not under a sanitizer). */
static void what_an_ended_arena_held_is_not_in_the_next_one(void **state)
{
    struct wg_arena arena;

    (void)state;
    fill_and_end_arenas();
    wg_arena_init(&arena);
    for (size_t i = 0; i < 200; i++)
        assert_true(is_zero(wg_arena_alloc(&arena, 2000), 2000));
    wg_arena_done(&arena);
}

static void *use_arenas(void *owner)
{
    (void)owner;
    fill_and_end_arenas();
    fill_and_end_arenas();
    return NULL;
}

static void a_thread_that_ends_takes_its_spare_chunks_with_it(void **state)
{
    pthread_t thread;
    size_t before;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, use_arenas, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    before = mallinfo2().uordblks;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(pthread_create(&thread, NULL, use_arenas, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_true(mallinfo2().uordblks <= before + 64 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_piece_larger_than_a_chunk_is_given),
        cmocka_unit_test(a_copy_ends_with_nul_and_is_never_null),
        cmocka_unit_test(an_arena_can_be_ended_twice_and_used_again),
        cmocka_unit_test(what_an_ended_arena_held_is_not_in_the_next_one),
        cmocka_unit_test(a_thread_that_ends_takes_its_spare_chunks_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
