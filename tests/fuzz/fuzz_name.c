// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_str text = wg_str_of(data, size), local, server, uuid, host;
    struct wg_err err;
    uint16_t port = 0;
    uint8_t key[16];

    if (wg_server_name_check(text, false, &err) == WG_OK)
        must(wg_server_name_check(text, true, &err) == WG_OK);
    if (wg_server_name_check(text, true, &err) == WG_OK) {
        wg_server_name_split(text, 443, &host, &port);
        must(host.len > 0 && port > 0);
    }
    if (wg_participant_parse(text, &local, &server, &err) == WG_OK)
        must(local.len + server.len + 2 == size);
    if (wg_event_id_parse(text, &uuid, &err) == WG_OK)
        wg_event_id_key(uuid, key);
    if (wg_room_id_check(text, &err) != WG_OK)
        must(err.code == WG_INVALID);
    return 0;
}
