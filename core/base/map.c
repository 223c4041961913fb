// SPDX-License-Identifier: Apache-2.0
#include "base/map.h"

#include <pthread.h>
#include <sys/random.h>

#include "base/alloc.h"

struct wg_map_slot {
    char *key; /* NULL: never used, or taken out (then hash is DEAD) */
    size_t key_len;
    uint64_t hash;
    void *value;
};

enum { DEAD = 1, FIRST_CAPACITY = 16 };

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        wg_panic("no random numbers from the kernel");
}

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotate(v[1], 13), v[1] ^= v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16), v[3] ^= v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21), v[3] ^= v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17), v[1] ^= v[2], v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012; the variant most hash tables use). */
uint64_t wg_hash(const void *data, size_t len)
{
    const unsigned char *at = data;
    uint64_t v[4];
    uint64_t word;
    size_t i;

    pthread_once(&seed_once, make_seed);
    v[0] = seed[0] ^ 0x736f6d6570736575u;
    v[1] = seed[1] ^ 0x646f72616e646f6du;
    v[2] = seed[0] ^ 0x6c7967656e657261u;
    v[3] = seed[1] ^ 0x7465646279746573u;
    for (i = 0; i + 8 <= len; i += 8) {
        memcpy(&word, at + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)len << 56;
    for (size_t k = 0; i + k < len; k++)
        word |= (uint64_t)at[i + k] << (8 * k);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void wg_map_init(struct wg_map *map)
{
    *map = (struct wg_map){0};
}

void wg_map_done(struct wg_map *map, void (*free_value)(void *value))
{
    for (size_t i = 0; i < map->capacity; i++) {
        if (!map->slots[i].key)
            continue;
        if (free_value)
            free_value(map->slots[i].value);
        wg_free(map->slots[i].key);
    }
    wg_free(map->slots);
    wg_map_init(map);
}

/* The slot that holds key, or NULL; *ret_free is where it would go. */
static struct wg_map_slot *find(const struct wg_map *map, struct wg_str key, uint64_t hash,
                                struct wg_map_slot **ret_free)
{
    struct wg_map_slot *unused = NULL;

    for (size_t i = hash & (map->capacity - 1);; i = (i + 1) & (map->capacity - 1)) {
        struct wg_map_slot *slot = &map->slots[i];

        if (!slot->key) {
            if (!unused)
                unused = slot;
            if (slot->hash != DEAD) {
                *ret_free = unused;
                return NULL;
            }
        } else if (slot->hash == hash && slot->key_len == key.len &&
                   (key.len == 0 || memcmp(slot->key, key.at, key.len) == 0)) {
            return slot;
        }
    }
}

static void grow(struct wg_map *map)
{
    struct wg_map old = *map;

    /* Many dead slots: the same size again is enough to be rid of them. */
    map->capacity = !old.capacity                   ? FIRST_CAPACITY
                    : old.count * 2 >= old.capacity ? old.capacity * 2
                                                    : old.capacity;
    map->slots = wg_alloc(map->capacity * sizeof *map->slots);
    map->dead = 0;
    for (size_t i = 0; i < old.capacity; i++) {
        struct wg_map_slot *slot = &old.slots[i];
        struct wg_map_slot *to = NULL;

        if (slot->key && !find(map, wg_str_of(slot->key, slot->key_len), slot->hash, &to))
            *to = *slot;
    }
    wg_free(old.slots);
}

void *wg_map_get(const struct wg_map *map, struct wg_str key)
{
    struct wg_map_slot *unused;
    struct wg_map_slot *slot;

    if (map->count == 0)
        return NULL;
    slot = find(map, key, wg_hash(key.at, key.len), &unused);
    return slot ? slot->value : NULL;
}

void *wg_map_put(struct wg_map *map, struct wg_str key, void *value)
{
    uint64_t hash = wg_hash(key.at, key.len);
    struct wg_map_slot *to = NULL;
    struct wg_map_slot *slot;

    if ((map->count + map->dead + 1) * 4 > map->capacity * 3)
        grow(map);
    slot = find(map, key, hash, &to);
    if (slot) {
        void *was = slot->value;

        slot->value = value;
        return was;
    }
    if (to->hash == DEAD)
        map->dead--;
    *to = (struct wg_map_slot){wg_strdup(key), key.len, hash, value};
    map->count++;
    return NULL;
}

void *wg_map_take(struct wg_map *map, struct wg_str key)
{
    struct wg_map_slot *unused;
    struct wg_map_slot *slot;
    void *value;

    if (map->count == 0)
        return NULL;
    slot = find(map, key, wg_hash(key.at, key.len), &unused);
    if (!slot)
        return NULL;
    value = slot->value;
    wg_free(slot->key);
    *slot = (struct wg_map_slot){.hash = DEAD};
    map->count--;
    map->dead++;
    return value;
}

bool wg_map_next(const struct wg_map *map, size_t *cursor, struct wg_str *ret_key,
                 void **ret_value)
{
    while (*cursor < map->capacity) {
        struct wg_map_slot *slot = &map->slots[(*cursor)++];

        if (!slot->key)
            continue;
        *ret_key = wg_str_of(slot->key, slot->key_len);
        *ret_value = slot->value;
        return true;
    }
    return false;
}
