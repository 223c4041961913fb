// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include "base/alloc.h"
#include "base/map.h"
#include "federation/members.h"
#include "wire/json.h"

/** Behind members.h: the rooms, and the ways in and out of one. */

enum {
    WG_MEMBERS_KEY_BYTES = 1024,
    WG_MEMBERS_NAME_EXTRA = 3, /**< quotes and comma, in the document */
    WG_MEMBERS_SEARCH_GAP_MS = 60 * 1000,
};

struct wg_members_room {
    struct wg_map names;
    size_t bytes;     /**< of the names, as the document has them */
    int64_t counted;  /**< for whom there was no place */
    int64_t added_ms; /**< monotonic: when somebody came last */
    bool is_known;    /**< an event was taken, or a list seen */
};

struct wg_members {
    const struct wg_clock *clock;
    pthread_rwlock_t lock;
    struct wg_map rooms; /**< "server_name/room_id" to wg_members_room */
    struct wg_map changed;
    size_t total; /**< names of all rooms */
    int64_t no_search_before_ms;
};

/** The value of a name whose event was taken. */
extern char wg_members_present;

/** Under the lock: found, or made; NULL when there is no place for one more. */
struct wg_members_room *wg_members_room(struct wg_members *members, struct wg_str key);
bool wg_members_has_place(const struct wg_members *members, const struct wg_members_room *room,
                          struct wg_str participant);
void wg_members_put(struct wg_members *members, struct wg_members_room *room,
                    struct wg_str participant, void *value);
