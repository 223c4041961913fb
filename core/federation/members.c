// SPDX-License-Identifier: Apache-2.0
#include "federation/members.h"

#include "federation/members_impl.h"
#include "wire/name.h"

static char pending;
char wg_members_present;

struct wg_members *wg_members_new(const struct wg_clock *clock)
{
    struct wg_members *members = wg_new(struct wg_members);

    members->clock = clock;
    members->no_search_before_ms = INT64_MIN;
    pthread_rwlock_init(&members->lock, NULL);
    wg_map_init(&members->rooms);
    wg_map_init(&members->changed);
    return members;
}

static void room_free(void *value)
{
    struct wg_members_room *room = value;

    wg_map_done(&room->names, NULL);
    wg_free(room);
}

struct wg_members *wg_members_free(struct wg_members *members)
{
    if (!members)
        return NULL;
    wg_map_done(&members->rooms, room_free);
    wg_map_done(&members->changed, NULL);
    pthread_rwlock_destroy(&members->lock);
    wg_free(members);
    return NULL;
}

static void write_key(struct wg_str server_name, struct wg_str room_id, struct wg_buf *out)
{
    wg_buf_init(out, WG_MEMBERS_KEY_BYTES);
    wg_buf_adds(out, server_name);
    wg_buf_addc(out, '/');
    wg_buf_adds(out, room_id);
}

static void mark(struct wg_members *members, struct wg_str key)
{
    (void)wg_map_put(&members->changed, key, &wg_members_present);
}

/* ---- rooms; under the lock ---- */

static void forget_room(struct wg_members *members, struct wg_str key)
{
    room_free(wg_map_take(&members->rooms, key));
}

/* A room whose foreigners have all left makes room. Walking all of them in vain is not repeated
 * with every event. */
static bool make_place(struct wg_members *members)
{
    int64_t now_ms = wg_clock_mono_ms(members->clock);
    size_t cursor = 0;
    struct wg_str key;
    void *value;

    if (now_ms < members->no_search_before_ms)
        return false;
    while (wg_map_next(&members->rooms, &cursor, &key, &value)) {
        const struct wg_members_room *room = value;

        if (room->names.count || room->counted)
            continue;
        mark(members, key);
        forget_room(members, key);
        return true;
    }
    members->no_search_before_ms = now_ms + WG_MEMBERS_SEARCH_GAP_MS;
    return false;
}

struct wg_members_room *wg_members_room(struct wg_members *members, struct wg_str key)
{
    struct wg_members_room *room = wg_map_get(&members->rooms, key);

    if (room)
        return room;
    if (members->rooms.count >= WG_MEMBERS_ROOMS_LIMIT && !make_place(members))
        return NULL;
    room = wg_new(struct wg_members_room);
    wg_map_init(&room->names);
    room->added_ms = INT64_MIN;
    (void)wg_map_put(&members->rooms, key, room);
    return room;
}

bool wg_members_has_place(const struct wg_members *members, const struct wg_members_room *room,
                          struct wg_str participant)
{
    return members->total < WG_MEMBERS_LIMIT && room->names.count < WG_MEMBERS_OF_ROOM_LIMIT &&
           room->bytes + participant.len + WG_MEMBERS_NAME_EXTRA <= WG_MEMBERS_OF_ROOM_BYTES;
}

void wg_members_put(struct wg_members *members, struct wg_members_room *room,
                    struct wg_str participant, void *value)
{
    if (wg_map_put(&room->names, participant, value))
        return;
    members->total++;
    room->bytes += participant.len + WG_MEMBERS_NAME_EXTRA;
}

static bool take(struct wg_members *members, struct wg_members_room *room,
                 struct wg_str participant)
{
    if (!wg_map_take(&room->names, participant))
        return false;
    members->total--;
    room->bytes -= participant.len + WG_MEMBERS_NAME_EXTRA;
    return true;
}

static int64_t count_of(const struct wg_members_room *room)
{
    return (int64_t)room->names.count + room->counted;
}

/* ---- reading ---- */

int64_t wg_members_count(struct wg_members *members, struct wg_str server_name,
                         struct wg_str room_id)
{
    int64_t count = WG_MEMBERS_UNKNOWN;
    const struct wg_members_room *room;
    struct wg_buf key;

    if (!room_id.at)
        return count;
    write_key(server_name, room_id, &key);
    pthread_rwlock_rdlock(&members->lock);
    room = wg_map_get(&members->rooms, wg_buf_str(&key));
    if (room && room->is_known)
        count = count_of(room);
    else if (!room && members->rooms.count >= WG_MEMBERS_ROOMS_LIMIT)
        count = WG_MEMBERS_UNCOUNTABLE;
    pthread_rwlock_unlock(&members->lock);
    wg_buf_done(&key);
    return count;
}

