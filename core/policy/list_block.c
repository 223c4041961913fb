// SPDX-License-Identifier: Apache-2.0
#include "policy/list_impl.h"

/* Blocks of addresses nest or are apart, so sorted by their first address, and the larger of
 * two with the same one before the smaller, each stands behind all that hold it. The last
 * block that begins at or before an address holds it, or one of its parents does, or none. */

static const uint32_t no_block = UINT32_MAX;

static int compare(const struct wg_list_block *a, const struct wg_list_block *b)
{
    int order = memcmp(a->cidr.ip.bytes, b->cidr.ip.bytes, sizeof a->cidr.ip.bytes);

    if (order == 0 && a->cidr.prefix != b->cidr.prefix)
        order = a->cidr.prefix < b->cidr.prefix ? -1 : 1;
    if (order == 0)
        order = a->entry < b->entry ? -1 : a->entry > b->entry;
    return order;
}

static void sift(struct wg_list_block *blocks, size_t at, size_t count)
{
    struct wg_list_block moved = blocks[at];

    for (size_t child; (child = at * 2 + 1) < count; at = child) {
        if (child + 1 < count && compare(&blocks[child], &blocks[child + 1]) < 0)
            child++;
        if (compare(&moved, &blocks[child]) >= 0)
            break;
        blocks[at] = blocks[child];
    }
    blocks[at] = moved;
}

static bool is_sorted(const struct wg_list_block *blocks, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (compare(&blocks[i - 1], &blocks[i]) > 0)
            return false;
    }
    return true;
}

/* A heap in place: qsort() takes as much memory again. */
static void sort(struct wg_list_block *blocks, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(blocks, i, count);
    for (size_t end = count; end-- > 1;) {
        struct wg_list_block largest = blocks[0];

        blocks[0] = blocks[end];
        blocks[end] = largest;
        sift(blocks, 0, end);
    }
}

static bool is_same(const struct wg_cidr *a, const struct wg_cidr *b)
{
    return a->prefix == b->prefix && memcmp(&a->ip, &b->ip, sizeof a->ip) == 0;
}

/* By their bits alone: ::/0 is around 10.0.0.0/8 here, though it holds no IPv4 address. */
static bool is_around(const struct wg_cidr *outer, const struct wg_cidr *inner)
{
    unsigned whole = outer->prefix / 8, bits = outer->prefix % 8;

    if (outer->prefix > inner->prefix || memcmp(&outer->ip, &inner->ip, whole) != 0)
        return false;
    return bits == 0 || (outer->ip.bytes[whole] ^ inner->ip.bytes[whole]) >> (8 - bits) == 0;
}

void wg_list_blocks_settle(struct wg_list *list)
{
    struct wg_list_block *blocks = list->blocks;
    size_t count = 0;

    if (!is_sorted(blocks, list->block_count))
        sort(blocks, list->block_count);
    for (size_t i = 0; i < list->block_count; i++) {
        /* Written twice: the later one counts, and it sorts behind. */
        if (count && is_same(&blocks[count - 1].cidr, &blocks[i].cidr))
            count--;
        blocks[count++] = blocks[i];
    }
    list->block_count = count;
    for (size_t i = 0; i < count; i++) {
        uint32_t parent = i ? (uint32_t)(i - 1) : no_block;

        while (parent != no_block && !is_around(&blocks[parent].cidr, &blocks[i].cidr))
            parent = blocks[parent].parent;
        blocks[i].parent = parent;
    }
}

static uint32_t last_before(const struct wg_list *list, const struct wg_ip *ip)
{
    size_t low = 0, high = list->block_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (memcmp(list->blocks[middle].cidr.ip.bytes, ip->bytes, sizeof ip->bytes) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? (uint32_t)(low - 1) : no_block;
}

bool wg_list_block_find(const struct wg_list *list, const struct wg_ip *ip,
                        const struct wg_list_block **block)
{
    uint32_t at = *block ? (*block)->parent : last_before(list, ip);

    while (at != no_block && !wg_cidr_has(&list->blocks[at].cidr, ip))
        at = list->blocks[at].parent;
    if (at == no_block)
        return false;
    *block = &list->blocks[at];
    return true;
}
