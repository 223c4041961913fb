// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/macros.h"

void wg_random(void *at, unsigned len)
{
    char *byte = at;

    while (len > 0) {
        ssize_t got = getrandom(byte, len, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            wg_panic("no random numbers from the kernel");
        byte += got;
        len -= (unsigned)got;
    }
}

void wg_uuid_make(int64_t wall_ms, char ret_text[WG_UUID_TEXT])
{
    unsigned char b[16];

    wg_random(b, sizeof b);
    for (int i = 0; i < 6; i++)
        b[i] = (unsigned char)((uint64_t)wall_ms >> (8 * (5 - i)));
    b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    snprintf(ret_text, WG_UUID_TEXT,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}