static const void *find(struct wg_members *members, struct wg_str key,
                        struct wg_str participant)
{
    const struct wg_members_room *room = wg_map_get(&members->rooms, key);

    return room ? wg_map_get(&room->names, participant) : NULL;
}

bool wg_members_has(struct wg_members *members, struct wg_str server_name,
                    struct wg_str room_id, struct wg_str participant)
{
    struct wg_buf key;
    bool is_there;

    write_key(server_name, room_id, &key);
    pthread_rwlock_rdlock(&members->lock);
    is_there = find(members, wg_buf_str(&key), participant) == &wg_members_present;
    pthread_rwlock_unlock(&members->lock);
    wg_buf_done(&key);
    return is_there;
}

/* ---- what an event does ---- */

static bool is_foreign(struct wg_str server_name, struct wg_str participant)
{
    struct wg_str local, server;
    struct wg_err ignored;

    return wg_participant_parse(participant, &local, &server, &ignored) == WG_OK &&
           !wg_str_equal(server, server_name);
}

/* Whom it adds, when it is taken. */
static struct wg_str added(struct wg_str server_name, const struct wg_event *event)
{
    struct wg_str nobody = {NULL, 0};

    if (wg_str_is(event->membership, "leave") || wg_str_is(event->membership, "ban") ||
        wg_str_is(event->membership, "knock") || wg_event_is_invite(event) ||
        wg_str_equal(event->sender_server, server_name))
        return nobody;
    return event->sender;
}

/* Whom it takes out. What a moderator of another server does to a third is not believed: the
 * instance may see it otherwise, and a name too many only closes the room earlier. */
static struct wg_str removed(struct wg_str server_name, const struct wg_event *event)
{
    struct wg_str nobody = {NULL, 0};

    if (!wg_str_is(event->membership, "leave") && !wg_str_is(event->membership, "ban"))
        return nobody;
    if (!wg_str_equal(event->sender_server, server_name) &&
        !wg_str_equal(event->participant, event->sender))
        return nobody;
    return event->participant;
}

struct wg_str wg_members_brought(struct wg_str server_name, const struct wg_event *event)
{
    struct wg_str nobody = {NULL, 0};

    if (wg_event_is_invite(event))
        return event->participant.at && is_foreign(server_name, event->participant)
                   ? event->participant
                   : nobody;
    return added(server_name, event);
}

static enum wg_entry enter(struct wg_members *members, struct wg_str key,
                           struct wg_str participant, int64_t *ret_before)
{
    struct wg_members_room *room = wg_members_room(members, key);
    const void *value;

    if (!room) {
        *ret_before = WG_MEMBERS_UNCOUNTABLE;
        return WG_ENTRY_NONE;
    }
    value = wg_map_get(&room->names, participant);
    *ret_before = room->is_known || room->names.count ? count_of(room) : WG_MEMBERS_UNKNOWN;
    if (value == &wg_members_present)
        return WG_ENTRY_KNOWN;
    if (value == &pending) {
        --*ret_before;
        return WG_ENTRY_AGAIN;
    }
    if (!wg_members_has_place(members, room, participant))
        return WG_ENTRY_COUNTED;
    wg_members_put(members, room, participant, &pending);
    return WG_ENTRY_NEW;
}

enum wg_entry wg_members_enter(struct wg_members *members, struct wg_str server_name,
                               struct wg_str room_id, struct wg_str participant,
                               int64_t *ret_before)
{
    enum wg_entry entry = WG_ENTRY_NONE;
    struct wg_buf key;

    write_key(server_name, room_id, &key);
    /* Nearly everybody who speaks is there already: those keep nobody waiting. */
    pthread_rwlock_rdlock(&members->lock);
    if (find(members, wg_buf_str(&key), participant) == &wg_members_present) {
        entry = WG_ENTRY_KNOWN;
        *ret_before = count_of(wg_map_get(&members->rooms, wg_buf_str(&key)));
    }
    pthread_rwlock_unlock(&members->lock);
    if (entry == WG_ENTRY_NONE) {
        pthread_rwlock_wrlock(&members->lock);
        entry = enter(members, wg_buf_str(&key), participant, ret_before);
        pthread_rwlock_unlock(&members->lock);
    }
    wg_buf_done(&key);
    return entry;
}

static void add(struct wg_members *members, struct wg_str key, struct wg_str participant,
                bool is_news)
{
    struct wg_members_room *room = wg_members_room(members, key);

    if (!room)
        return;
    room->is_known = true;
    if (wg_map_get(&room->names, participant) == &wg_members_present)
        return;
    if (wg_map_get(&room->names, participant) ||
        wg_members_has_place(members, room, participant))
        wg_members_put(members, room, participant, &wg_members_present);
    else
        room->counted++;
    if (is_news)
        room->added_ms = wg_clock_mono_ms(members->clock);
    mark(members, key);
}

