// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

enum { CHUNK_BYTES = 4096, ALIGN = _Alignof(max_align_t) };

struct wg_arena_chunk {
    struct wg_arena_chunk *next;
    size_t used;
    size_t size;
    _Alignas(ALIGN) char bytes[];
};

void wg_arena_init(struct wg_arena *arena)
{
    arena->chunk = NULL;
}

void wg_arena_done(struct wg_arena *arena)
{
    while (arena->chunk) {
        struct wg_arena_chunk *next = arena->chunk->next;

        wg_free(arena->chunk);
        arena->chunk = next;
    }
}

void *wg_arena_alloc(struct wg_arena *arena, size_t size)
{
    struct wg_arena_chunk *chunk = arena->chunk;
    size_t rounded = (size + ALIGN - 1) / ALIGN * ALIGN;
    void *piece;

    if (!chunk || chunk->size - chunk->used < rounded) {
        size_t chunk_size = rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES;

        chunk = wg_alloc(sizeof *chunk + chunk_size);
        chunk->size = chunk_size;
        chunk->next = arena->chunk;
        arena->chunk = chunk;
    }
    piece = chunk->bytes + chunk->used;
    chunk->used += rounded;
    return piece;
}

struct wg_str wg_arena_copy(struct wg_arena *arena, struct wg_str text)
{
    char *copy = wg_arena_alloc(arena, text.len + 1);

    if (text.len)
        memcpy(copy, text.at, text.len);
    return (struct wg_str){copy, text.len};
}

char *wg_arena_format(struct wg_arena *arena, const char *format, ...)
{
    va_list arguments;
    int wanted;
    char *text;

    va_start(arguments, format);
    wanted = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = wg_arena_alloc(arena, (size_t)(wanted < 0 ? 0 : wanted) + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)(wanted < 0 ? 0 : wanted) + 1, format, arguments);
    va_end(arguments);
    return text;
}
