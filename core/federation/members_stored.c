// SPDX-License-Identifier: Apache-2.0
#include "federation/members_impl.h"

/* The document of a room: {"foreign": [names], "counted": how many more}. */

size_t wg_members_take_changed(struct wg_members *members, struct wg_arena *arena,
                               struct wg_str *ret_keys, size_t limit)
{
    size_t count = 0;
    size_t cursor = 0;
    struct wg_str key;
    void *value;

    pthread_rwlock_wrlock(&members->lock);
    while (count < limit && wg_map_next(&members->changed, &cursor, &key, &value)) {
        ret_keys[count++] = wg_arena_copy(arena, key);
        (void)wg_map_take(&members->changed, key);
    }
    pthread_rwlock_unlock(&members->lock);
    return count;
}

json_t *wg_members_document(struct wg_members *members, struct wg_str key)
{
    const struct wg_members_room *room;
    json_t *json = NULL;
    size_t cursor = 0;
    struct wg_str name;
    void *value;

    pthread_rwlock_rdlock(&members->lock);
    room = wg_map_get(&members->rooms, key);
    if (room && room->is_known) {
        json_t *names = json_array();

        while (wg_map_next(&room->names, &cursor, &name, &value))
            if (value == &wg_members_present)
                json_array_append_new(names, json_stringn(name.at, name.len));
        json = json_pack("{s:o, s:I}", "foreign", names, "counted", (json_int_t)room->counted);
    }
    pthread_rwlock_unlock(&members->lock);
    return json;
}

enum wg_code wg_members_restore(struct wg_members *members, struct wg_str key,
                                const json_t *document, struct wg_err *err)
{
    const json_t *names = json_object_get(document, "foreign");
    struct wg_members_room *room;
    const json_t *item;
    size_t i;

    if (!json_is_array(names) || wg_str_find(key, '/') == key.len)
        return wg_fail(err, WG_INVALID, "it is not a list of the participants of server/room");
    pthread_rwlock_wrlock(&members->lock);
    room = wg_members_room(members, key);
    if (room) { /* else there are more of them stored than may be remembered now */
        room->is_known = true;
        (void)wg_json_integer(document, "counted", &room->counted);
        json_array_foreach(names, i, item)
        {
            struct wg_str name = wg_str_of(json_string_value(item), json_string_length(item));

            if (json_is_string(item) && wg_members_has_place(members, room, name))
                wg_members_put(members, room, name, &wg_members_present);
            else
                room->counted++;
        }
    }
    pthread_rwlock_unlock(&members->lock);
    return WG_OK;
}
