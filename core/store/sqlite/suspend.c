// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ops.h"

static void mark_lane(struct wg_db *db, struct wg_str destination, struct wg_str room,
                      int64_t is_suspended)
{
    wg_db_run(db, "UPDATE lane SET is_suspended = ?3 WHERE destination = ?1 AND room = ?2",
              "tti", destination, room, is_suspended);
}

void wg_sqlite_suspend(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_suspend *suspend = op->request;
    struct wg_str destination = wg_db_destination(&op->arena, &suspend->destination);
    struct wg_str room = suspend->room_id.at ? suspend->room_id : WG_STR("");

    if (!suspend->is_resume) {
        wg_db_run(db, "INSERT OR REPLACE INTO suspension VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                  "ttiitt", destination, room, db->now_ms,
                  suspend->for_ms > 0 ? db->now_ms + suspend->for_ms : INT64_C(0),
                  suspend->reason, suspend->actor);
    } else if (wg_db_run(db, "DELETE FROM suspension WHERE destination = ?1 AND room = ?2",
                         "tt", destination, room) == 0) {
        wg_fail(&op->err, WG_NOT_FOUND, "%.*s is not suspended%s",
                WG_STR_F(suspend->destination.name), room.len ? " for that room" : "");
        return;
    }
    if (room.len)
        mark_lane(db, destination, room, !suspend->is_resume);
    wg_db_audit(db, suspend->audit, suspend->audit_count);
}

static struct wg_suspension read(struct wg_db *db, struct wg_arena *arena, sqlite3_stmt *row)
{
    int64_t until = wg_db_int(row, 3);
    struct wg_suspension suspension = {
        .destination = wg_db_destination_of(wg_db_copy(arena, row, 0)),
        .since_ms = wg_db_int(row, 2),
        .left_ms = until ? until - db->now_ms : INT64_MAX,
        .reason = wg_db_copy(arena, row, 4),
        .actor = wg_db_copy(arena, row, 5),
    };

    if (wg_db_text(row, 1).len)
        suspension.room_id = wg_db_copy(arena, row, 1);
    return suspension;
}

/* "destination\nroom" */
static struct wg_str cursor_of(struct wg_arena *arena, const struct wg_suspension *last)
{
    struct wg_str destination = wg_db_destination(arena, &last->destination);
    const char *text =
        wg_arena_format(arena, "%.*s\n%.*s", WG_STR_F(destination), WG_STR_F(last->room_id));

    return wg_db_cursor_make(arena, wg_str(text));
}

void wg_sqlite_suspensions(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_store_list_request *request = op->request;
    struct wg_suspension_page *page = wg_arena_new(&op->arena, struct wg_suspension_page);
    struct wg_suspension *suspensions =
        wg_arena_alloc(&op->arena, request->limit * sizeof *suspensions);
    struct wg_str room = WG_STR(""), destination = room;
    sqlite3_stmt *row;

    if (request->cursor.at) {
        if (!wg_db_cursor_read(&op->arena, request->cursor, &room)) {
            wg_fail(&op->err, WG_INVALID, "the cursor is none of this list");
            return;
        }
        destination = wg_str_split(&room, '\n');
        if (!room.at)
            room = WG_STR("");
    }
    row = wg_db_query(db,
                      "SELECT destination, room, since, until, reason, actor FROM suspension"
                      " WHERE (destination, room) > (?1, ?2) AND (until = 0 OR until > ?3)"
                      " ORDER BY destination, room LIMIT ?4",
                      "ttii", destination, room, db->now_ms, (int64_t)request->limit);
    page->suspensions = suspensions;
    while (wg_db_row(db, row))
        suspensions[page->count++] = read(db, &op->arena, row);
    if (page->count == request->limit)
        page->next_cursor = cursor_of(&op->arena, &suspensions[page->count - 1]);
    op->result = page;
}
