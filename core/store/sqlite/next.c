// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ops.h"

/* INT64_MAX stands for never. */
static int64_t span_until(const struct wg_db *db, int64_t at_ms)
{
    return at_ms == INT64_MAX ? INT64_MAX : at_ms - db->now_ms;
}

/* Until when the destination is suspended: 0 not at all, INT64_MAX until it is resumed. A
 * room's end is when this destination is to be looked at again. */
static int64_t suspended_until(struct wg_db *db, struct wg_str destination,
                               int64_t *ret_room_end)
{
    sqlite3_stmt *row = wg_db_query(
        db, "SELECT room = '', until FROM suspension WHERE destination = ?1", "t", destination);
    int64_t whole = 0;

    *ret_room_end = INT64_MAX;
    while (wg_db_row(db, row)) {
        int64_t until = wg_db_int(row, 1);
        bool is_whole = wg_db_int(row, 0) != 0;

        if (is_whole && (until == 0 || until > db->now_ms))
            whole = until ? until : INT64_MAX;
        else if (!is_whole && until && until < *ret_room_end)
            *ret_room_end = until;
    }
    return whole;
}

static bool is_busy(const struct wg_next *next, struct wg_str room)
{
    for (size_t i = 0; i < next->busy_count; i++) {
        if (wg_str_equal(next->busy_rooms[i], room))
            return true;
    }
    return false;
}

static bool load(struct wg_db *db, struct wg_arena *arena, struct wg_str destination,
                 struct wg_delivery *ret_delivery)
{
    struct wg_delivery_key *key = &ret_delivery->key;
    struct wg_db_message loaded;
    sqlite3_stmt *row;

    if (!wg_db_message_load(db, arena, (int64_t)key->order, true, &loaded))
        return false;
    ret_delivery->message = loaded.message;
    ret_delivery->age_ms =
        db->now_ms > loaded.accepted_at_ms ? db->now_ms - loaded.accepted_at_ms : 0;
    ret_delivery->expires_in_ms = loaded.expires_at_ms - db->now_ms;
    row = wg_db_query(
        db, "SELECT attempts FROM delivery WHERE destination = ?1 AND room = ?2 AND ord = ?3",
        "tti", destination, key->room_id, (int64_t)key->order);
    if (wg_db_row(db, row)) {
        ret_delivery->attempts = wg_db_int(row, 0);
        wg_db_end(row);
    }
    return true;
}

/* Picks heads by lane_due, in which only busy lanes are walked over. */
static void pick(struct wg_db *db, struct wg_arena *arena, const struct wg_next *next,
                 struct wg_str destination, struct wg_delivery *deliveries,
                 struct wg_heads *heads)
{
    int64_t horizon = next->due_within_ms > INT64_MAX - db->now_ms
                          ? INT64_MAX
                          : db->now_ms + next->due_within_ms;
    size_t bytes = 0;
    sqlite3_stmt *row =
        wg_db_query(db,
                    "SELECT room, head, due_at FROM lane INDEXED BY lane_due"
                    " WHERE destination = ?1 AND is_suspended = 0 ORDER BY due_at",
                    "t", destination);

    while (wg_db_row(db, row)) {
        struct wg_str room = wg_db_text(row, 0);
        int64_t due_at = wg_db_int(row, 2);

        if (is_busy(next, room))
            continue;
        if (due_at > horizon || heads->count == next->limit || bytes >= next->bytes_limit) {
            heads->has_more = due_at <= horizon;
            heads->next_due_in_ms = span_until(db, due_at);
            wg_db_end(row);
            return;
        }
        struct wg_delivery *delivery = &deliveries[heads->count];

        delivery->key.room_id = wg_arena_copy(arena, room);
        delivery->key.order = (uint64_t)wg_db_int(row, 1);
        if (load(db, arena, destination, delivery)) {
            delivery->key.destination = next->destination;
            bytes += delivery->message.body.len + delivery->message.extra.len;
            heads->count++;
        }
    }
}

