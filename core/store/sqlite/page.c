// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <time.h>

#include "store/sqlite/ops.h"

enum { BUDGET_US = 5000, LOOK_EVERY = 8, CURSOR_MAX = 1024 };

static int64_t mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

void wg_db_budget_start(struct wg_db_budget *budget)
{
    *budget = (struct wg_db_budget){.until_us = mono_us() + BUDGET_US};
}

bool wg_db_budget_is_spent(struct wg_db_budget *budget)
{
    return ++budget->count % LOOK_EVERY == 0 && mono_us() >= budget->until_us;
}

struct wg_str wg_db_cursor_make(struct wg_arena *arena, struct wg_str bytes)
{
    size_t size =
        sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = wg_arena_alloc(arena, size);

    sodium_bin2base64(text, size, (const uint8_t *)bytes.at, bytes.len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return wg_str(text);
}

bool wg_db_cursor_read(struct wg_arena *arena, struct wg_str cursor, struct wg_str *ret_bytes)
{
    size_t len = 0;
    uint8_t *bytes;

    if (cursor.len > CURSOR_MAX)
        return false;
    bytes = wg_arena_alloc(arena, cursor.len + 1);
    if (sodium_base642bin(bytes, cursor.len + 1, cursor.at, cursor.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    *ret_bytes = wg_str_of(bytes, len);
    return true;
}