static void remove_one(struct wg_members *members, struct wg_str key, struct wg_str participant)
{
    struct wg_members_room *room = wg_map_get(&members->rooms, key);

    if (room && take(members, room, participant))
        mark(members, key);
}

/* A place that came to nothing; the room goes with it when nothing else is known of it. */
static void give_back(struct wg_members *members, struct wg_str key, struct wg_str participant)
{
    struct wg_members_room *room = wg_map_get(&members->rooms, key);

    if (!room || wg_map_get(&room->names, participant) != &pending)
        return;
    (void)take(members, room, participant);
    if (!room->is_known && room->names.count == 0)
        forget_room(members, key);
}

void wg_members_settle(struct wg_members *members, struct wg_str server_name,
                       struct wg_str room_id, struct wg_str participant, enum wg_entry entry,
                       bool is_taken)
{
    struct wg_buf key;

    if (entry == WG_ENTRY_NONE || entry == WG_ENTRY_KNOWN ||
        (!is_taken && entry != WG_ENTRY_NEW))
        return;
    write_key(server_name, room_id, &key);
    pthread_rwlock_wrlock(&members->lock);
    if (is_taken)
        add(members, wg_buf_str(&key), participant, true);
    else
        give_back(members, wg_buf_str(&key), participant);
    pthread_rwlock_unlock(&members->lock);
    wg_buf_done(&key);
}

void wg_members_note(struct wg_members *members, struct wg_str server_name,
                     const struct wg_event *event, bool adds_only)
{
    struct wg_str in = added(server_name, event);
    struct wg_str out = removed(server_name, event);
    struct wg_buf key;

    if ((!in.at && (!out.at || adds_only)) ||
        (in.at && wg_members_has(members, server_name, event->room_id, in)))
        return;
    write_key(server_name, event->room_id, &key);
    pthread_rwlock_wrlock(&members->lock);
    if (in.at)
        add(members, wg_buf_str(&key), in, true);
    else
        remove_one(members, wg_buf_str(&key), out);
    pthread_rwlock_unlock(&members->lock);
    wg_buf_done(&key);
}

void wg_members_undo(struct wg_members *members, struct wg_str server_name,
                     const struct wg_event *event)
{
    struct wg_buf key;

    if (!wg_str_is(event->membership, "join") || !added(server_name, event).at)
        return;
    write_key(server_name, event->room_id, &key);
    pthread_rwlock_wrlock(&members->lock);
    remove_one(members, wg_buf_str(&key), event->sender);
    pthread_rwlock_unlock(&members->lock);
    wg_buf_done(&key);
}

/* ---- the instance's own list ---- */

static bool is_listed(const json_t *names, struct wg_str name)
{
    return json_object_getn(names, name.at, name.len) != NULL;
}

static void remove_unlisted(struct wg_members *members, struct wg_members_room *room,
                            const json_t *names)
{
    size_t cursor = 0;
    struct wg_str name;
    void *value;

    while (wg_map_next(&room->names, &cursor, &name, &value)) {
        if (value == &wg_members_present && !is_listed(names, name))
            (void)take(members, room, name);
    }
    room->counted = 0;
}

static json_t *foreign_of(struct wg_str server_name, const json_t *participants)
{
    json_t *names = json_object();
    const json_t *item;
    size_t i;

    json_array_foreach(participants, i, item)
    {
        struct wg_str name = wg_str_of(json_string_value(item), json_string_length(item));

        if (json_is_string(item) && is_foreign(server_name, name))
            json_object_setn_new(names, name.at, name.len, json_true());
    }
    return names;
}

void wg_members_listed(struct wg_members *members, struct wg_str server_name,
                       struct wg_str room_id, const json_t *participants, bool is_whole,
                       int64_t since_ms)
{
    json_t *names = foreign_of(server_name, participants);
    struct wg_members_room *room;
    struct wg_buf key;
    const char *name;
    json_t *value;

    write_key(server_name, room_id, &key);
    pthread_rwlock_wrlock(&members->lock);
    room = wg_members_room(members, wg_buf_str(&key));
    if (room) {
        room->is_known = true;
        mark(members, wg_buf_str(&key));
        if (is_whole && room->added_ms < since_ms)
            remove_unlisted(members, room, names);
        json_object_foreach(names, name, value)
            add(members, wg_buf_str(&key), wg_str(name), false);
    }
    pthread_rwlock_unlock(&members->lock);
    wg_buf_done(&key);
    json_decref(names);
}