void wg_sqlite_next(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_next *next = op->request;
    struct wg_str destination = wg_db_destination(&op->arena, &next->destination);
    struct wg_heads *heads = wg_arena_new(&op->arena, struct wg_heads);
    struct wg_delivery *deliveries =
        wg_arena_alloc(&op->arena, next->limit * sizeof *deliveries);
    int64_t room_end, until = suspended_until(db, destination, &room_end);

    heads->deliveries = deliveries;
    heads->next_due_in_ms = INT64_MAX;
    op->result = heads;
    if (until) {
        heads->next_due_in_ms = span_until(db, until);
        return;
    }
    pick(db, &op->arena, next, destination, deliveries, heads);
    if (span_until(db, room_end) < heads->next_due_in_ms)
        heads->next_due_in_ms = span_until(db, room_end);
}

static void fill_state(struct wg_db *db, struct wg_arena *arena, sqlite3_stmt *row,
                       struct wg_destination_state *state)
{
    int64_t head_at = wg_db_int(row, 4);

    state->destination = wg_db_destination_of(wg_db_copy(arena, row, 0));
    state->deliveries = wg_db_int(row, 1);
    state->lanes = wg_db_int(row, 2);
    state->body_bytes = wg_db_int(row, 3);
    state->oldest_age_ms = head_at && db->now_ms > head_at ? db->now_ms - head_at : 0;
    state->due_in_ms = sqlite3_column_type(row, 5) == SQLITE_NULL
                           ? INT64_MAX
                           : span_until(db, wg_db_int(row, 5));
    if (sqlite3_column_type(row, 6) != SQLITE_NULL) {
        int64_t until = wg_db_int(row, 6);

        state->is_suspended = until == 0 || until > db->now_ms;
        state->suspended_for_ms = until ? until - db->now_ms : INT64_MAX;
        state->suspended_reason = wg_db_copy(arena, row, 7);
    }
}

void wg_sqlite_destinations(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_store_list_request *request = op->request;
    struct wg_destination_page *page = wg_arena_new(&op->arena, struct wg_destination_page);
    struct wg_destination_state *states =
        wg_arena_alloc(&op->arena, request->limit * sizeof *states);
    struct wg_str after = WG_STR("");
    sqlite3_stmt *row;

    if (request->cursor.at && !wg_db_cursor_read(&op->arena, request->cursor, &after)) {
        wg_fail(&op->err, WG_INVALID, "the cursor is none of this list");
        return;
    }
    row = wg_db_query(db,
                      "SELECT l.destination, sum(count), count(*), sum(bytes), min(head_at),"
                      " min(iif(is_suspended, NULL, due_at)), s.until, s.reason FROM lane l"
                      " LEFT JOIN suspension s ON s.destination = l.destination AND s.room = ''"
                      " WHERE l.destination > ?1 GROUP BY l.destination ORDER BY l.destination"
                      " LIMIT ?2",
                      "ti", after, (int64_t)request->limit);
    page->states = states;
    while (wg_db_row(db, row)) {
        after = wg_db_copy(&op->arena, row, 0);
        fill_state(db, &op->arena, row, &states[page->count++]);
    }
    if (page->count == request->limit)
        page->next_cursor = wg_db_cursor_make(&op->arena, after);
    op->result = page;
}

void wg_sqlite_destinations_between(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_store_list_request *request = op->request;
    struct wg_destination_page *page = wg_arena_new(&op->arena, struct wg_destination_page);
    struct wg_destination_state *states =
        wg_arena_alloc(&op->arena, request->limit * sizeof *states);
    struct wg_destination first = {.is_outbound = true, .name = request->key};
    struct wg_destination last = {.is_outbound = true, .name = request->cursor};
    sqlite3_stmt *row = wg_db_query(
        db,
        "SELECT l.destination, sum(count), count(*), sum(bytes), min(head_at),"
        " min(iif(is_suspended, NULL, due_at)), s.until, s.reason FROM lane l"
        " LEFT JOIN suspension s ON s.destination = l.destination AND s.room = ''"
        " WHERE l.destination BETWEEN ?1 AND ?2 GROUP BY l.destination"
        " UNION ALL SELECT destination, 0, 0, 0, 0, NULL, until, reason FROM suspension s"
        " WHERE destination BETWEEN ?1 AND ?2 AND room = '' AND NOT EXISTS"
        " (SELECT 1 FROM lane l WHERE l.destination = s.destination) LIMIT ?3",
        "tti", wg_db_destination(&op->arena, &first), wg_db_destination(&op->arena, &last),
        (int64_t)request->limit);

    page->states = states;
    while (wg_db_row(db, row))
        fill_state(db, &op->arena, row, &states[page->count++]);
    op->result = page;
}
