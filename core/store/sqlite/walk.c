// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/walk.h"

#include <stdlib.h>

/* Every SELECT has these columns. */
#define DELIVERY_COLUMNS "d.destination, d.room, d.ord, d.attempts, NULL, 0, 0"
#define PARKED_COLUMNS "p.destination, p.room, p.ord, p.attempts, p.reason, p.at, p.n"
#define LANE_COLUMNS "destination, room, head, 0, NULL, 0, 0"

/* By event: its seen ids name the destinations. */
#define OF_EVENT_DELIVERIES                                                         \
    "SELECT " DELIVERY_COLUMNS " FROM seen s CROSS JOIN message m ON m.ord = s.ord" \
    " CROSS JOIN delivery d ON d.destination = s.destination AND d.room = m.room"   \
    " AND d.ord = s.ord WHERE s.event = ?1"                                         \
    " AND (d.destination, d.room, d.ord) > (?2, ?3, ?4)"                            \
    " ORDER BY d.destination, d.room, d.ord"
#define OF_EVENT_PARKED                                                          \
    "SELECT " PARKED_COLUMNS " FROM seen s CROSS JOIN parked p ON p.ord = s.ord" \
    " AND p.destination = s.destination WHERE s.event = ?1 AND p.state = ?2"

static sqlite3_stmt *select_of_event(struct wg_walk *walk)
{
    const struct wg_queue_filter *filter = walk->filter;
    const struct wg_walk_position *from = &walk->last;
    struct wg_str event = wg_str_of(filter->event_id, WG_EVENT_KEY);

    switch (filter->state) {
    case WG_QUEUE_HELD:
        return wg_db_query(walk->db, OF_EVENT_PARKED " AND p.n > ?3 ORDER BY p.n", "bii", event,
                           (int64_t)WG_DB_HELD, from->parked);
    case WG_QUEUE_DEAD:
        return wg_db_query(walk->db, OF_EVENT_PARKED " AND p.n < ?3 ORDER BY p.n DESC", "bii",
                           event, (int64_t)WG_DB_DEAD, from->parked);
    case WG_QUEUE_WAITING:
        break;
    }
    return wg_db_query(walk->db, OF_EVENT_DELIVERIES, "btti", event, from->destination,
                       from->room, from->order);
}

static sqlite3_stmt *select_waiting(struct wg_walk *walk)
{
    const struct wg_walk_position *from = &walk->last;

    if (walk->heads_only)
        return wg_db_query(walk->db,
                           "SELECT " LANE_COLUMNS " FROM lane"
                           " WHERE (destination, room) > (?1, ?2) ORDER BY destination, room",
                           "tt", from->destination, from->room);
    return wg_db_query(walk->db,
                       "SELECT " DELIVERY_COLUMNS " FROM delivery d"
                       " WHERE (destination, room, ord) > (?1, ?2, ?3)"
                       " ORDER BY destination, room, ord",
                       "tti", from->destination, from->room, from->order);
}

static sqlite3_stmt *select_rows(struct wg_walk *walk)
{
    const struct wg_queue_filter *filter = walk->filter;

    if (filter->has_event)
        return select_of_event(walk);
    if (filter->state == WG_QUEUE_WAITING)
        return select_waiting(walk);
    if (filter->state == WG_QUEUE_HELD)
        return wg_db_query(walk->db,
                           "SELECT " PARKED_COLUMNS " FROM parked p WHERE state = 1 AND n > ?1"
                           " ORDER BY n",
                           "i", walk->last.parked);
    return wg_db_query(walk->db,
                       "SELECT " PARKED_COLUMNS " FROM parked p WHERE state = 2 AND n < ?1"
                       " ORDER BY n DESC",
                       "i", walk->last.parked);
}

/* "destination\nroom\norder\nparked" */
static bool read_cursor(struct wg_walk *walk, struct wg_str cursor)
{
    struct wg_str parts[4], rest;

    if (!wg_db_cursor_read(walk->arena, cursor, &rest))
        return false;
    for (size_t i = 0; i < WG_COUNT(parts); i++) {
        uint64_t number;

        if (!rest.at)
            return false;
        parts[i] = wg_str_split(&rest, '\n');
        if (i < 2)
            continue;
        if (!wg_str_to_uint(parts[i], INT64_MAX, &number))
            return false;
        *(i == 2 ? &walk->last.order : &walk->last.parked) = (int64_t)number;
    }
    walk->last.destination = parts[0];
    walk->last.room = parts[1];
    return rest.at == NULL;
}

struct wg_str wg_walk_cursor(const struct wg_walk *walk)
{
    const char *text = wg_arena_format(
        walk->arena, "%.*s\n%.*s\n%lld\n%lld", WG_STR_F(walk->last.destination),
        WG_STR_F(walk->last.room), (long long)walk->last.order, (long long)walk->last.parked);

