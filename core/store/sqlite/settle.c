// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ops.h"

enum { ATTEMPTS_KEPT = 1000 };

static void record_attempt(struct wg_db *db, const struct wg_db_place *place, int64_t number,
                           const struct wg_attempt *attempt)
{
    wg_db_run(db, "INSERT OR REPLACE INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
              "itiitiit", place->order, place->destination, number, attempt->at_ms,
              wg_str(wg_code_name(attempt->code)), attempt->status, attempt->took_ms,
              attempt->reason);
    if (number > ATTEMPTS_KEPT)
        wg_db_run(db, "DELETE FROM attempt WHERE ord = ?1 AND destination = ?2 AND number = ?3",
                  "iti", place->order, place->destination, number - ATTEMPTS_KEPT);
}

static void retry(struct wg_db *db, const struct wg_db_place *place,
                  const struct wg_settlement *settlement)
{
    sqlite3_stmt *row = wg_db_query(
        db, "SELECT attempts FROM delivery WHERE destination = ?1 AND room = ?2 AND ord = ?3",
        "tti", place->destination, place->room, place->order);
    int64_t attempts;

    if (!wg_db_row(db, row))
        return;
    attempts = wg_db_int(row, 0);
    wg_db_end(row);
    if (settlement->was_attempted) {
        wg_db_run(db,
                  "UPDATE delivery SET attempts = ?4"
                  " WHERE destination = ?1 AND room = ?2 AND ord = ?3",
                  "ttii", place->destination, place->room, place->order, ++attempts);
        record_attempt(db, place, attempts, &settlement->attempt);
    }
    wg_db_run(db,
              "UPDATE lane SET due_at = ?4 WHERE destination = ?1 AND room = ?2 AND head = ?3",
              "ttii", place->destination, place->room, place->order,
              db->now_ms + settlement->retry_in_ms);
}

static void end(struct wg_db *db, const struct wg_db_place *place,
                const struct wg_settlement *settlement)
{
    bool is_sent = settlement->outcome == WG_OUTCOME_SENT;
    int64_t attempts;

    /* One that was given up while it was under way, and has arrived after all, is no dead
     * letter. */
    if (!wg_db_lane_remove(db, place, &attempts) &&
        (!is_sent || !wg_db_unpark(db, WG_DB_DEAD, place, &attempts)))
        return;
    if (settlement->was_attempted)
        record_attempt(db, place, ++attempts, &settlement->attempt);
    if (is_sent)
        wg_db_message_leave(db, place->order);
    else
        wg_db_park(db, WG_DB_DEAD, place, attempts, settlement->dead_reason);
}

void wg_sqlite_settle(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_store_settle_request *request = op->request;

    for (size_t i = 0; i < request->count; i++) {
        const struct wg_settlement *settlement = &request->settlements[i];
        struct wg_db_place place = {
            wg_db_destination(&op->arena, &settlement->key.destination),
            settlement->key.room_id,
            (int64_t)settlement->key.order,
        };

        if (settlement->outcome == WG_OUTCOME_RETRY)
            retry(db, &place, settlement);
        else
            end(db, &place, settlement);
        wg_db_audit(db, settlement->audit, settlement->audit_count);
    }
}
