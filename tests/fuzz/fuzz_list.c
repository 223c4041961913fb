// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "policy/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* The first byte chooses the options. What can be read can be found: by name, participant and
 * first address of a block by itself, unless a later line says the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_list_options options = {.source = "fuzz"};
    struct wg_list_match entry, found;
    struct wg_list *list;
    struct wg_err err;

    if (size < 1)
        return 0;
    options.format = (enum wg_list_format)(data[0] & 3);
    options.has_subdomains = data[0] & 4;
    options.skips_broken = data[0] & 8;
    if (wg_list_parse(wg_str_of(data + 1, size - 1), &options, &list, &err) != WG_OK)
        return 0;
    for (uint32_t i = 0; wg_list_entry(list, i, &entry); i++) {
        must(entry.text.at[entry.text.len] == '\0');
        if (entry.kind != WG_LIST_NAME && entry.kind != WG_LIST_PARTICIPANT)
            continue;
        if (entry.expires_at_s == 0 && wg_list_find(list, entry.text, 1, &found))
            must(found.index >= i || found.kind != entry.kind ||
                 found.text.len < entry.text.len);
    }
    wg_list_find(list, wg_str_of(data + 1, size - 1), 1, &found);
    wg_list_unref(list);
    return 0;
}
