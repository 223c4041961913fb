// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lexer and the walk that find lines: any bytes, no line outside of the source. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_config_lines lines;
    struct wg_str path;
    size_t cursor = 0;
    void *value;

    wg_config_lines_init(&lines, wg_str_of(data, size));
    while (wg_map_next(&lines.fields, &cursor, &path, &value)) {
        int line = wg_config_lines_find(&lines, path);

        if (line < 1 || (size_t)line > size + 1 || path.at[path.len - 1] != WG_LINES_END)
            abort();
    }
    wg_config_lines_mention(&lines, WG_STR("a"));
    wg_config_lines_done(&lines);
    return 0;
}