    return wg_db_cursor_make(walk->arena, wg_str(text));
}

/* Whose rows stand side by side; of heads there is one, behind its own name. */
static bool is_one_lane(const struct wg_walk *walk)
{
    const struct wg_queue_filter *filter = walk->filter;

    return filter->has_destination && filter->room_id.len && !filter->has_event &&
           filter->state == WG_QUEUE_WAITING && !walk->heads_only;
}

bool wg_walk_start(struct wg_walk *walk, struct wg_db *db, struct wg_arena *arena,
                   const struct wg_queue_filter *filter, bool heads_only, struct wg_str cursor)
{
    *walk = (struct wg_walk){.db = db,
                             .arena = arena,
                             .filter = filter,
                             .heads_only = heads_only && !filter->has_event};
    walk->last.destination = walk->last.room = WG_STR("");
    walk->last.parked = filter->state == WG_QUEUE_DEAD ? INT64_MAX : 0;
    if (filter->has_destination) {
        walk->destination = wg_db_destination(arena, &filter->destination);
        /* Straight to its first row: no room's name is empty, and orders begin at 1. */
        walk->last.destination = walk->destination;
        if (is_one_lane(walk))
            walk->last.room = filter->room_id;
    }
    if (cursor.at && !read_cursor(walk, cursor))
        return false;
    wg_db_budget_start(&walk->budget);
    walk->row = select_rows(walk);
    return true;
}

static bool names_match(const struct wg_walk *walk, struct wg_str destination,
                        struct wg_str room)
{
    const struct wg_queue_filter *filter = walk->filter;

    if (filter->has_destination && !wg_str_equal(destination, walk->destination))
        return false;
    if (filter->has_direction &&
        wg_db_destination_of(destination).is_outbound != filter->destination.is_outbound)
        return false;
    return !filter->room_id.len || wg_str_equal(room, filter->room_id);
}

static bool message_matches(const struct wg_walk *walk, const struct wg_db_message *loaded)
{
    const struct wg_queue_filter *filter = walk->filter;

    if (filter->type.len && !wg_str_equal(filter->type, loaded->message.type))
        return false;
    if (filter->server.len && !wg_str_equal(filter->server, loaded->message.server))
        return false;
    return !filter->older_than_ms ||
           walk->db->now_ms - loaded->accepted_at_ms > filter->older_than_ms;
}

static void remember(struct wg_walk *walk)
{
    struct wg_str destination = wg_db_text(walk->row, 0);

    if (!wg_str_equal(walk->last.destination, destination))
        walk->last.destination = wg_arena_copy(walk->arena, destination);
    if (!wg_str_equal(walk->last.room, wg_db_text(walk->row, 1)))
        walk->last.room = wg_arena_copy(walk->arena, wg_db_text(walk->row, 1));
    walk->last.order = wg_db_int(walk->row, 2);
    walk->last.parked = wg_db_int(walk->row, 6);
}

/* Rows are by destination and room: past those that are looked for nothing can come. */
static bool is_past(const struct wg_walk *walk)
{
    if (!walk->filter->has_destination || walk->filter->state != WG_QUEUE_WAITING ||
        walk->filter->has_event)
        return false;
    return !wg_str_equal(wg_db_text(walk->row, 0), walk->destination) ||
           (is_one_lane(walk) &&
            !wg_str_equal(wg_db_text(walk->row, 1), walk->filter->room_id));
}

bool wg_walk_next(struct wg_walk *walk, bool with_body, struct wg_walk_entry *ret_entry)
{
    while (wg_db_row(walk->db, walk->row)) {
        struct wg_walk_entry entry;

        if (is_past(walk)) {
            wg_db_end(walk->row);
            return false;
        }
        if (wg_db_budget_is_spent(&walk->budget)) {
            walk->is_paused = true;
            wg_db_end(walk->row);
            return false;
        }
        remember(walk);
        if (!names_match(walk, walk->last.destination, walk->last.room))
            continue;
        entry = (struct wg_walk_entry){
            .place = {walk->last.destination, walk->last.room, walk->last.order},
            .attempts = wg_db_int(walk->row, 3),
            .reason = wg_db_copy(walk->arena, walk->row, 4),
            .at_ms = wg_db_int(walk->row, 5),
        };
        if (!wg_db_message_load(walk->db, walk->arena, entry.place.order, with_body,
                                &entry.loaded) ||
            !message_matches(walk, &entry.loaded))
            continue;
        *ret_entry = entry;
        return true;
    }
    return false;
}

void wg_walk_stop(struct wg_walk *walk)
{
    walk->is_paused = true;
    if (walk->row)
        wg_db_end(walk->row);
}
