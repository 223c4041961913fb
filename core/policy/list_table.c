// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"
#include "policy/list_impl.h"

/* The Mersenne prime 2^61 - 1: reducing by it is a shift and an addition. */
enum { PRIME_BITS = 61 };
static const uint64_t prime = ((uint64_t)1 << PRIME_BITS) - 1;

static uint64_t reduce(uint64_t value)
{
    value = (value & prime) + (value >> PRIME_BITS);
    return value >= prime ? value - prime : value;
}

void wg_list_hash_init(struct wg_list_hash *hash)
{
    do {
        wg_random(&hash->point, sizeof hash->point);
        hash->point &= prime;
    } while (hash->point < 1 << 16 || hash->point == prime);
}

uint64_t wg_list_hash_step(const struct wg_list_hash *hash, uint64_t value, char byte)
{
    unsigned __int128 product = (unsigned __int128)value * hash->point;
    uint64_t low = (uint64_t)product & prime;
    uint64_t high = (uint64_t)(product >> PRIME_BITS);

    /* One more than the byte: a NUL at the end must count, too. */
    return reduce(low + high + (unsigned char)byte + 1);
}

uint64_t wg_list_hash(const struct wg_list_hash *hash, struct wg_str text)
{
    uint64_t value = 0;

    for (size_t i = text.len; i-- > 0;)
        value = wg_list_hash_step(hash, value, text.at[i]);
    return value;
}

bool wg_list_table_init(struct wg_list_table *table, size_t entry_count, size_t count)
{
    size_t capacity = 16;

    while (capacity < count * 2)
        capacity *= 2;
    table->slots = wg_try_alloc(capacity * sizeof *table->slots);
    table->mask = capacity - 1;
    table->index_bits = 1;
    while ((size_t)1 << table->index_bits <= entry_count)
        table->index_bits++;
    return table->slots;
}

/* The slot's place comes from the low bits of the hash, so these are from the top. */
static uint32_t tag_of(const struct wg_list_table *table, uint64_t hash)
{
    return (uint32_t)(hash >> (PRIME_BITS - 32 + table->index_bits));
}

bool wg_list_table_next(const struct wg_list_table *table, uint64_t hash, size_t *cursor,
                        uint32_t *ret_index)
{
    uint32_t tag = tag_of(table, hash);
    uint32_t slot;

    while ((slot = table->slots[(hash + *cursor) & table->mask])) {
        ++*cursor;
        if (slot >> table->index_bits != tag)
            continue;
        *ret_index = (slot & (((uint32_t)1 << table->index_bits) - 1)) - 1;
        return true;
    }
    return false;
}

void wg_list_table_put(struct wg_list_table *table, uint64_t hash, size_t cursor,
                       uint32_t index, bool replaces)
{
    size_t at = (hash + cursor - (replaces ? 1 : 0)) & table->mask;

    table->slots[at] = tag_of(table, hash) << table->index_bits | (index + 1);
}
