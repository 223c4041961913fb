// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "policy/limits_impl.h"

/* What operators see of limiters. The keys themselves are only hashes in the table; those that
 * are asked for most are remembered by name ("space saving", Metwally, Agrawal and El Abbadi,
 * 2005: a newcomer takes the place of the least, and its count). */

struct wg_limiter_story *wg_limits_story(struct wg_limits *limits, struct wg_str name,
                                         const struct wg_limit_rate *rate)
{
    struct wg_limiter_story *story = NULL;

    pthread_mutex_lock(&limits->stories_lock);
    for (size_t i = 0; i < limits->story_count && !story; i++)
        if (wg_str_is(name, limits->stories[i]->name))
            story = limits->stories[i];
    if (!story && limits->story_count < WG_LIMITS_STORY_LIMIT) {
        story = wg_new(struct wg_limiter_story);
        story->name = wg_strdup(name);
        pthread_mutex_init(&story->lock, NULL);
        limits->stories[limits->story_count++] = story;
        story->number = (uint32_t)limits->story_count;
    }
    if (story)
        story->rate = *rate;
    pthread_mutex_unlock(&limits->stories_lock);
    return story;
}

void wg_limits_stories_free(struct wg_limits *limits)
{
    for (size_t i = 0; i < limits->story_count; i++) {
        pthread_mutex_destroy(&limits->stories[i]->lock);
        wg_free(limits->stories[i]->name);
        wg_free(limits->stories[i]);
    }
    pthread_mutex_destroy(&limits->stories_lock);
}

static struct wg_limits_busy *place_of(struct wg_limiter_story *story, uint64_t hash)
{
    struct wg_limits_busy *least = story->busy;

    for (size_t i = 0; i < WG_LIMITS_BUSIEST; i++) {
        if (story->busy[i].asked && story->busy[i].hash == hash)
            return &story->busy[i];
        if (story->busy[i].asked < least->asked)
            least = &story->busy[i];
    }
    return least;
}

void wg_limits_tell(struct wg_limiter_story *story, uint64_t hash, struct wg_str key,
                    bool is_refused)
{
    struct wg_limits_busy *busy;

    atomic_fetch_add_explicit(is_refused ? &story->refused : &story->taken, 1,
                              memory_order_relaxed);
    /* Nobody waits for a statistic: what two workers ask at once counts for one of them. */
    if (pthread_mutex_trylock(&story->lock) != 0)
        return;
    busy = place_of(story, hash);
    if (!busy->asked || busy->hash != hash) {
        busy->hash = hash;
        busy->refused = 0;
        snprintf(busy->key, sizeof busy->key, "%.*s", WG_STR_F(key));
    }
    busy->asked++;
    busy->refused += is_refused;
    pthread_mutex_unlock(&story->lock);
}

/* ---- for operators ---- */

static int busier_first(const void *a, const void *b)
{
    uint64_t one = ((const struct wg_limiter_key *)a)->asked;
    uint64_t other = ((const struct wg_limiter_key *)b)->asked;

    return (one < other) - (one > other);
}

static double left_of(struct wg_limits *limits, const struct wg_limit_rate *rate, uint64_t hash,
                      int64_t now_us)
{
    struct wg_limits_shard *shard = &limits->shards[hash % WG_LIMITS_SHARDS];
    const struct wg_limits_slot *slot;
    double used = 0;

    pthread_mutex_lock(&shard->lock);
    slot = wg_limits_find(shard, hash);
    if (slot && slot->empty_at_us > now_us)
        used = (double)(slot->empty_at_us - now_us) / 1e6 * rate->per_second;
    pthread_mutex_unlock(&shard->lock);
    return used < rate->burst ? rate->burst - used : 0;
}

static void fill_busiest(struct wg_limits *limits, struct wg_limiter_story *story,
                         int64_t now_us, struct wg_limiter_info *info)
{
    struct wg_limits_busy busy[WG_LIMITS_BUSIEST];

    pthread_mutex_lock(&story->lock);
    memcpy(busy, story->busy, sizeof busy);
    pthread_mutex_unlock(&story->lock);
    for (size_t i = 0; i < WG_LIMITS_BUSIEST; i++) {
        struct wg_limiter_key *key = &info->busiest[info->busiest_count];

        if (!busy[i].asked)
            continue;
        info->busiest_count++;
        memcpy(key->key, busy[i].key, sizeof key->key);
        key->asked = busy[i].asked;
        key->refused = busy[i].refused;
        key->left = left_of(limits, &info->rate, busy[i].hash, now_us);
    }
    qsort(info->busiest, info->busiest_count, sizeof *info->busiest, busier_first);
}

static void count_keys(struct wg_limits *limits, int64_t now_us, uint64_t *counts)
{
    for (size_t i = 0; i < WG_LIMITS_SHARDS; i++) {
        struct wg_limits_shard *shard = &limits->shards[i];

        pthread_mutex_lock(&shard->lock);
        for (size_t k = 0; k < shard->set_count * WG_LIMITS_WAYS; k++)
            if (shard->slots[k].empty_at_us > now_us)
                counts[shard->slots[k].story]++;
        pthread_mutex_unlock(&shard->lock);
    }
}

void wg_limits_each(struct wg_limits *limits,
                    void (*on_limiter)(void *owner, const struct wg_limiter_info *info),
                    void *owner)
{
    uint64_t *counts = wg_alloc((WG_LIMITS_STORY_LIMIT + 1) * sizeof *counts);
    int64_t now_us = wg_limits_now_us(limits);
    size_t count;

    count_keys(limits, now_us, counts);
    pthread_mutex_lock(&limits->stories_lock);
    count = limits->story_count;
    pthread_mutex_unlock(&limits->stories_lock);
    for (size_t i = 0; i < count; i++) {
        struct wg_limiter_story *story = limits->stories[i];
        struct wg_limiter_info info = {.name = story->name, .keys = counts[story->number]};

        pthread_mutex_lock(&limits->stories_lock);
        info.rate = story->rate;
        pthread_mutex_unlock(&limits->stories_lock);
        info.taken = atomic_load(&story->taken);
        info.refused = atomic_load(&story->refused);
        info.evicted = atomic_load(&story->evicted);
        fill_busiest(limits, story, now_us, &info);
        on_limiter(owner, &info);
    }
    wg_free(counts);
}
