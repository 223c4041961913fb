// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_str text = wg_str_of(data, size);
    char written[WG_IP_TEXT];
    struct wg_cidr cidr;
    struct wg_ip ip, again;
    struct wg_err err;

    if (wg_ip_parse(text, &ip, &err) == WG_OK) {
        bool is_global = wg_ip_classify(&ip) == WG_IP_GLOBAL;

        wg_ip_write(&ip, written);
        must(wg_ip_parse(wg_str(written), &again, &err) == WG_OK);
        must(memcmp(&ip, &again, sizeof ip) == 0);
        must((wg_ip_guard(&ip, NULL, 0, &err) == WG_OK) == is_global);
    }
    if (wg_cidr_parse(text, &cidr, &err) == WG_OK)
        must(wg_cidr_has(&cidr, &cidr.ip));
    return 0;
}
