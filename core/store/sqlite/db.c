// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/db.h"

#include <stdarg.h>
#include <stdio.h>

static void fail(struct wg_db *db, int code)
{
    if (db->failed)
        return;
    db->failed = code;
    snprintf(db->failure, sizeof db->failure, "%s",
             db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code));
}

enum wg_code wg_db_open(struct wg_db *db, const char *file, bool is_reader, struct wg_err *err)
{
    int code = sqlite3_open_v2(file, &db->handle,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                   (is_reader ? 0 : SQLITE_OPEN_CREATE),
                               NULL);

    wg_db_clear(db);
    if (code != SQLITE_OK) {
        fail(db, code);
        code = (int)wg_db_status(db, err);
        wg_db_close(db);
        return code == WG_OK ? WG_OK : wg_while(err, "opening %s", file);
    }
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, 5000);
    return WG_OK;
}

void wg_db_close(struct wg_db *db)
{
    for (size_t i = 0; i < WG_COUNT(db->statements); i++) {
        sqlite3_finalize(db->statements[i].statement);
        db->statements[i] = (struct wg_db_statement){0};
    }
    sqlite3_close(db->handle);
    db->handle = NULL;
}

/* Every SQL text here is a literal, so its address is its name. */
static sqlite3_stmt *prepared(struct wg_db *db, const char *sql)
{
    size_t at = ((uintptr_t)sql >> 3) * 0x9e3779b1u % WG_DB_STATEMENTS;
    int code;

    while (db->statements[at].sql && db->statements[at].sql != sql)
        at = (at + 1) % WG_DB_STATEMENTS;
    if (db->statements[at].sql)
        return db->statements[at].statement;
    code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                              &db->statements[at].statement, NULL);
    if (code != SQLITE_OK) {
        fail(db, code);
        return NULL;
    }
    db->statements[at].sql = sql;
    return db->statements[at].statement;
}

static void bind(sqlite3_stmt *statement, const char *types, va_list values)
{
    for (int i = 1; types[i - 1]; i++) {
        if (types[i - 1] == 'i') {
            sqlite3_bind_int64(statement, i, va_arg(values, int64_t));
            continue;
        }
        struct wg_str bytes = va_arg(values, struct wg_str);

        if (!bytes.at)
            sqlite3_bind_null(statement, i);
        else if (types[i - 1] == 't')
            sqlite3_bind_text64(statement, i, bytes.at, bytes.len, SQLITE_STATIC, SQLITE_UTF8);
        else
            sqlite3_bind_blob64(statement, i, bytes.at, bytes.len, SQLITE_STATIC);
    }
}

sqlite3_stmt *wg_db_query(struct wg_db *db, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list values;

    if (db->failed || !(statement = prepared(db, sql)))
        return NULL;
    va_start(values, types);
    bind(statement, types, values);
    va_end(values);
    return statement;
}

bool wg_db_row(struct wg_db *db, sqlite3_stmt *statement)
{
    int code;

    if (!statement)
        return false;
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE)
        fail(db, code);
    sqlite3_reset(statement);
    return false;
}

void wg_db_end(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
}

int wg_db_run(struct wg_db *db, const char *sql, const char *types, ...)
{
    sqlite3_stmt *statement;
    va_list values;

    if (db->failed || !(statement = prepared(db, sql)))
        return 0;
    va_start(values, types);
    bind(statement, types, values);
    va_end(values);
    while (wg_db_row(db, statement))
        ;
    return db->failed ? 0 : sqlite3_changes(db->handle);
}

void wg_db_script(struct wg_db *db, const char *sql)
{
    int code;

    if (db->failed)
        return;
    code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        fail(db, code);
}

bool wg_db_is_ok(const struct wg_db *db)
{
    return db->failed == 0;
}

static enum wg_code code_of(int failed)
{
    switch (failed & 0xff) {
    case SQLITE_OK:
        return WG_OK;
    case SQLITE_FULL:
        return WG_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return WG_CORRUPT;
    case SQLITE_TOOBIG:
        return WG_TOO_LARGE;
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
        return WG_IO;
    default:
        return WG_INTERNAL;
    }
}

static const char *remedy(enum wg_code code)
{
    switch (code) {
    case WG_FULL:
        return "; free space on the disk that holds the data folder";
    case WG_CORRUPT:
        return "; stop the gateway and restore the data folder from a backup";
    case WG_IO:
        return "; look at the disk that holds the data folder";
    default:
        return "";
    }
}

enum wg_code wg_db_status(const struct wg_db *db, struct wg_err *err)
{
    enum wg_code code = code_of(db->failed);

    if (code == WG_OK)
        return WG_OK;
    return wg_fail(err, code, "%s (SQLite %d)%s", db->failure, db->failed, remedy(code));
}

void wg_db_clear(struct wg_db *db)
{
    db->failed = 0;
    db->failure[0] = '\0';
}

struct wg_str wg_db_text(sqlite3_stmt *statement, int column)
{
    const char *at = sqlite3_column_blob(statement, column);
    size_t len = (size_t)sqlite3_column_bytes(statement, column);

    /* SQLite gives no address for an empty blob; absent is NULL only. */
    if (!at && sqlite3_column_type(statement, column) != SQLITE_NULL)
        at = "";
    return (struct wg_str){at, len};
}

struct wg_str wg_db_copy(struct wg_arena *arena, sqlite3_stmt *statement, int column)
{
    struct wg_str text = wg_db_text(statement, column);

    return text.at ? wg_arena_copy(arena, text) : text;
}

int64_t wg_db_int(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_int64(statement, column);
}

struct wg_str wg_db_destination(struct wg_arena *arena,
                                const struct wg_destination *destination)
{
    const char *text = wg_arena_format(arena, "%c:%.*s", destination->is_outbound ? 'o' : 'i',
                                       WG_STR_F(destination->name));

    return wg_str(text);
}

struct wg_destination wg_db_destination_of(struct wg_str key)
{
    if (!WG_CHECK(key.len >= 2))
        return (struct wg_destination){0};
    return (struct wg_destination){key.at[0] == 'o', {key.at + 2, key.len - 2}};
}
