// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "store/sqlite/chain.h"

/* One entry a version, oldest first. What has been released is never changed: add an entry.
 *
 * ord       place in the order of acceptance; a message's name everywhere
 * event     the 16 bytes of its UUID
 * Tables that are found by a key of several texts have no rowid: one tree instead of two. */
const char *const wg_db_migrations[] = {
    /* 1: deliveries, seen ids, documents */
    "CREATE TABLE state ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1), clock_ms INTEGER NOT NULL DEFAULT 0,"
    "  next_order INTEGER NOT NULL DEFAULT 1, next_version INTEGER NOT NULL DEFAULT 1,"
    "  next_parked INTEGER NOT NULL DEFAULT 1, deliveries INTEGER NOT NULL DEFAULT 0,"
    "  held INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0,"
    "  body_bytes INTEGER NOT NULL DEFAULT 0, commits INTEGER NOT NULL DEFAULT 0);"
    "INSERT INTO state (one) VALUES (1);"

    /* extra and body last: what stands before them is read without their overflow pages. */
    "CREATE TABLE message ("
    "  ord INTEGER PRIMARY KEY, event BLOB NOT NULL, server TEXT NOT NULL, origin TEXT,"
    "  sender TEXT, room TEXT NOT NULL, type TEXT, accepted_at INTEGER NOT NULL,"
    "  expires_at INTEGER NOT NULL, destinations TEXT NOT NULL, extra BLOB, body BLOB);"
    "CREATE INDEX message_expiry ON message (expires_at);"
    /* Only for messages with more than one destination: how many have not ended. */
    "CREATE TABLE fanout (ord INTEGER PRIMARY KEY, remaining INTEGER NOT NULL);"

    "CREATE TABLE seen ("
    "  event BLOB NOT NULL, destination TEXT NOT NULL, server TEXT NOT NULL,"
    "  expires_at INTEGER NOT NULL, ord INTEGER NOT NULL,"
    "  PRIMARY KEY (event, destination, server)) WITHOUT ROWID;"
    "CREATE INDEX seen_expiry ON seen (expires_at);"

    /* A lane is there as long as it has deliveries; due_at is that of its head. */
    "CREATE TABLE lane ("
    "  destination TEXT NOT NULL, room TEXT NOT NULL, head INTEGER NOT NULL,"
    "  head_at INTEGER NOT NULL, due_at INTEGER NOT NULL, count INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL, is_suspended INTEGER NOT NULL,"
    "  PRIMARY KEY (destination, room)) WITHOUT ROWID;"
    "CREATE INDEX lane_due ON lane (destination, due_at) WHERE is_suspended = 0;"
    "CREATE TABLE delivery ("
    "  destination TEXT NOT NULL, room TEXT NOT NULL, ord INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL, PRIMARY KEY (destination, room, ord)) WITHOUT ROWID;"
    "CREATE TABLE parked (" /* state: 1 held, 2 dead */
    "  state INTEGER NOT NULL, n INTEGER NOT NULL, destination TEXT NOT NULL,"
    "  room TEXT NOT NULL, ord INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT,"
    "  at INTEGER NOT NULL, PRIMARY KEY (state, n)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX parked_message ON parked (ord, destination);"
    "CREATE TABLE attempt ("
    "  ord INTEGER NOT NULL, destination TEXT NOT NULL, number INTEGER NOT NULL,"
    "  at INTEGER NOT NULL, code TEXT NOT NULL, status INTEGER NOT NULL,"
    "  took_ms INTEGER NOT NULL, reason TEXT,"
    "  PRIMARY KEY (ord, destination, number)) WITHOUT ROWID;"
    "CREATE TABLE suspension (" /* room '': all of them; until 0: until resumed */
    "  destination TEXT NOT NULL, room TEXT NOT NULL, since INTEGER NOT NULL,"
    "  until INTEGER NOT NULL, reason TEXT, actor TEXT,"
    "  PRIMARY KEY (destination, room)) WITHOUT ROWID;"

    "CREATE TABLE document ("
    "  namespace TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,"
    "  updated_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, value BLOB NOT NULL);"
    "CREATE UNIQUE INDEX document_name ON document (namespace, key);"
    "CREATE INDEX document_expiry ON document (expires_at) WHERE expires_at > 0;",

    /* 2: the audit and its chain */
    "ALTER TABLE state ADD COLUMN audit_rows INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE state ADD COLUMN audit_bytes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE state ADD COLUMN audit_number INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE state ADD COLUMN audit_unsigned INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE state ADD COLUMN checkpoint_at_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE state ADD COLUMN audit_hash BLOB;" /* NULL: no row yet */
    "CREATE TABLE sw_audit ("
    "  n INTEGER PRIMARY KEY, at INTEGER NOT NULL, action TEXT NOT NULL, server TEXT,"
    "  peer TEXT, direction TEXT, room TEXT, event TEXT, verdict TEXT, code TEXT, reason TEXT,"
    "  policy TEXT, request TEXT, actor TEXT, extra TEXT, generation INTEGER NOT NULL,"
    "  latency_us INTEGER NOT NULL, hash BLOB NOT NULL);"
    "CREATE INDEX audit_event ON sw_audit (event) WHERE event IS NOT NULL;"
    "CREATE INDEX audit_peer ON sw_audit (peer) WHERE peer IS NOT NULL;"
    "CREATE INDEX audit_room ON sw_audit (room) WHERE room IS NOT NULL;"
    "CREATE TABLE audit_anchor ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL, hash BLOB NOT NULL,"
    "  signature BLOB, key TEXT);"
    "INSERT INTO audit_anchor VALUES (1, 0, zeroblob(32), NULL, NULL);",

    /* 3: how an event came to its verdict; last, so that lists pass by without reading it */
    "ALTER TABLE sw_audit ADD COLUMN trace TEXT;",

    /* 4: what rare rows are found by. Of words that many rows share, new entries stand side by
     * side. Of names that are all over the place they would not, and each would cost the
     * writing of a page: so these are kept by slices of rows, which a search asks one by one.
     */
    "DROP INDEX audit_event;"
    "DROP INDEX audit_peer;"
    "DROP INDEX audit_room;"
    "CREATE INDEX audit_event ON sw_audit (n >> 10, event) WHERE event IS NOT NULL;"
    "CREATE INDEX audit_peer ON sw_audit (n >> 10, peer) WHERE peer IS NOT NULL;"
    "CREATE INDEX audit_room ON sw_audit (n >> 10, room) WHERE room IS NOT NULL;"
    "CREATE INDEX audit_kind ON sw_audit (" WG_AUDIT_KIND ");"
    "CREATE INDEX audit_request ON sw_audit (request) WHERE request IS NOT NULL;",
};
const int wg_db_schema_version = WG_COUNT(wg_db_migrations);

static int user_version(struct wg_db *db)
{
    sqlite3_stmt *row = wg_db_query(db, "PRAGMA user_version", "");
    int version = 0;

    if (wg_db_row(db, row)) {
        version = (int)wg_db_int(row, 0);
        wg_db_end(row);
    }
    return version;
}

void wg_db_migrate(struct wg_db *db, int version)
{
    char pragma[64];

    for (int i = user_version(db); i < version && wg_db_is_ok(db); i++) {
        wg_db_script(db, "BEGIN IMMEDIATE");
        wg_db_script(db, wg_db_migrations[i]);
        snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d", WG_DB_APPLICATION_ID);
        wg_db_script(db, pragma);
        snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", i + 1);
        wg_db_script(db, pragma);
        wg_db_script(db, "COMMIT");
    }
    /* After a failure wg_db_script() does nothing, so this goes past it. */
    if (!wg_db_is_ok(db) && !sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}
