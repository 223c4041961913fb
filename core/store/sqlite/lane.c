// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ops.h"

#define IS_SUSPENDED "EXISTS (SELECT 1 FROM suspension WHERE destination = ?1 AND room = ?2)"

static void insert_delivery(struct wg_db *db, const struct wg_db_place *place, int64_t attempts)
{
    wg_db_run(db, "INSERT INTO delivery VALUES (?1, ?2, ?3, ?4)", "ttii", place->destination,
              place->room, place->order, attempts);
    db->state.deliveries++;
}

void wg_db_lane_append(struct wg_db *db, const struct wg_db_place *place, int64_t bytes)
{
    insert_delivery(db, place, 0);
    /* due_at stays out of this UPDATE, so that the index over it is left alone. */
    if (wg_db_run(db,
                  "UPDATE lane SET count = count + 1, bytes = bytes + ?3"
                  " WHERE destination = ?1 AND room = ?2",
                  "tti", place->destination, place->room, bytes) == 0)
        wg_db_run(db, "INSERT INTO lane VALUES (?1, ?2, ?3, ?4, ?4, 1, ?5, " IS_SUSPENDED ")",
                  "ttiii", place->destination, place->room, place->order, db->now_ms, bytes);
}

void wg_db_lane_restore(struct wg_db *db, const struct wg_db_place *place, int64_t bytes,
                        int64_t accepted_at_ms, int64_t attempts)
{
    insert_delivery(db, place, attempts);
    wg_db_run(db,
              "INSERT INTO lane VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, " IS_SUSPENDED ")"
              " ON CONFLICT (destination, room) DO UPDATE SET count = count + 1,"
              " bytes = bytes + excluded.bytes,"
              " head_at = iif(excluded.head < head, excluded.head_at, head_at),"
              " due_at = iif(excluded.head < head, excluded.due_at, due_at),"
              " head = min(head, excluded.head)",
              "ttiiii", place->destination, place->room, place->order, accepted_at_ms,
              db->now_ms, bytes);
}

struct lane {
    int64_t head, count;
    int64_t attempts, bytes; /* of the delivery that leaves */
};

/* RETURNING would build a table of its own in memory for each row: asking first is cheaper. */
static bool look(struct wg_db *db, const struct wg_db_place *place, struct lane *ret_lane)
{
    sqlite3_stmt *row =
        wg_db_query(db,
                    "SELECT l.head, l.count, d.attempts, (SELECT coalesce(length(extra), 0)"
                    " + coalesce(length(body), 0) FROM message WHERE ord = ?3)"
                    " FROM delivery d CROSS JOIN lane l ON l.destination = ?1 AND l.room = ?2"
                    " WHERE d.destination = ?1 AND d.room = ?2 AND d.ord = ?3",
                    "tti", place->destination, place->room, place->order);

    if (!wg_db_row(db, row))
        return false;
    *ret_lane = (struct lane){wg_db_int(row, 0), wg_db_int(row, 1), wg_db_int(row, 2),
                              wg_db_int(row, 3)};
    wg_db_end(row);
    return true;
}

/* The next of the lane becomes its head, due now. */
static void advance(struct wg_db *db, const struct wg_db_place *place)
{
    sqlite3_stmt *row = wg_db_query(
        db,
        "SELECT d.ord, m.accepted_at FROM delivery d JOIN message m ON m.ord = d.ord"
        " WHERE d.destination = ?1 AND d.room = ?2 ORDER BY d.ord LIMIT 1",
        "tt", place->destination, place->room);
    int64_t head, head_at;

    if (!wg_db_row(db, row))
        return;
    head = wg_db_int(row, 0);
    head_at = wg_db_int(row, 1);
    wg_db_end(row);
    wg_db_run(db,
              "UPDATE lane SET head = ?3, head_at = ?4, due_at = ?5"
              " WHERE destination = ?1 AND room = ?2",
              "ttiii", place->destination, place->room, head, head_at, db->now_ms);
}

bool wg_db_lane_remove(struct wg_db *db, const struct wg_db_place *place, int64_t *ret_attempts)
{
    struct lane lane;

    if (!look(db, place, &lane))
        return false;
    wg_db_run(db, "DELETE FROM delivery WHERE destination = ?1 AND room = ?2 AND ord = ?3",
              "tti", place->destination, place->room, place->order);
    if (lane.count <= 1) {
        wg_db_run(db, "DELETE FROM lane WHERE destination = ?1 AND room = ?2", "tt",
                  place->destination, place->room);
    } else {
        wg_db_run(db,
                  "UPDATE lane SET count = count - 1, bytes = bytes - ?3"
                  " WHERE destination = ?1 AND room = ?2",
                  "tti", place->destination, place->room, lane.bytes);
        if (lane.head == place->order)
            advance(db, place);
    }
    db->state.deliveries--;
    if (ret_attempts)
        *ret_attempts = lane.attempts;
    return true;
}

void wg_db_park(struct wg_db *db, enum wg_db_parked state, const struct wg_db_place *place,
                int64_t attempts, struct wg_str reason)
{
    wg_db_run(db, "INSERT INTO parked VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", "iittiiti",
              (int64_t)state, db->state.next_parked++, place->destination, place->room,
              place->order, attempts, reason, db->now_ms);
    if (state == WG_DB_HELD) {
        db->state.held++;
        return;
    }
    db->state.dead++;
    /* Its id stays known as long as the dead letter is kept, so that it can be found by it. */
    wg_db_run(db,
              "UPDATE seen SET expires_at = max(expires_at, ?3) WHERE event ="
              " (SELECT event FROM message WHERE ord = ?1) AND destination = ?2 AND ord = ?1",
              "iti", place->order, place->destination, db->now_ms + db->options->dead_keep_ms);
}

bool wg_db_unpark(struct wg_db *db, enum wg_db_parked state, const struct wg_db_place *place,
                  int64_t *ret_attempts)
{
    sqlite3_stmt *row = wg_db_query(
        db, "SELECT n, attempts FROM parked WHERE ord = ?1 AND destination = ?2 AND state = ?3",
        "iti", place->order, place->destination, (int64_t)state);
    int64_t number, attempts;

    if (!wg_db_row(db, row))
        return false;
    number = wg_db_int(row, 0);
    attempts = wg_db_int(row, 1);
    wg_db_end(row);
    wg_db_run(db, "DELETE FROM parked WHERE state = ?1 AND n = ?2", "ii", (int64_t)state,
              number);
    if (state == WG_DB_HELD)
        db->state.held--;
    else
        db->state.dead--;
    if (ret_attempts)
        *ret_attempts = attempts;
    return true;
}
