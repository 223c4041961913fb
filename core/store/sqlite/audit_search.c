// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/chain.h"

/* Rows stand in the order of their numbers and so nearly in that of their times; a clock that
 * was stepped back by more than this may hide a row from a search by time. */
enum { SLACK_MS = 2 * 3600 * 1000 };

static bool matches(const struct wg_audit_search *search, const struct wg_audit_row *row)
{
    const struct wg_str pairs[][2] = {
        {search->server, row->server},       {search->peer, row->peer},
        {search->direction, row->direction}, {search->room_id, row->room_id},
        {search->event_id, row->event_id},   {search->verdict, row->verdict},
        {search->code, row->code},           {search->request_id, row->request_id},
        {search->actor, row->actor},
    };
    struct wg_str action = search->action;

    if ((search->since_ms && row->at_ms < search->since_ms) ||
        (search->until_ms && row->at_ms >= search->until_ms))
        return false;
    if (action.len && action.at[action.len - 1] == '*') {
        action.len--;
        if (!wg_str_starts(row->action, action))
            return false;
    } else if (action.len && !wg_str_equal(row->action, action)) {
        return false;
    }
    for (size_t i = 0; i < WG_COUNT(pairs); i++) {
        if (pairs[i][0].len && !wg_str_equal(pairs[i][0], pairs[i][1]))
            return false;
    }
    return true;
}

static int64_t number_of(struct wg_db *db, const char *sql)
{
    sqlite3_stmt *row = wg_db_query(db, sql, "");
    int64_t number = 0;

    if (wg_db_row(db, row)) {
        number = wg_db_int(row, 0);
        wg_db_end(row);
    }
    return number;
}

/* The number of the first row at or after that time, or one past the last. */
static int64_t first_since(struct wg_db *db, int64_t at_ms)
{
    int64_t low = number_of(db, "SELECT coalesce(min(n), 1) FROM sw_audit");
    int64_t high = number_of(db, "SELECT coalesce(max(n), 0) FROM sw_audit") + 1;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        sqlite3_stmt *row =
            wg_db_query(db, "SELECT n, at FROM sw_audit WHERE n >= ?1 LIMIT 1", "i", middle);
        bool is_before = false;

        if (wg_db_row(db, row)) {
            is_before = wg_db_int(row, 1) < at_ms;
            wg_db_end(row);
        }
        if (is_before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#define SELECT_ROWS "SELECT " WG_AUDIT_COLUMNS " FROM sw_audit "
#define NEWEST_FIRST " AND n < ?2 ORDER BY n DESC"
#define OLDEST_FIRST " AND n > ?2 ORDER BY n"

/* By the index that narrows most. from: the row before the first in the chosen direction. */
static sqlite3_stmt *select_rows(struct wg_db *db, const struct wg_audit_search *search,
                                 int64_t from)
{
    bool up = search->is_oldest_first;

    if (search->event_id.len)
        return wg_db_query(db,
                           up ? SELECT_ROWS "WHERE event = ?1" OLDEST_FIRST
                              : SELECT_ROWS "WHERE event = ?1" NEWEST_FIRST,
                           "ti", search->event_id, from);
    if (search->peer.len)
        return wg_db_query(db,
                           up ? SELECT_ROWS "WHERE peer = ?1" OLDEST_FIRST
                              : SELECT_ROWS "WHERE peer = ?1" NEWEST_FIRST,
                           "ti", search->peer, from);
    if (search->room_id.len)
        return wg_db_query(db,
                           up ? SELECT_ROWS "WHERE room = ?1" OLDEST_FIRST
                              : SELECT_ROWS "WHERE room = ?1" NEWEST_FIRST,
                           "ti", search->room_id, from);
    return wg_db_query(
        db, up ? SELECT_ROWS "WHERE ?1" OLDEST_FIRST : SELECT_ROWS "WHERE ?1" NEWEST_FIRST,
        "ii", INT64_C(1), from);
}

static bool start_of(struct wg_db *db, struct wg_arena *arena,
                     const struct wg_audit_search *search, int64_t *ret_from)
{
    struct wg_str bytes;

    if (search->cursor.at) {
        if (!wg_db_cursor_read(arena, search->cursor, &bytes) || bytes.len != sizeof *ret_from)
            return false;
        memcpy(ret_from, bytes.at, sizeof *ret_from);
    } else if (search->is_oldest_first) {
        *ret_from = search->since_ms ? first_since(db, search->since_ms - SLACK_MS) - 1 : 0;
    } else {
        *ret_from = search->until_ms ? first_since(db, search->until_ms + SLACK_MS) : INT64_MAX;
    }
    return true;
}

static void copy_row(struct wg_arena *arena, struct wg_audit_row *copy)
{
    struct wg_str *texts[WG_AUDIT_TEXTS];

    wg_audit_texts(copy, texts);
    for (int i = 0; i < WG_AUDIT_TEXTS; i++) {
        if (texts[i]->at)
            *texts[i] = wg_arena_copy(arena, *texts[i]);
    }
}

/* Nothing that is looked for can come after this row. */
static bool is_past(const struct wg_audit_search *search, const struct wg_audit_row *row)
{
    if (search->is_oldest_first)
        return search->until_ms && row->at_ms >= search->until_ms + SLACK_MS;
    return search->since_ms && row->at_ms < search->since_ms - SLACK_MS;
}

void wg_sqlite_audit_search(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_audit_search *search = op->request;
    struct wg_audit_page *page = wg_arena_new(&op->arena, struct wg_audit_page);
    struct wg_audit_row *rows = wg_arena_alloc(&op->arena, search->limit * sizeof *rows);
    struct wg_db_budget budget;
    sqlite3_stmt *statement;
    int64_t last;

    if (!start_of(db, &op->arena, search, &last)) {
        wg_fail(&op->err, WG_INVALID, "the cursor is none of this list");
        return;
    }
    wg_db_budget_start(&budget);
    statement = select_rows(db, search, last);
    page->is_end = true;
    page->rows = rows;
    while (wg_db_row(db, statement)) {
        struct wg_audit_row row = {0};

        wg_audit_read(statement, &row);
        if (is_past(search, &row)) {
            wg_db_end(statement);
            break;
        }
        if (page->count == search->limit || wg_db_budget_is_spent(&budget)) {
            page->is_end = false;
            wg_db_end(statement);
            break;
        }
        last = row.number;
        if (!matches(search, &row))
            continue;
        if (!search->with_trace)
            row.trace = (struct wg_str){NULL, 0};
        copy_row(&op->arena, &row);
        rows[page->count++] = row;
    }
    if (!page->is_end || search->is_oldest_first)
        page->next_cursor = wg_db_cursor_make(&op->arena, wg_str_of(&last, sizeof last));
    op->result = page;
}
