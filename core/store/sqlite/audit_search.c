// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/audit_seek.h"

/* Rows stand in the order of their numbers and so nearly in that of their times; a clock that
 * was stepped back by more than this may hide a row from a search by time. */
enum { SLACK_MS = 2 * 3600 * 1000 };

bool wg_audit_action_fits(struct wg_str wanted, struct wg_str action)
{
    if (!wanted.len)
        return true;
    if (wanted.at[wanted.len - 1] != '*')
        return wg_str_equal(action, wanted);
    return wg_str_starts(action, wg_str_of(wanted.at, wanted.len - 1));
}

static bool matches(const struct wg_audit_search *search, const struct wg_audit_row *row)
{
    const struct wg_str pairs[][2] = {
        {search->server, row->server},       {search->peer, row->peer},
        {search->direction, row->direction}, {search->room_id, row->room_id},
        {search->event_id, row->event_id},   {search->verdict, row->verdict},
        {search->code, row->code},           {search->request_id, row->request_id},
        {search->actor, row->actor},
    };

    if ((search->since_ms && row->at_ms < search->since_ms) ||
        (search->until_ms && row->at_ms >= search->until_ms))
        return false;
    if (!wg_audit_action_fits(search->action, row->action))
        return false;
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

/* Where the rows come from: one by one, or where the filters meet. */
struct source {
    struct wg_db *db;
    struct wg_db_budget budget;
    struct wg_audit_seek seek;
    bool has_seek, is_up;
    sqlite3_stmt *statement;
};

#define SELECT_ROWS "SELECT " WG_AUDIT_COLUMNS " FROM sw_audit WHERE "

static enum wg_audit_found next_by_seek(struct source *source, int64_t *number)
{
    enum wg_audit_found found = wg_audit_seek_next(&source->seek, &source->budget, number);

    if (found != WG_AUDIT_FOUND)
        return found;
    source->statement = wg_db_query(source->db, SELECT_ROWS "n = ?1", "i", *number);
    return wg_db_row(source->db, source->statement) ? WG_AUDIT_FOUND : WG_AUDIT_NO_MORE;
}

static enum wg_audit_found next_by_walk(struct source *source, int64_t *number)
{
    if (!source->statement)
        source->statement = wg_db_query(source->db,
                                        source->is_up ? SELECT_ROWS "n > ?1 ORDER BY n"
                                                      : SELECT_ROWS "n < ?1 ORDER BY n DESC",
                                        "i", *number);
    if (!wg_db_row(source->db, source->statement)) {
        source->statement = NULL;
        return WG_AUDIT_NO_MORE;
    }
    *number = wg_db_int(source->statement, 0);
    return WG_AUDIT_FOUND;
}

/* The statement stands at the row until release(). */
static enum wg_audit_found next_row(struct source *source, int64_t *number)
{
    return source->has_seek ? next_by_seek(source, number) : next_by_walk(source, number);
}

static void release(struct source *source, bool is_over)
{
    if (source->statement && (source->has_seek || is_over)) {
        wg_db_end(source->statement);
        source->statement = NULL;
    }
}

/* @return false when the page ends before this row. */
static bool take_row(struct wg_store_op *op, struct wg_audit_page *page,
                     sqlite3_stmt *statement, struct wg_audit_row *rows)
{
    const struct wg_audit_search *search = op->request;
    struct wg_audit_row row = {0};

    wg_audit_read(statement, &row);
    if (is_past(search, &row))
        return false;
    if (!matches(search, &row))
        return true;
    if (!search->with_trace)
        row.trace = (struct wg_str){NULL, 0};
    copy_row(&op->arena, &row);
    rows[page->count++] = row;
    return true;
}

void wg_sqlite_audit_search(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_audit_search *search = op->request;
    struct wg_audit_page *page = wg_arena_new(&op->arena, struct wg_audit_page);
    struct wg_audit_row *rows = wg_arena_alloc(&op->arena, search->limit * sizeof *rows);
    struct source source = {.db = db, .is_up = search->is_oldest_first};
    enum wg_audit_found found;
    int64_t last, number;

    if (!start_of(db, &op->arena, search, &last)) {
        wg_fail(&op->err, WG_INVALID, "the cursor is none of this list");
        return;
    }
    wg_db_budget_start(&source.budget);
    source.has_seek = wg_audit_seek_start(&source.seek, db, &op->arena, search);
    page->rows = rows;
    for (number = last; (found = next_row(&source, &number)) == WG_AUDIT_FOUND;) {
        bool is_over = page->count == search->limit || wg_db_budget_is_spent(&source.budget);

        if (!is_over && !take_row(op, page, source.statement, rows)) {
            found = WG_AUDIT_NO_MORE;
            is_over = true;
        }
        release(&source, is_over);
        if (is_over)
            break;
        last = number;
    }
    if (found == WG_AUDIT_PAUSED)
        last = number;
    page->is_end = found == WG_AUDIT_NO_MORE;
    if (!page->is_end || search->is_oldest_first)
        page->next_cursor = wg_db_cursor_make(&op->arena, wg_str_of(&last, sizeof last));
    op->result = page;
}
