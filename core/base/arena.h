// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/alloc.h"
#include "base/str.h"

/** Memory of one exchange, one parse, one load: pieces are taken, and all go in one call.
 *
 * Owner: whoever called _init; single thread. Pieces are zeroed and aligned for any type.
 * Memory cannot run out here (wg_panic), so what goes in is bounded by the limits on what was
 * read. */
struct wg_arena {
    struct wg_arena_chunk *chunk;
};

void wg_arena_init(struct wg_arena *arena);
void wg_arena_done(struct wg_arena *arena);
void *wg_arena_alloc(struct wg_arena *arena, size_t size);
/** A copy with a NUL behind it; .at is never NULL. */
struct wg_str wg_arena_copy(struct wg_arena *arena, struct wg_str text);
char *wg_arena_format(struct wg_arena *arena, const char *format, ...) WG_PRINTF(2, 3);

#define wg_arena_new(arena, type) ((type *)wg_arena_alloc(arena, sizeof(type)))
