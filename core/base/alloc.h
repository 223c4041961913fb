// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

#include "base/macros.h"
#include "base/str.h"

/** For our own small sizes: zeroed, cannot fail (logs and stops the process). Ends in
 * wg_free(). */
void *wg_alloc(size_t size);
/** Like realloc(), cannot fail. New bytes are not zeroed. */
void *wg_realloc(void *memory, size_t size);
/** A NUL-terminated copy. */
char *wg_strdup(struct wg_str text);
/** For sizes that a peer or a script chooses: NULL when there is no memory. Zeroed. */
WG_MUST_USE void *wg_try_alloc(size_t size);
void wg_free(void *memory);

/** `x = wg_new(struct thing)` */
#define wg_new(type) ((type *)wg_alloc(sizeof(type)))
