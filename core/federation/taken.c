// SPDX-License-Identifier: Apache-2.0
#include "federation/taken.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/map.h"

enum { SHARDS = 16, KEY_BYTES = 16 + sizeof(uint32_t) };

struct waiter {
    struct waiter *next;
    struct wg_loop *loop;
    void (*on_settled)(void *owner);
    void *owner;
};

struct entry {
    struct entry *next; /* of those taken, oldest first */
    char key[KEY_BYTES];
    bool is_taken;
    struct waiter *waiters;
};

struct shard {
    pthread_mutex_t lock;
    struct wg_map entries;
    struct entry *oldest, *newest;
    size_t taken;
};

struct wg_taken {
    size_t shard_limit;
    struct shard shards[SHARDS];
};

struct wg_taken *wg_taken_new(size_t limit)
{
    struct wg_taken *taken = wg_new(struct wg_taken);

    taken->shard_limit = limit / SHARDS + 1;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&taken->shards[i].lock, NULL);
    return taken;
}

struct wg_taken *wg_taken_free(struct wg_taken *taken)
{
    for (size_t i = 0; taken && i < SHARDS; i++) {
        wg_map_done(&taken->shards[i].entries, wg_free);
        pthread_mutex_destroy(&taken->shards[i].lock);
    }
    wg_free(taken);
    return NULL;
}

static struct wg_str make_key(char key[KEY_BYTES], size_t instance, const uint8_t event_key[16])
{
    uint32_t index = (uint32_t)instance;

    memcpy(key, event_key, 16);
    memcpy(key + 16, &index, sizeof index);
    return wg_str_of(key, KEY_BYTES);
}

static struct shard *enter(struct wg_taken *taken, struct wg_str key)
{
    struct shard *shard = &taken->shards[wg_hash(key.at, key.len) % SHARDS];

    pthread_mutex_lock(&shard->lock);
    return shard;
}

enum wg_taken_state wg_taken_claim(struct wg_taken *taken, size_t instance,
                                   const uint8_t event_key[16], struct wg_loop *loop,
                                   void (*on_settled)(void *owner), void *owner)
{
    char bytes[KEY_BYTES];
    struct wg_str key = make_key(bytes, instance, event_key);
    struct shard *shard = enter(taken, key);
    struct entry *entry = wg_map_get(&shard->entries, key);
    enum wg_taken_state state = WG_TAKEN_NEW;

    if (!entry) {
        entry = wg_new(struct entry);
        memcpy(entry->key, bytes, KEY_BYTES);
        (void)wg_map_put(&shard->entries, key, entry);
    } else if (entry->is_taken) {
        state = WG_TAKEN_DUPLICATE;
    } else {
        struct waiter *waiter = wg_new(struct waiter);

        *waiter = (struct waiter){entry->waiters, loop, on_settled, owner};
        entry->waiters = waiter;
        state = WG_TAKEN_WAIT;
    }
    pthread_mutex_unlock(&shard->lock);
    return state;
}

static void remember(struct wg_taken *taken, struct shard *shard, struct entry *entry)
{
    entry->is_taken = true;
    if (shard->newest)
        shard->newest->next = entry;
    else
        shard->oldest = entry;
    shard->newest = entry;
    if (++shard->taken <= taken->shard_limit)
        return;
    entry = shard->oldest;
    shard->oldest = entry->next;
    shard->taken--;
    wg_free(wg_map_take(&shard->entries, wg_str_of(entry->key, KEY_BYTES)));
}

void wg_taken_settle(struct wg_taken *taken, size_t instance, const uint8_t event_key[16],
                     bool is_taken)
{
    char bytes[KEY_BYTES];
    struct wg_str key = make_key(bytes, instance, event_key);
    struct shard *shard = enter(taken, key);
    struct entry *entry = wg_map_get(&shard->entries, key);
    struct waiter *waiters = NULL;

    if (WG_CHECK(entry && !entry->is_taken)) {
        waiters = entry->waiters;
        entry->waiters = NULL;
        if (is_taken)
            remember(taken, shard, entry);
        else
            wg_free(wg_map_take(&shard->entries, key));
    }
    pthread_mutex_unlock(&shard->lock);
    while (waiters) {
        struct waiter *next = waiters->next;

        wg_loop_post(waiters->loop, waiters->on_settled, waiters->owner);
        wg_free(waiters);
        waiters = next;
    }
}
