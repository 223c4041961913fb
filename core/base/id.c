// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"

#include <errno.h>
#include <string.h>
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

/* Ids are no secrets: a system call for many of them. A fork would repeat what is left, so what
 * forks must exec. */
static void random_of_id(unsigned char at[16])
{
    static _Thread_local unsigned char pool[16 * 64];
    static _Thread_local unsigned left;

    if (left == 0) {
        wg_random(pool, sizeof pool);
        left = sizeof pool;
    }
    left -= 16;
    memcpy(at, pool + left, 16);
}

void wg_uuid_make(int64_t wall_ms, char ret_text[WG_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char b[16];
    char *at = ret_text;

    random_of_id(b);
    for (int i = 0; i < 6; i++)
        b[i] = (unsigned char)((uint64_t)wall_ms >> (8 * (5 - i)));
    b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[b[i] >> 4];
        *at++ = digits[b[i] & 15];
    }
    *at = '\0';
}
