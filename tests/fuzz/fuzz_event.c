// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* What we sign we verify. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wg_secret_key key;
    struct wg_event event;
    struct wg_str kids[4];
    struct wg_err err;

    if (!key.public_key.kid[0]) {
        must(wg_crypto_start(&err) == WG_OK);
        wg_secret_key_generate(&key);
    }
    if (wg_event_parse(wg_str_of(data, size), &event, &err) != WG_OK)
        return 0;
    must(wg_event_verify(&event, &key.public_key, &err) == WG_BAD_SIGNATURE);
    if (wg_event_sign(&event, event.origin, &key, &err) == WG_OK) {
        must(wg_event_verify(&event, &key.public_key, &err) == WG_OK);
        must(wg_event_signature_kids(&event, kids, 4) > 0);
    }
    wg_event_done(&event);
    return 0;
}
