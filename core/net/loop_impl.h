// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <uv.h>

#include "base/buf.h"
#include "net/loop.h"

/** A node of a ring; a node alone points to itself. */
struct wg_link {
    struct wg_link *next, *previous;
};

void wg_link_init(struct wg_link *link);
void wg_link_add(struct wg_link *ring, struct wg_link *link); /**< at the end */
void wg_link_take(struct wg_link *link); /**< out of any ring; may be alone */
static inline bool wg_link_is_alone(const struct wg_link *link)
{
    return link->next == link;
}

/** Something to do in the loop's next turn, embedded in what it is done to. Added twice, it
 * still runs once. */
struct wg_later {
    struct wg_link link;
    void (*call)(void *owner);
    void *owner;
};

void wg_later_init(struct wg_later *later, void (*call)(void *owner), void *owner);
void wg_later_add(struct wg_loop *loop, struct wg_later *later);
void wg_later_cancel(struct wg_later *later);

enum {
    WG_READ_BYTES = 64 * 1024,  /**< one read(2) */
    WG_PLAIN_BYTES = 16 * 1024, /**< the largest TLS record's content, RFC 8446 5.1 */
    WG_SCRATCH_BYTES = 64 * 1024
};

struct wg_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_idle_t busy; /**< started while later holds something, so that the loop does not sleep */
    const struct wg_clock *clock;
    struct wg_link later;
    uv_prepare_t before_sleep;   /**< wg_loop_measure() */
    int64_t turned_ns, slept_ns; /**< at the last one; turned_ns 0: there was none */
    unsigned place;

    pthread_mutex_t lock; /**< guards the three below */
    struct post *first_post, *last_post;
    bool is_stopping;

    /* Lent to whoever handles one event; nothing in them outlives the callback, so one of each
     * is enough for all connections. */
    char read_bytes[WG_READ_BYTES];
    char plain_bytes[WG_PLAIN_BYTES];
    struct wg_buf scratch; /**< TLS records on their way out */
};
