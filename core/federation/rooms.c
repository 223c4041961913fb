// SPDX-License-Identifier: Apache-2.0
#include "federation/rooms.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/map.h"

enum { KEY_LIMIT_BYTES = 1024 };

/* Set rarely, read with every request: readers do not keep each other waiting. */
struct wg_rooms {
    pthread_rwlock_t lock;
    struct wg_map flags; /* key to one of the two below */
};

static char yes, no;

struct wg_rooms *wg_rooms_new(void)
{
    struct wg_rooms *rooms = wg_new(struct wg_rooms);

    pthread_rwlock_init(&rooms->lock, NULL);
    wg_map_init(&rooms->flags);
    return rooms;
}

struct wg_rooms *wg_rooms_free(struct wg_rooms *rooms)
{
    if (!rooms)
        return NULL;
    wg_map_done(&rooms->flags, NULL);
    pthread_rwlock_destroy(&rooms->lock);
    wg_free(rooms);
    return NULL;
}

void wg_rooms_key(struct wg_str server_name, struct wg_str room_id, struct wg_buf *out)
{
    wg_buf_adds(out, server_name);
    wg_buf_addc(out, '/');
    wg_buf_adds(out, room_id);
}

enum wg_flag wg_rooms_flag(struct wg_rooms *rooms, struct wg_str server_name,
                           struct wg_str room_id)
{
    struct wg_buf key;
    const void *found;

    if (!room_id.at)
        return WG_FLAG_UNSET;
    wg_buf_init(&key, KEY_LIMIT_BYTES);
    wg_rooms_key(server_name, room_id, &key);
    pthread_rwlock_rdlock(&rooms->lock);
    found = wg_map_get(&rooms->flags, wg_buf_str(&key));
    pthread_rwlock_unlock(&rooms->lock);
    wg_buf_done(&key);
    return found == &yes ? WG_FLAG_YES : found == &no ? WG_FLAG_NO : WG_FLAG_UNSET;
}

enum wg_code wg_rooms_set(struct wg_rooms *rooms, struct wg_str server_name,
                          struct wg_str room_id, enum wg_flag flag, struct wg_err *err)
{
    enum wg_code code = WG_OK;
    struct wg_buf key;

    wg_buf_init(&key, KEY_LIMIT_BYTES);
    wg_rooms_key(server_name, room_id, &key);
    pthread_rwlock_wrlock(&rooms->lock);
    if (flag == WG_FLAG_UNSET)
        (void)wg_map_take(&rooms->flags, wg_buf_str(&key));
    else if (rooms->flags.count >= WG_ROOMS_LIMIT &&
             !wg_map_get(&rooms->flags, wg_buf_str(&key)))
        code = wg_fail(err, WG_FULL, "%d rooms have a flag already", WG_ROOMS_LIMIT);
    else
        (void)wg_map_put(&rooms->flags, wg_buf_str(&key), flag == WG_FLAG_YES ? &yes : &no);
    pthread_rwlock_unlock(&rooms->lock);
    wg_buf_done(&key);
    return code;
}
