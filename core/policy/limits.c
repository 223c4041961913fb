// SPDX-License-Identifier: Apache-2.0
#include "policy/limits_impl.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/metric.h"

/* Each key is the time at which its bucket is empty again (GCRA's "theoretical arrival time"),
 * found by a keyed hash of name and key: 64 bits, so that among a million keys two meet once in
 * 10^7 gateways. Shards are sets of eight slots; a shard doubles while its sets are full of
 * keys in use. */

struct wg_limits *wg_limits_new(const struct wg_clock *clock)
{
    struct wg_limits *limits = wg_new(struct wg_limits);

    limits->clock = clock;
    pthread_mutex_init(&limits->stories_lock, NULL);
    for (size_t i = 0; i < WG_LIMITS_SHARDS; i++) {
        pthread_mutex_init(&limits->shards[i].lock, NULL);
        limits->shards[i].set_count = WG_LIMITS_FIRST_SETS;
        limits->shards[i].slots =
            wg_alloc(WG_LIMITS_FIRST_SETS * WG_LIMITS_WAYS * sizeof(struct wg_limits_slot));
    }
    return limits;
}

struct wg_limits *wg_limits_free(struct wg_limits *limits)
{
    if (!limits)
        return NULL;
    for (size_t i = 0; i < WG_LIMITS_SHARDS; i++) {
        pthread_mutex_destroy(&limits->shards[i].lock);
        wg_free(limits->shards[i].slots);
    }
    wg_limits_stories_free(limits);
    wg_free(limits);
    return NULL;
}

static uint64_t hash_of(uint64_t name_hash, struct wg_str key)
{
    uint64_t parts[2] = {name_hash, wg_hash(key.at, key.len)};

    return wg_hash(parts, sizeof parts);
}

static struct wg_limits_slot *set_of(const struct wg_limits_shard *shard, uint64_t hash)
{
    return shard->slots + ((hash / WG_LIMITS_SHARDS) & (shard->set_count - 1)) * WG_LIMITS_WAYS;
}

struct wg_limits_slot *wg_limits_find(const struct wg_limits_shard *shard, uint64_t hash)
{
    struct wg_limits_slot *set = set_of(shard, hash);

    for (size_t i = 0; i < WG_LIMITS_WAYS; i++)
        if (set[i].hash == hash && set[i].empty_at_us)
            return &set[i];
    return NULL;
}

/* The slot of the set that is missed least. */
static struct wg_limits_slot *oldest(const struct wg_limits_shard *shard, uint64_t hash)
{
    struct wg_limits_slot *set = set_of(shard, hash);
    struct wg_limits_slot *best = set;

    for (size_t i = 1; i < WG_LIMITS_WAYS; i++)
        if (set[i].empty_at_us < best->empty_at_us)
            best = &set[i];
    return best;
}

static void grow(struct wg_limits_shard *shard, int64_t now_us)
{
    struct wg_limits_shard old = *shard;

    shard->set_count *= 2;
    shard->slots = wg_alloc(shard->set_count * WG_LIMITS_WAYS * sizeof(struct wg_limits_slot));
    for (size_t i = 0; i < old.set_count * WG_LIMITS_WAYS; i++)
        if (old.slots[i].empty_at_us > now_us)
            *oldest(shard, old.slots[i].hash) = old.slots[i];
    wg_free(old.slots);
}

static struct wg_limits_slot *take_slot(struct wg_limits *limits, struct wg_limits_shard *shard,
                                        uint64_t hash, int64_t now_us)
{
    struct wg_limits_slot *slot = wg_limits_find(shard, hash);

    if (slot)
        return slot;
    slot = oldest(shard, hash);
    while (slot->empty_at_us > now_us && shard->set_count < WG_LIMITS_SHARD_SETS) {
        grow(shard, now_us);
        slot = oldest(shard, hash);
    }
    if (slot->empty_at_us > now_us) {
        wg_metric_count(LIMITER_EVICTIONS);
        if (slot->story)
            atomic_fetch_add(&limits->stories[slot->story - 1]->evicted, 1);
    }
    *slot = (struct wg_limits_slot){.hash = hash};
    return slot;
}

/* When the bucket would be empty after taking cost. */
static double next_empty_us(const struct wg_limits_slot *slot, int64_t now_us,
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

int64_t wg_limits_now_us(const struct wg_limits *limits)
{
    return wg_clock_mono_ms(limits->clock) * 1000;
}

void wg_limits_open(struct wg_limits *limits, struct wg_str name,
                    const struct wg_limit_rate *rate, struct wg_limiter *ret_limiter)
{
    *ret_limiter = (struct wg_limiter){.rate = *rate,
                                       .name_hash = wg_hash(name.at, name.len),
                                       .story = wg_limits_story(limits, name, rate)};
}

bool wg_limits_take(struct wg_limits *limits, const struct wg_limiter *limiter,
                    struct wg_str key, double cost, double *ret_wait_s)
{
    uint64_t hash = hash_of(limiter->name_hash, key);
    struct wg_limits_shard *shard = &limits->shards[hash % WG_LIMITS_SHARDS];
    int64_t now_us = wg_limits_now_us(limits);
    double next_us, wait;

    pthread_mutex_lock(&shard->lock);
    next_us = next_empty_us(wg_limits_find(shard, hash), now_us, &limiter->rate, cost);
    wait = wait_s(next_us, now_us, &limiter->rate, cost);
    if (wait == 0 && cost > 0) {
        struct wg_limits_slot *slot = take_slot(limits, shard, hash, now_us);

        slot->empty_at_us = (int64_t)next_us;
        slot->story = limiter->story ? limiter->story->number : 0;
    }
    pthread_mutex_unlock(&shard->lock);
    if (limiter->story)
        wg_limits_tell(limiter->story, hash, key, wait != 0);
    *ret_wait_s = wait;
    return wait == 0;
}

double wg_limits_wait(struct wg_limits *limits, const struct wg_limiter *limiter,
                      struct wg_str key, double cost)
{
    uint64_t hash = hash_of(limiter->name_hash, key);
    struct wg_limits_shard *shard = &limits->shards[hash % WG_LIMITS_SHARDS];
    int64_t now_us = wg_limits_now_us(limits);
    double wait;

    pthread_mutex_lock(&shard->lock);
    wait = wait_s(next_empty_us(wg_limits_find(shard, hash), now_us, &limiter->rate, cost),
                  now_us, &limiter->rate, cost);
    pthread_mutex_unlock(&shard->lock);
    return wait;
}

bool wg_limits_forgive(struct wg_limits *limits, struct wg_str name, struct wg_str key)
{
    uint64_t hash = hash_of(wg_hash(name.at, name.len), key);
    struct wg_limits_shard *shard = &limits->shards[hash % WG_LIMITS_SHARDS];
    struct wg_limits_slot *slot;
    bool had_taken;

    pthread_mutex_lock(&shard->lock);
    slot = wg_limits_find(shard, hash);
    had_taken = slot && slot->empty_at_us > wg_limits_now_us(limits);
    if (slot)
        *slot = (struct wg_limits_slot){0};
    pthread_mutex_unlock(&shard->lock);
    return had_taken;
}
