// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/walk.h"

/* INT64_MAX for those behind the head. */
static int64_t due_in(struct wg_db *db, const struct wg_db_place *place)
{
    sqlite3_stmt *row = wg_db_query(
        db, "SELECT due_at FROM lane WHERE destination = ?1 AND room = ?2 AND head = ?3", "tti",
        place->destination, place->room, place->order);
    int64_t due_at;

    if (!wg_db_row(db, row))
        return INT64_MAX;
    due_at = wg_db_int(row, 0);
    wg_db_end(row);
    return due_at - db->now_ms;
}

static struct wg_queue_entry entry_of(struct wg_db *db, const struct wg_walk_entry *walked,
                                      enum wg_queue_state state)
{
    int64_t age = db->now_ms - walked->loaded.accepted_at_ms;

    return (struct wg_queue_entry){
        .delivery = {.key = {.destination = wg_db_destination_of(walked->place.destination),
                             .room_id = walked->place.room,
                             .order = (uint64_t)walked->place.order},
                     .message = walked->loaded.message,
                     .attempts = walked->attempts,
                     .age_ms = age > 0 ? age : 0,
                     .expires_in_ms = walked->loaded.expires_at_ms - db->now_ms},
        .body_bytes = walked->loaded.body_bytes,
        .due_in_ms = state == WG_QUEUE_WAITING ? due_in(db, &walked->place) : INT64_MAX,
        .ended_at_ms = walked->at_ms,
        .reason = walked->reason,
    };
}

void wg_sqlite_queue_list(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_queue_list *list = op->request;
    struct wg_queue_page *page = wg_arena_new(&op->arena, struct wg_queue_page);
    struct wg_queue_entry *entries = wg_arena_alloc(&op->arena, list->limit * sizeof *entries);
    struct wg_walk_entry walked;
    struct wg_walk walk;

    if (!wg_walk_start(&walk, db, &op->arena, &list->filter, false, list->cursor)) {
        wg_fail(&op->err, WG_INVALID, "the cursor is none of this list");
        return;
    }
    page->entries = entries;
    while (wg_walk_next(&walk, list->with_body, &walked)) {
        entries[page->count++] = entry_of(db, &walked, list->filter.state);
        if (page->count == list->limit)
            wg_walk_stop(&walk);
        if (walk.is_paused)
            break;
    }
    if (walk.is_paused)
        page->next_cursor = wg_walk_cursor(&walk);
    op->result = page;
}

/* --- story --- */

static enum wg_code code_of(struct wg_str name)
{
    static const char *const names[] = {
#define X(code_name, words, retry, status, code) #code_name,
        WG_CODES(X)
#undef X
    };

    for (size_t i = 0; i < WG_COUNT(names); i++) {
        if (wg_str_is(name, names[i]))
            return (enum wg_code)i;
    }
    return WG_INTERNAL;
}

enum { ATTEMPTS_MAX = 1000, PARTS_MAX = 256 };

static void add_attempts(struct wg_db *db, struct wg_arena *arena, struct wg_str destination,
                         struct wg_story_part *part)
{
    sqlite3_stmt *row = wg_db_query(db,
                                    "SELECT number, at, code, status, took_ms, reason,"
                                    " count(*) OVER () FROM attempt"
                                    " WHERE ord = ?1 AND destination = ?2 ORDER BY number",
                                    "it", (int64_t)part->order, destination);
    struct wg_attempt *attempts = NULL;
    size_t room = 0;

    while (wg_db_row(db, row)) {
        if (!attempts) {
            room = (size_t)wg_db_int(row, 6);
            attempts = wg_arena_alloc(arena, room * sizeof *attempts);
        }
        if (part->attempt_count == room)
            continue;
        attempts[part->attempt_count++] = (struct wg_attempt){
            .number = wg_db_int(row, 0),
            .at_ms = wg_db_int(row, 1),
            .code = code_of(wg_db_text(row, 2)),
            .status = wg_db_int(row, 3),
            .took_ms = wg_db_int(row, 4),
            .reason = wg_db_copy(arena, row, 5),
        };
    }
    part->attempts = attempts;
}

static void add_state(struct wg_db *db, struct wg_arena *arena, struct wg_str destination,
                      struct wg_story_part *part)
{
    struct wg_db_message loaded;
    sqlite3_stmt *row;

    if (!wg_db_message_load(db, arena, (int64_t)part->order, false, &loaded))
        return;
    part->room_id = loaded.message.room_id;
    row =
        wg_db_query(db, "SELECT state, reason FROM parked WHERE ord = ?1 AND destination = ?2",
                    "it", (int64_t)part->order, destination);
    if (wg_db_row(db, row)) {
        part->state = wg_db_int(row, 0) == WG_DB_HELD ? WG_STORY_HELD : WG_STORY_DEAD;
        part->reason = wg_db_copy(arena, row, 1);
        wg_db_end(row);
        return;
    }
    row = wg_db_query(
        db, "SELECT 1 FROM delivery WHERE destination = ?1 AND room = ?2 AND ord = ?3", "tti",
        destination, part->room_id, (int64_t)part->order);
    if (wg_db_row(db, row)) {
        part->state = WG_STORY_WAITING;
        wg_db_end(row);
    }
}

void wg_sqlite_story(struct wg_db *db, struct wg_store_op *op)
{
    struct wg_story *story = wg_arena_new(&op->arena, struct wg_story);
    struct wg_story_part *parts = wg_arena_alloc(&op->arena, PARTS_MAX * sizeof *parts);
    sqlite3_stmt *row =
        wg_db_query(db, "SELECT destination, server, ord FROM seen WHERE event = ?1 LIMIT ?2",
                    "bi", wg_str_of(op->request, WG_EVENT_KEY), (int64_t)PARTS_MAX);

    while (wg_db_row(db, row)) {
        struct wg_story_part *part = &parts[story->count++];
        struct wg_str destination = wg_db_copy(&op->arena, row, 0);

        part->destination = wg_db_destination_of(destination);
        part->server = wg_db_copy(&op->arena, row, 1);
        part->order = (uint64_t)wg_db_int(row, 2);
        add_attempts(db, &op->arena, destination, part);
        add_state(db, &op->arena, destination, part);
    }
    story->parts = parts;
    op->result = story;
}
