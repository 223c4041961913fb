// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/descriptor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What passes has endpoints that stay on the origin, whatever value fills them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_str text = wg_str_of(data, size), path;
    struct wg_descriptor descriptor;
    struct wg_arena arena;
    struct wg_err err;

    wg_arena_init(&arena);
    if (wg_descriptor_age_s(text) < WG_DESCRIPTOR_AGE_MIN_S)
        abort();
    if (wg_descriptor_parse(text, WG_STR("peer.example.com"), &arena, &descriptor, &err) ==
        WG_OK) {
        path = wg_endpoint_expand(descriptor.members, text, &arena);
        if (path.at[0] != '/' || path.at[1] == '/' || wg_str_find(path, '{') < path.len)
            abort();
    }
    wg_arena_done(&arena);
    return 0;
}
