// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/chain.h"

/* What one round does at most of each kind, so that it never holds up a promise for long. */
enum { MESSAGES = 64, ROWS = 512, CHECKPOINT_EVERY_MS = 3600 * 1000 };

/* A dead letter goes when it has been kept for dead_keep. @return when it will, 0: it is gone
 */
static int64_t clean_dead(struct wg_db *db, const struct wg_db_place *place)
{
    sqlite3_stmt *row = wg_db_query(
        db, "SELECT at FROM parked WHERE ord = ?1 AND destination = ?2 AND state = 2", "it",
        place->order, place->destination);
    int64_t until;

    if (!wg_db_row(db, row))
        return 0;
    until = wg_db_int(row, 0) + db->options->dead_keep_ms;
    wg_db_end(row);
    if (until > db->now_ms)
        return until;
    wg_db_unpark(db, WG_DB_DEAD, place, NULL);
    wg_db_message_leave(db, place->order);
    return 0;
}

/* Wherever it is, it ends. @return when this destination is to be looked at again, 0: never */
static int64_t expire_one(struct wg_db *db, const struct wg_db_place *place,
                          const struct wg_queued_message *message)
{
    struct wg_str reason = WG_STR("expired");
    int64_t attempts = 0;

    if (wg_db_unpark(db, WG_DB_HELD, place, &attempts))
        reason = WG_STR("expired in quarantine");
    else if (!wg_db_lane_remove(db, place, &attempts))
        return clean_dead(db, place);
    wg_db_park(db, WG_DB_DEAD, place, attempts, reason);
    wg_db_audit_delivery(db, place, message,
                         &(struct wg_audit_row){
                             .verdict = WG_STR("expired"),
                             .reason = WG_STR("not delivered before it expired"),
                         });
    return db->now_ms + db->options->dead_keep_ms;
}

static void expire_message(struct wg_db *db, struct wg_arena *arena, int64_t order,
                           struct wg_str destinations)
{
    struct wg_db_message loaded;
    int64_t again_at = 0;

    if (!wg_db_message_load(db, arena, order, false, &loaded))
        return;
    for (struct wg_str rest = destinations; rest.at;) {
        struct wg_db_place place = {wg_str_split(&rest, '\n'), loaded.message.room_id, order};
        int64_t at = expire_one(db, &place, &loaded.message);

        again_at = at > again_at ? at : again_at;
    }
    if (again_at)
        wg_db_run(db, "UPDATE message SET expires_at = ?2 WHERE ord = ?1", "ii", order,
                  again_at);
}

static bool expire_messages(struct wg_db *db, struct wg_arena *arena)
{
    int64_t orders[MESSAGES];
    struct wg_str destinations[MESSAGES];
    size_t count = 0;
    sqlite3_stmt *row =
        wg_db_query(db,
                    "SELECT ord, destinations FROM message WHERE expires_at <= ?1"
                    " ORDER BY expires_at LIMIT ?2",
                    "ii", db->now_ms, (int64_t)MESSAGES);

    while (wg_db_row(db, row)) {
        orders[count] = wg_db_int(row, 0);
        destinations[count++] = wg_db_copy(arena, row, 1);
    }
    for (size_t i = 0; i < count; i++)
        expire_message(db, arena, orders[i], destinations[i]);
    return count == MESSAGES;
}

static bool end_suspensions(struct wg_db *db)
{
    sqlite3_stmt *row = wg_db_query(db,
                                    "DELETE FROM suspension WHERE until > 0 AND until <= ?1"
                                    " RETURNING destination, room",
                                    "i", db->now_ms);

    while (wg_db_row(db, row)) {
        if (wg_db_text(row, 1).len)
            wg_db_run(db,
                      "UPDATE lane SET is_suspended = 0 WHERE destination = ?1 AND room = ?2",
                      "tt", wg_db_text(row, 0), wg_db_text(row, 1));
    }
    return false;
}

static bool forget_seen(struct wg_db *db)
{
    return wg_db_run(db,
                     "DELETE FROM seen WHERE (event, destination, server) IN (SELECT event,"
                     " destination, server FROM seen INDEXED BY seen_expiry"
                     " WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
                     "ii", db->now_ms, (int64_t)ROWS) == ROWS;
}

static bool forget_documents(struct wg_db *db)
{
    return wg_db_run(db,
                     "DELETE FROM document WHERE rowid IN (SELECT rowid FROM document"
                     " WHERE expires_at > 0 AND expires_at <= ?1 LIMIT ?2)",
                     "ii", db->now_ms, (int64_t)ROWS) == ROWS;
}

/* Attempts outlive their message as long as its id is remembered, for the story of it. They
 * stand in the order of acceptance, so the first recent one ends the round; dead letters keep
 * theirs. */
