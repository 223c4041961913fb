// SPDX-License-Identifier: Apache-2.0
#include "policy/limits.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/metric.h"

/* Each key is the time at which its bucket is empty again (GCRA's "theoretical arrival time"),
 * found by a keyed hash of name and key: 64 bits, so that among a million keys two meet once in
 * 10^7 gateways. Shards are sets of eight slots; a shard doubles while its sets are full of
 * keys in use. */

enum {
    SHARDS = 64,
    WAYS = 8,
    FIRST_SETS = 8,
    SHARD_LIMIT_SETS = WG_LIMITS_KEY_LIMIT / SHARDS / WAYS,
};

struct slot {
    uint64_t hash;
    int64_t empty_at_us; /* 0: unused */
};

struct shard {
    pthread_mutex_t lock;
    struct slot *slots;
    size_t set_count; /* a power of two */
};

struct wg_limits {
    const struct wg_clock *clock;
    struct shard shards[SHARDS];
};

struct wg_limits *wg_limits_new(const struct wg_clock *clock)
{
    struct wg_limits *limits = wg_new(struct wg_limits);

    limits->clock = clock;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&limits->shards[i].lock, NULL);
        limits->shards[i].set_count = FIRST_SETS;
        limits->shards[i].slots = wg_alloc(FIRST_SETS * WAYS * sizeof(struct slot));
    }
    return limits;
}

struct wg_limits *wg_limits_free(struct wg_limits *limits)
{
    if (!limits)
        return NULL;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&limits->shards[i].lock);
        wg_free(limits->shards[i].slots);
    }
    wg_free(limits);
    return NULL;
}

static uint64_t hash_of(struct wg_str name, struct wg_str key)
{
    uint64_t parts[2] = {wg_hash(name.at, name.len), wg_hash(key.at, key.len)};

    return wg_hash(parts, sizeof parts);
}

static struct slot *set_of(const struct shard *shard, uint64_t hash)
{
    return shard->slots + ((hash / SHARDS) & (shard->set_count - 1)) * WAYS;
}

static struct slot *find(const struct shard *shard, uint64_t hash)
{
    struct slot *set = set_of(shard, hash);

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].hash == hash && set[i].empty_at_us)
            return &set[i];
    return NULL;
}

/* The slot of the set that is missed least. */
static struct slot *oldest(const struct shard *shard, uint64_t hash)
{
    struct slot *set = set_of(shard, hash);
    struct slot *best = set;

    for (size_t i = 1; i < WAYS; i++)
        if (set[i].empty_at_us < best->empty_at_us)
            best = &set[i];
    return best;
}

static void grow(struct shard *shard, int64_t now_us)
{
    struct shard old = *shard;

    shard->set_count *= 2;
    shard->slots = wg_alloc(shard->set_count * WAYS * sizeof(struct slot));
    for (size_t i = 0; i < old.set_count * WAYS; i++)
        if (old.slots[i].empty_at_us > now_us)
            *oldest(shard, old.slots[i].hash) = old.slots[i];
    wg_free(old.slots);
}

static struct slot *take_slot(struct shard *shard, uint64_t hash, int64_t now_us)
{
    struct slot *slot = find(shard, hash);

    if (slot)
        return slot;
    slot = oldest(shard, hash);
    while (slot->empty_at_us > now_us && shard->set_count < SHARD_LIMIT_SETS) {
        grow(shard, now_us);
        slot = oldest(shard, hash);
    }
    if (slot->empty_at_us > now_us)
        wg_metric_count(LIMITER_EVICTIONS);
    *slot = (struct slot){hash, 0};
    return slot;
}

/* When the bucket would be empty after taking cost. */
static double next_empty_us(const struct slot *slot, int64_t now_us,
                            const struct wg_limit_rate *rate, double cost)
{
    double from =
        slot && slot->empty_at_us > now_us ? (double)slot->empty_at_us : (double)now_us;

    return from + cost / rate->per_second * 1e6;
}

static double wait_s(double next_us, int64_t now_us, const struct wg_limit_rate *rate,
                     double cost)
{
    double full_us = rate->burst / rate->per_second * 1e6;
    /* A microsecond is what rounding may cost. */
    double wait_us = next_us - full_us - (double)now_us;

    if (wait_us <= 1)
        return 0;
    return cost > rate->burst ? -1 : wait_us / 1e6;
}

static int64_t now_us_of(const struct wg_limits *limits)
{
    return wg_clock_mono_ms(limits->clock) * 1000;
}

bool wg_limits_take(struct wg_limits *limits, struct wg_str name, struct wg_str key,
                    const struct wg_limit_rate *rate, double cost, double *ret_wait_s)
{
    uint64_t hash = hash_of(name, key);
    struct shard *shard = &limits->shards[hash % SHARDS];
    int64_t now_us = now_us_of(limits);
    double next_us, wait;

    pthread_mutex_lock(&shard->lock);
    next_us = next_empty_us(find(shard, hash), now_us, rate, cost);
    wait = wait_s(next_us, now_us, rate, cost);
    if (wait == 0 && cost > 0)
        take_slot(shard, hash, now_us)->empty_at_us = (int64_t)next_us;
    pthread_mutex_unlock(&shard->lock);
    *ret_wait_s = wait;
    return wait == 0;
}

double wg_limits_wait(struct wg_limits *limits, struct wg_str name, struct wg_str key,
                      const struct wg_limit_rate *rate, double cost)
{
    uint64_t hash = hash_of(name, key);
    struct shard *shard = &limits->shards[hash % SHARDS];
    int64_t now_us = now_us_of(limits);
    double wait;

    pthread_mutex_lock(&shard->lock);
    wait = wait_s(next_empty_us(find(shard, hash), now_us, rate, cost), now_us, rate, cost);
    pthread_mutex_unlock(&shard->lock);
    return wait;
}
