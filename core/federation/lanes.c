// SPDX-License-Identifier: Apache-2.0
#include "federation/lanes.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/map.h"

enum { SHARDS = 16, KEY_LIMIT = 512 };

struct waiter {
    struct waiter *next;
    struct wg_loop *loop;
    void (*on_turn)(void *owner);
    void *owner;
};

struct lane {
    struct waiter *first, *last;
};

struct shard {
    pthread_mutex_t lock;
    struct wg_map lanes;
};

struct wg_lanes {
    struct shard shards[SHARDS];
};

struct wg_lanes *wg_lanes_new(void)
{
    struct wg_lanes *lanes = wg_new(struct wg_lanes);

    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&lanes->shards[i].lock, NULL);
    return lanes;
}

struct wg_lanes *wg_lanes_free(struct wg_lanes *lanes)
{
    for (size_t i = 0; lanes && i < SHARDS; i++) {
        WG_CHECK(lanes->shards[i].lanes.count == 0);
        wg_map_done(&lanes->shards[i].lanes, wg_free);
        pthread_mutex_destroy(&lanes->shards[i].lock);
    }
    wg_free(lanes);
    return NULL;
}

/* The index first, so that no room's name can spill into another instance's. */
static struct wg_str make_key(char key[KEY_LIMIT], size_t instance, struct wg_str room_id)
{
    uint32_t index = (uint32_t)instance;
    size_t len =
        room_id.len < KEY_LIMIT - sizeof index ? room_id.len : KEY_LIMIT - sizeof index;

    memcpy(key, &index, sizeof index);
    memcpy(key + sizeof index, room_id.at, len);
    return wg_str_of(key, sizeof index + len);
}

static struct shard *lock(struct wg_lanes *lanes, struct wg_str key)
{
    struct shard *shard = &lanes->shards[wg_hash(key.at, key.len) % SHARDS];

    pthread_mutex_lock(&shard->lock);
    return shard;
}

bool wg_lanes_enter(struct wg_lanes *lanes, size_t instance, struct wg_str room_id,
                    struct wg_loop *loop, void (*on_turn)(void *owner), void *owner)
{
    char bytes[KEY_LIMIT];
    struct wg_str key = make_key(bytes, instance, room_id);
    struct shard *shard = lock(lanes, key);
    struct lane *lane = wg_map_get(&shard->lanes, key);
    bool is_free = !lane;

    if (is_free) {
        (void)wg_map_put(&shard->lanes, key, wg_new(struct lane));
    } else {
        struct waiter *waiter = wg_new(struct waiter);

        *waiter = (struct waiter){NULL, loop, on_turn, owner};
        if (lane->last)
            lane->last->next = waiter;
        else
            lane->first = waiter;
        lane->last = waiter;
    }
    pthread_mutex_unlock(&shard->lock);
    return is_free;
}

void wg_lanes_leave(struct wg_lanes *lanes, size_t instance, struct wg_str room_id)
{
    char bytes[KEY_LIMIT];
    struct wg_str key = make_key(bytes, instance, room_id);
    struct shard *shard = lock(lanes, key);
    struct lane *lane = wg_map_get(&shard->lanes, key);
    struct waiter *next = NULL;

    if (WG_CHECK(lane)) {
        next = lane->first;
        if (next) {
            lane->first = next->next;
            if (!lane->first)
                lane->last = NULL;
        } else {
            wg_free(wg_map_take(&shard->lanes, key));
        }
    }
    pthread_mutex_unlock(&shard->lock);
    if (next) {
        wg_loop_post(next->loop, next->on_turn, next->owner);
        wg_free(next);
    }
}