static bool forget_attempts(struct wg_db *db)
{
    int64_t orders[ROWS], at = 0, limit = db->now_ms - db->options->seen_keep_ms;
    size_t count = 0;
    sqlite3_stmt *row = wg_db_query(db,
                                    "SELECT ord, max(at) FROM attempt WHERE ord > ?1"
                                    " GROUP BY ord ORDER BY ord LIMIT ?2",
                                    "ii", db->attempts_looked_at, (int64_t)ROWS);

    while (at <= limit && wg_db_row(db, row)) {
        orders[count] = wg_db_int(row, 0);
        at = wg_db_int(row, 1);
        if (at <= limit)
            count++;
    }
    if (row)
        wg_db_end(row);
    for (size_t i = 0; i < count; i++)
        wg_db_run(db,
                  "DELETE FROM attempt WHERE ord = ?1"
                  " AND NOT EXISTS (SELECT 1 FROM message WHERE ord = ?1)",
                  "i", orders[i]);
    db->attempts_looked_at = count == ROWS ? orders[count - 1] : 0;
    return count == ROWS;
}

/* --- audit --- */

static void move_anchor(struct wg_db *db, int64_t number, const uint8_t hash[WG_AUDIT_HASH])
{
    const struct wg_store_signer *signer = &db->options->signer;
    uint8_t signature[WG_STORE_SIGNATURE];
    char statement[WG_AUDIT_STATEMENT], key[WG_STORE_KEY_NAME] = "";
    struct wg_str signed_by = {0}, signature_bytes = {0};

    if (signer->sign &&
        signer->sign(signer->owner, wg_audit_statement(statement, "audit.anchor", number, hash),
                     signature, key)) {
        signed_by = wg_str(key);
        signature_bytes = wg_str_of(signature, sizeof signature);
    }
    wg_db_run(db, "UPDATE audit_anchor SET n = ?1, hash = ?2, signature = ?3, key = ?4", "ibbt",
              number, wg_str_of(hash, WG_AUDIT_HASH), signature_bytes, signed_by);
}

/* Cuts the old end of the chain by age and size; the newest row always stays. */
static bool forget_audit(struct wg_db *db)
{
    int64_t cut = 0, rows = 0, bytes = db->state.audit_bytes, size;
    uint8_t hash[WG_AUDIT_HASH], scratch[WG_AUDIT_HASH];
    sqlite3_stmt *row = wg_db_query(
        db, "SELECT " WG_AUDIT_COLUMNS " FROM sw_audit WHERE n < ?1 ORDER BY n LIMIT ?2", "ii",
        db->state.audit_number, (int64_t)ROWS);

    while (wg_db_row(db, row)) {
        struct wg_audit_row audit = {0};
        struct wg_str stored = wg_db_text(row, WG_AUDIT_HASH_COLUMN);

        wg_audit_read(row, &audit);
        if ((audit.at_ms > db->now_ms - db->options->audit_keep_ms &&
             bytes <= db->options->audit_keep_bytes) ||
            stored.len != sizeof hash) {
            wg_db_end(row);
            break;
        }
        memcpy(hash, stored.at, sizeof hash);
        memset(scratch, 0, sizeof scratch);
        size = wg_audit_chain(scratch, &audit);
        bytes -= size;
        rows++;
        cut = audit.number;
    }
    if (!rows)
        return false;
    move_anchor(db, cut, hash);
    wg_db_run(db, "DELETE FROM sw_audit WHERE n <= ?1", "i", cut);
    db->state.audit_rows -= rows;
    db->state.audit_bytes = bytes;
    return rows == ROWS;
}

bool wg_db_upkeep(struct wg_db *db)
{
    struct wg_arena arena;
    bool has_more;

    wg_arena_init(&arena);
    has_more = expire_messages(db, &arena);
    has_more |= end_suspensions(db);
    has_more |= forget_seen(db);
    has_more |= forget_documents(db);
    has_more |= forget_attempts(db);
    has_more |= forget_audit(db);
    if (db->state.audit_unsigned > 0 &&
        db->now_ms - db->state.checkpoint_at_ms >= CHECKPOINT_EVERY_MS)
        wg_db_audit_checkpoint(db);
    wg_arena_done(&arena);
    return has_more;
}

void wg_sqlite_upkeep(struct wg_db *db, struct wg_store_op *op)
{
    bool *did_all = wg_arena_new(&op->arena, bool);

    *did_all = !wg_db_upkeep(db);
    op->result = did_all;
}

void wg_db_last_checkpoint(struct wg_db *db)
{
    if (db->state.audit_unsigned == 0 || !db->options->signer.sign)
        return;
    db->now_ms = wg_clock_wall_ms(db->options->clock);
    wg_db_run(db, "BEGIN IMMEDIATE", "");
    wg_db_audit_checkpoint(db);
    wg_db_save_state(db);
    wg_db_run(db, "COMMIT", "");
}
