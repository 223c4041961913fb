// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/key.h"
#include "wire/sf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static enum wg_code rewrite(char kind, struct wg_str text, struct wg_buf *out)
{
    struct wg_sf_members members;
    struct wg_sf_item item;
    struct wg_arena arena;
    struct wg_err err;
    enum wg_code code;

    wg_arena_init(&arena);
    code = kind == 'i'   ? wg_sf_parse_item(text, &arena, &item, &err)
           : kind == 'l' ? wg_sf_parse_list(text, &arena, &members, &err)
                         : wg_sf_parse_dictionary(text, &arena, &members, &err);
    if (code == WG_OK)
        must((kind == 'i'   ? wg_sf_write_item(&item, out, &err)
              : kind == 'l' ? wg_sf_write_list(&members, out, &err)
                            : wg_sf_write_dictionary(&members, out, &err)) == WG_OK);
    wg_arena_done(&arena);
    return code;
}

/* First byte: the kind. Whatever parses can be written, and that text is read as itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char kinds[] = "ild";
    struct wg_buf once, twice;
    char kind;

    if (size == 0)
        return 0;
    kind = kinds[data[0] % 3];
    wg_buf_init(&once, 8 * size + 64);
    wg_buf_init(&twice, 8 * size + 64);
    if (rewrite(kind, wg_str_of(data + 1, size - 1), &once) == WG_OK) {
        must(rewrite(kind, wg_buf_str(&once), &twice) == WG_OK);
        must(wg_str_equal(wg_buf_str(&once), wg_buf_str(&twice)));
    }
    wg_buf_done(&once);
    wg_buf_done(&twice);
    return 0;
}
