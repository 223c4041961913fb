// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "store/sqlite/db.h"

enum { SMALL_FILE_BYTES = 64 * 1024 * 1024 };

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

static enum wg_code refuse_as_damaged(const char *file, const char *finding, struct wg_err *err)
{
    return wg_fail(err, WG_CORRUPT,
                   "%s is damaged (%.90s); restore it from a backup, or move it away and lose "
                   "what waits in it",
                   file, finding);
}

static enum wg_code refuse_foreign(struct wg_db *db, const char *file, struct wg_err *err)
{
    int64_t id = number_of(db, "PRAGMA application_id");
    int64_t tables = number_of(db, "SELECT count(*) FROM sqlite_schema");
    int64_t version = number_of(db, "PRAGMA user_version");

    if ((db->failed & 0xff) == SQLITE_NOTADB)
        return wg_fail(
            err, WG_CONFIG,
            "%s is not a store of Wavegate, or its first page is destroyed; restore it "
            "from a backup, or set another `data` folder",
            file);
    if ((db->failed & 0xff) == SQLITE_CORRUPT)
        return refuse_as_damaged(file, db->failure, err);
    if (!wg_db_is_ok(db))
        return wg_db_status(db, err);
    if (id != WG_DB_APPLICATION_ID && (id != 0 || tables != 0))
        return wg_fail(err, WG_CONFIG,
                       "%s is a database of another program; set another `data` folder", file);
    if (version > wg_db_schema_version)
        return wg_fail(err, WG_CONFIG,
                       "%s was written by a newer Wavegate (schema %d, this one knows %d); "
                       "install that version again",
                       file, (int)version, wg_db_schema_version);
    if (sqlite3_db_readonly(db->handle, "main") == 1)
        return wg_fail(err, WG_CONFIG,
                       "%s cannot be written; look at its owner and mode and at whether its "
                       "file system is mounted read-only",
                       file);
    return WG_OK;
}

/* One row "ok", or the first finding. */
static void check(struct wg_db *db, const char *pragma, char *finding, size_t size)
{
    sqlite3_stmt *row = wg_db_query(db, pragma, "");

    if (!wg_db_row(db, row))
        return;
    if (!wg_str_is(wg_db_text(row, 0), "ok"))
        snprintf(finding, size, "%.*s", WG_STR_F(wg_db_text(row, 0)));
    wg_db_end(row);
}

/* Reading every page of a large file would hold up the start for minutes; what it needs is
 * looked at, and the rest shows itself as WG_CORRUPT when it is read. */
static enum wg_code refuse_damaged(struct wg_db *db, const char *file, enum wg_store_check how,
                                   struct wg_err *err)
{
    int64_t bytes = number_of(db, "PRAGMA page_count") * number_of(db, "PRAGMA page_size");
    char finding[120] = "";

    if (how == WG_STORE_CHECK_FULL) {
        check(db, "PRAGMA integrity_check(1)", finding, sizeof finding);
    } else if (bytes <= SMALL_FILE_BYTES) {
        check(db, "PRAGMA quick_check(1)", finding, sizeof finding);
    } else {
        check(db, "PRAGMA quick_check('state')", finding, sizeof finding);
        check(db, "PRAGMA quick_check('suspension')", finding, sizeof finding);
        check(db, "PRAGMA quick_check('document')", finding, sizeof finding);
    }
    if ((db->failed & 0xff) == SQLITE_CORRUPT)
        snprintf(finding, sizeof finding, "%.100s", db->failure);
    else if (!wg_db_is_ok(db))
        return wg_db_status(db, err);
    if (finding[0])
        return refuse_as_damaged(file, finding, err);
    return WG_OK;
}

static void use_wal(struct wg_db *db)
{
    sqlite3_stmt *row = wg_db_query(db, "PRAGMA journal_mode = WAL", "");

    if (wg_db_row(db, row))
        wg_db_end(row);
    wg_db_script(db, "PRAGMA synchronous = FULL;"
                     "PRAGMA wal_autocheckpoint = 4000;"
                     "PRAGMA journal_size_limit = 67108864;"
                     "PRAGMA temp_store = MEMORY;"
                     "PRAGMA cache_size = -65536;");
}

enum wg_code wg_db_prepare_file(struct wg_db *db, const char *file, enum wg_store_check how,
                                struct wg_err *err)
{
    if (refuse_foreign(db, file, err) != WG_OK || refuse_damaged(db, file, how, err) != WG_OK)
        return err->code;
    use_wal(db);
    wg_db_migrate(db, wg_db_schema_version);
    wg_db_load_state(db);
    if (wg_db_status(db, err) != WG_OK)
        return wg_while(err, "preparing %s", file);
    return WG_OK;
}

#define STATE_COLUMNS                                                                       \
    "clock_ms, next_order, next_version, next_parked, deliveries, held, dead, body_bytes, " \
    "commits, audit_rows, audit_bytes, audit_number, audit_unsigned, checkpoint_at_ms, "    \
    "audit_hash"

void wg_db_load_state(struct wg_db *db)
{
    sqlite3_stmt *row =
        wg_db_query(db, "SELECT " STATE_COLUMNS " FROM state WHERE one = 1", "");
    struct wg_db_state state = {0};
    int64_t *const numbers[] = {
        &state.clock_ms,       &state.next_order,       &state.next_version,
        &state.next_parked,    &state.deliveries,       &state.held,
        &state.dead,           &state.body_bytes,       &state.commits,
        &state.audit_rows,     &state.audit_bytes,      &state.audit_number,
        &state.audit_unsigned, &state.checkpoint_at_ms,
    };

    if (!wg_db_row(db, row)) {
        if (wg_db_is_ok(db)) {
            db->failed = SQLITE_CORRUPT;
            snprintf(db->failure, sizeof db->failure, "the row of table state is missing");
        }
        return;
    }
    for (size_t i = 0; i < WG_COUNT(numbers); i++)
        *numbers[i] = wg_db_int(row, (int)i);
    struct wg_str hash = wg_db_text(row, (int)WG_COUNT(numbers));

    if (hash.len == sizeof state.audit_hash)
        memcpy(state.audit_hash, hash.at, hash.len);
    wg_db_end(row);
    db->state = state;
}

void wg_db_save_state(struct wg_db *db)
{
    const struct wg_db_state *s = &db->state;

    wg_db_run(db,
              "UPDATE state SET (" STATE_COLUMNS ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
              " ?11, ?12, ?13, ?14, ?15) WHERE one = 1",
              "iiiiiiiiiiiiiib", s->clock_ms, s->next_order, s->next_version, s->next_parked,
              s->deliveries, s->held, s->dead, s->body_bytes, s->commits, s->audit_rows,
              s->audit_bytes, s->audit_number, s->audit_unsigned, s->checkpoint_at_ms,
              wg_str_of(s->audit_hash, sizeof s->audit_hash));
}
