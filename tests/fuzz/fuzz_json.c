// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* What is canonical stays what it is when it is read and written again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_buf once, twice;
    struct wg_err err;
    json_t *json, *again;

    if (wg_json_parse(wg_str_of(data, size), &json, &err) != WG_OK)
        return 0;
    wg_buf_init(&once, 8 * size + 64);
    wg_buf_init(&twice, 8 * size + 64);
    must(wg_jcs_write(json, &once, &err) == WG_OK);
    must(wg_json_parse(wg_buf_str(&once), &again, &err) == WG_OK);
    must(wg_jcs_write(again, &twice, &err) == WG_OK);
    must(wg_str_equal(wg_buf_str(&once), wg_buf_str(&twice)));
    json_decref(json);
    json_decref(again);
    wg_buf_done(&once);
    wg_buf_done(&twice);
    return 0;
}
