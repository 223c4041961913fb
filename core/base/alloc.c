// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"

#include <stdlib.h>

void *wg_try_alloc(size_t size)
{
    return calloc(1, size ? size : 1);
}

void *wg_alloc(size_t size)
{
    void *memory = wg_try_alloc(size);

    if (!memory)
        wg_panic("out of memory: %zu bytes", size);
    return memory;
}

void *wg_realloc(void *memory, size_t size)
{
    void *grown = realloc(memory, size ? size : 1);

    if (!grown)
        wg_panic("out of memory: %zu bytes", size);
    return grown;
}

char *wg_strdup(struct wg_str text)
{
    char *copy = wg_alloc(text.len + 1);

    if (text.len)
        memcpy(copy, text.at, text.len);
    return copy;
}

void wg_free(void *memory)
{
    free(memory);
}
