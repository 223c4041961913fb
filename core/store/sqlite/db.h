// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include "base/arena.h"
#include "store/queue.h"
#include "store/store.h"

/** One connection, and the way all SQL here is written: it remembers the first failure, after
 * which every call is a no-op, so that an operation reads as a recipe and is asked once at the
 * end.
 *
 * Thread: one at a time. */
struct wg_db_statement {
    const char *sql; /**< the literal itself, compared by address */
    sqlite3_stmt *statement;
};

/** What is kept in memory of the file and written with every commit (table state, one row). */
struct wg_db_state {
    int64_t clock_ms; /**< wall clock of the last commit: shows that it was stepped back */
    int64_t next_order, next_version, next_parked;
    int64_t deliveries, held, dead;
    int64_t body_bytes;
    int64_t commits;
    int64_t audit_rows, audit_bytes;
    int64_t audit_number;   /**< of the newest row */
    int64_t audit_unsigned; /**< rows since the last checkpoint */
    int64_t checkpoint_at_ms;
    uint8_t audit_hash[32];
};

enum { WG_DB_STATEMENTS = 256 };

struct wg_db {
    sqlite3 *handle;
    struct wg_db_statement statements[WG_DB_STATEMENTS];
    const struct wg_store_options *options; /**< with the defaults filled in */
    int64_t now_ms;                         /**< of this group or read */
    struct wg_db_state state;               /**< writer only */
    int64_t free_disk_bytes;                /**< writer only: looked up once a group */
    int64_t attempts_looked_at; /**< writer only: how far forget_attempts() has come */
    int failed;                 /**< SQLite's extended code; 0: none */
    char failure[160];
};

WG_MUST_USE enum wg_code wg_db_open(struct wg_db *db, const char *file, bool is_reader,
                                    struct wg_err *err);
void wg_db_close(struct wg_db *db);

/** Binds by letters: i int64_t, t struct wg_str as text, b struct wg_str as blob (absent:
 * NULL). Bytes are not copied: they must last until the statement ends. @return NULL after a
 * failure */
sqlite3_stmt *wg_db_query(struct wg_db *db, const char *sql, const char *types, ...);
/** @return whether there is a row; after the last the statement has ended by itself. */
bool wg_db_row(struct wg_db *db, sqlite3_stmt *statement);
/** Ends a statement before its last row. */
void wg_db_end(sqlite3_stmt *statement);
/** Runs to the end. @return rows changed */
int wg_db_run(struct wg_db *db, const char *sql, const char *types, ...);
/** A whole script, not kept. */
void wg_db_script(struct wg_db *db, const char *sql);
bool wg_db_is_ok(const struct wg_db *db);
/** WG_OK, or the failure as ours. */
WG_MUST_USE enum wg_code wg_db_status(const struct wg_db *db, struct wg_err *err);
/** Forgets the failure. */
void wg_db_clear(struct wg_db *db);

/** Lent until the statement goes on; a NULL is absent. */
struct wg_str wg_db_text(sqlite3_stmt *statement, int column);
struct wg_str wg_db_copy(struct wg_arena *arena, sqlite3_stmt *statement, int column);
int64_t wg_db_int(sqlite3_stmt *statement, int column);

/* file.c */
/** Refuses foreign, newer, damaged and read-only files, and brings an older one up to date. */
WG_MUST_USE enum wg_code wg_db_prepare_file(struct wg_db *db, const char *file,
                                            enum wg_store_check check, struct wg_err *err);
void wg_db_load_state(struct wg_db *db);
void wg_db_save_state(struct wg_db *db);

/* schema.c */
extern const char *const wg_db_migrations[];
extern const int wg_db_schema_version;
enum { WG_DB_APPLICATION_ID = 0x57764774 }; /* "WvGt" */
/** Runs the migrations up to version, each in a transaction of its own. */
void wg_db_migrate(struct wg_db *db, int version);

/* Destinations are kept as "i:a.example", "o:peer.example". */
struct wg_str wg_db_destination(struct wg_arena *arena,
                                const struct wg_destination *destination);
struct wg_destination wg_db_destination_of(struct wg_str key);
