// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ops.h"

int64_t wg_db_message_bytes(const struct wg_queued_message *message)
{
    return (int64_t)(message->body.len + message->extra.len);
}

bool wg_db_message_load(struct wg_db *db, struct wg_arena *arena, int64_t order, bool with_body,
                        struct wg_db_message *ret_message)
{
    sqlite3_stmt *row =
        wg_db_query(db,
                    "SELECT event, server, origin, sender, room, type, accepted_at, expires_at,"
                    " coalesce(length(extra), 0) + coalesce(length(body), 0), extra, body"
                    " FROM message WHERE ord = ?1",
                    "i", order);
    struct wg_queued_message *message = &ret_message->message;
    struct wg_str event;

    if (!wg_db_row(db, row))
        return false;
    *ret_message = (struct wg_db_message){
        .message = {.server = wg_db_copy(arena, row, 1),
                    .origin = wg_db_copy(arena, row, 2),
                    .sender = wg_db_copy(arena, row, 3),
                    .room_id = wg_db_copy(arena, row, 4),
                    .type = wg_db_copy(arena, row, 5)},
        .accepted_at_ms = wg_db_int(row, 6),
        .expires_at_ms = wg_db_int(row, 7),
        .body_bytes = wg_db_int(row, 8),
    };
    event = wg_db_text(row, 0);
    if (event.len == WG_EVENT_KEY)
        memcpy(message->event_id, event.at, event.len);
    if (with_body) {
        message->extra = wg_db_copy(arena, row, 9);
        message->body = wg_db_copy(arena, row, 10);
    }
    wg_db_end(row);
    return true;
}

void wg_db_message_insert(struct wg_db *db, int64_t order,
                          const struct wg_queued_message *message, int64_t expires_at_ms,
                          struct wg_str destinations, int64_t destination_count)
{
    wg_db_run(
        db, "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        "ibtttttiitbb", order, wg_str_of(message->event_id, WG_EVENT_KEY), message->server,
        message->origin, message->sender, message->room_id, message->type, db->now_ms,
        expires_at_ms, destinations, message->extra, message->body);
    if (destination_count > 1)
        wg_db_run(db, "INSERT INTO fanout VALUES (?1, ?2)", "ii", order, destination_count);
    db->state.body_bytes += wg_db_message_bytes(message);
}

void wg_db_message_leave(struct wg_db *db, int64_t order)
{
    sqlite3_stmt *row = wg_db_query(
        db,
        "SELECT coalesce(length(extra), 0) + coalesce(length(body), 0),"
        " (SELECT remaining FROM fanout WHERE ord = ?1) FROM message WHERE ord = ?1",
        "i", order);
    int64_t bytes, remaining;

    if (!wg_db_row(db, row))
        return;
    bytes = wg_db_int(row, 0);
    remaining = wg_db_int(row, 1); /* 0: it has one destination only */
    wg_db_end(row);
    if (remaining > 1) {
        wg_db_run(db, "UPDATE fanout SET remaining = remaining - 1 WHERE ord = ?1", "i", order);
        return;
    }
    if (remaining > 0)
        wg_db_run(db, "DELETE FROM fanout WHERE ord = ?1", "i", order);
    wg_db_run(db, "DELETE FROM message WHERE ord = ?1", "i", order);
    db->state.body_bytes -= bytes;
}
