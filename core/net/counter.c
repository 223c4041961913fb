// SPDX-License-Identifier: Apache-2.0
#include "net/counter_impl.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/map.h"

struct wg_connection_counter {
    pthread_mutex_t lock;
    struct wg_map counts; /**< address to its count, which stands in the pointer */
    unsigned limit;
    size_t holders; /**< the owner and every counted connection */
};

struct wg_connection_counter *wg_connection_counter_new(unsigned limit_per_address)
{
    struct wg_connection_counter *counter = wg_new(struct wg_connection_counter);

    pthread_mutex_init(&counter->lock, NULL);
    wg_map_init(&counter->counts);
    counter->limit = limit_per_address;
    counter->holders = 1;
    return counter;
}

/** Unlocks; the last one out frees. */
static void let_go(struct wg_connection_counter *counter)
{
    size_t left = --counter->holders;

    pthread_mutex_unlock(&counter->lock);
    if (left)
        return;
    wg_map_done(&counter->counts, NULL);
    pthread_mutex_destroy(&counter->lock);
    wg_free(counter);
}

struct wg_connection_counter *wg_connection_counter_free(struct wg_connection_counter *counter)
{
    if (counter) {
        pthread_mutex_lock(&counter->lock);
        let_go(counter);
    }
    return NULL;
}

/* One subscriber commonly has a whole IPv6 /64 to choose addresses from. */
static struct wg_str key_of(const struct wg_ip *ip)
{
    return wg_str_of(ip->bytes, wg_ip_is_v4(ip) ? sizeof ip->bytes : 8);
}

bool wg_connection_counter_take(struct wg_connection_counter *counter, const struct wg_ip *ip)
{
    bool has_room;
    uintptr_t count;

    pthread_mutex_lock(&counter->lock);
    count = (uintptr_t)wg_map_get(&counter->counts, key_of(ip));
    has_room = count < counter->limit;
    if (has_room) {
        wg_map_put(&counter->counts, key_of(ip), (void *)(count + 1));
        counter->holders++;
    }
    pthread_mutex_unlock(&counter->lock);
    return has_room;
}

void wg_connection_counter_give(struct wg_connection_counter *counter, const struct wg_ip *ip)
{
    uintptr_t count;

    pthread_mutex_lock(&counter->lock);
    count = (uintptr_t)wg_map_get(&counter->counts, key_of(ip));
    if (count > 1)
        wg_map_put(&counter->counts, key_of(ip), (void *)(count - 1));
    else
        wg_map_take(&counter->counts, key_of(ip));
    let_go(counter);
}
