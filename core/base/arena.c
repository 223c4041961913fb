// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/macros.h"

enum {
    CHUNK_BYTES = 4096,
    ALIGN = _Alignof(max_align_t),
    SPARE_CHUNKS = 64, /* of a thread */
};

struct wg_arena_chunk {
    struct wg_arena_chunk *next;
    size_t used;
    size_t size;
    _Alignas(ALIGN) char bytes[];
};

/* An event takes some ten arenas, each of which would go past malloc's quick lists: a thread
 * keeps a few chunks, zeroed as far as they were used. A sanitizer is to see every use after
 * the end. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEPS_SPARE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define KEEPS_SPARE 0
#endif
#endif
#ifndef KEEPS_SPARE
#define KEEPS_SPARE 1
#endif

struct spare {
    struct wg_arena_chunk *first;
    unsigned count;
    bool is_known; /* to the key, whose destructor empties it */
};
static _Thread_local struct spare spare;
static pthread_key_t spare_key;

static void free_spare(void *owner)
{
    struct spare *list = owner;

    while (list->first) {
        struct wg_arena_chunk *next = list->first->next;

        wg_free(list->first);
        list->first = next;
    }
    list->count = SPARE_CHUNKS; /* this thread ends: keep no more */
}

static void make_key(void)
{
    if (pthread_key_create(&spare_key, free_spare) != 0)
        wg_panic("no thread key is left");
}

static bool keep(struct wg_arena_chunk *chunk)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (!KEEPS_SPARE || chunk->size != CHUNK_BYTES || spare.count >= SPARE_CHUNKS)
        return false;
    if (!spare.is_known) {
        pthread_once(&once, make_key);
        spare.is_known = pthread_setspecific(spare_key, &spare) == 0;
        if (!spare.is_known)
            return false;
    }
    memset(chunk->bytes, 0, chunk->used);
    chunk->used = 0;
    chunk->next = spare.first;
    spare.first = chunk;
    spare.count++;
    return true;
}

static struct wg_arena_chunk *new_chunk(size_t size)
{
    struct wg_arena_chunk *chunk = spare.first;

    if (chunk && size == CHUNK_BYTES) {
        spare.first = chunk->next;
        spare.count--;
        return chunk;
    }
    chunk = wg_alloc(sizeof *chunk + size);
    chunk->size = size;
    return chunk;
}

void wg_arena_init(struct wg_arena *arena)
{
    arena->chunk = NULL;
}

void wg_arena_done(struct wg_arena *arena)
{
    while (arena->chunk) {
        struct wg_arena_chunk *next = arena->chunk->next;

        if (!keep(arena->chunk))
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
        chunk = new_chunk(rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES);
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
