// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ops.h"

/* @return false when it was known already: an entry that has expired and was not cleaned away
 * yet counts as none. */
static bool remember(struct wg_db *db, const uint8_t event_id[WG_EVENT_KEY],
                     struct wg_str destination, struct wg_str server, int64_t order)
{
    return wg_db_run(db,
                     "INSERT INTO seen VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE"
                     " SET expires_at = excluded.expires_at, ord = excluded.ord"
                     " WHERE expires_at <= ?6",
                     "bttiii", wg_str_of(event_id, WG_EVENT_KEY), destination, server,
                     db->now_ms + db->options->seen_keep_ms, order, db->now_ms) > 0;
}

static enum wg_code refuse_past_bounds(struct wg_db *db, const struct wg_accept *accept,
                                       struct wg_err *err)
{
    const struct wg_store_options *options = db->options;
    int64_t rows = db->state.deliveries + db->state.held + db->state.dead;

    if (rows + (int64_t)accept->destination_count > options->queue_rows_limit)
        return wg_fail(err, WG_FULL, "%lld deliveries wait, which is the limit of the queue",
                       (long long)rows);
    if (db->state.body_bytes + wg_db_message_bytes(&accept->message) >
        options->queue_bytes_limit)
        return wg_fail(err, WG_FULL, "%lld bytes wait, which is the limit of the queue",
                       (long long)db->state.body_bytes);
    if (db->free_disk_bytes >= 0 && db->free_disk_bytes < options->free_disk_bytes_min)
        return wg_fail(
            err, WG_FULL,
            "the disk of the data folder has %lld bytes left; %lld are kept free for what "
            "is already promised",
            (long long)db->free_disk_bytes, (long long)options->free_disk_bytes_min);
    return WG_OK;
}

struct newcomer {
    struct wg_str key;
    const struct wg_hold *hold; /* NULL: into its lane */
};

/* Remembers the event for each destination; those for which it is new go to ret_new. */
static size_t remember_all(struct wg_db *db, struct wg_arena *arena,
                           const struct wg_accept *accept, int64_t order,
                           struct newcomer *ret_new)
{
    size_t count = 0;

    for (size_t i = 0; i < accept->destination_count; i++) {
        struct wg_str key = wg_db_destination(arena, &accept->destinations[i]);

        if (remember(db, accept->message.event_id, key, accept->message.server, order))
            ret_new[count++] = (struct newcomer){
                key, accept->holds && accept->holds[i].is_held ? &accept->holds[i] : NULL};
    }
    return count;
}

static struct wg_str join(struct wg_arena *arena, const struct newcomer *news, size_t count)
{
    struct wg_str all = news[0].key;
    size_t len = 0;
    char *at;

    if (count == 1)
        return all;
    for (size_t i = 0; i < count; i++)
        len += news[i].key.len + 1;
    all.at = at = wg_arena_alloc(arena, len);
    all.len = len - 1;
    for (size_t i = 0; i < count; i++) {
        memcpy(at, news[i].key.at, news[i].key.len);
        at += news[i].key.len;
        *at++ = '\n';
    }
    return all;
}

void wg_sqlite_accept(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_accept *accept = op->request;
    struct wg_accepted *accepted = wg_arena_new(&op->arena, struct wg_accepted);
    struct newcomer *news =
        wg_arena_alloc(&op->arena, accept->destination_count * sizeof *news);
    int64_t order = db->state.next_order;

    if (refuse_past_bounds(db, accept, &op->err) != WG_OK)
        return;
    op->result = accepted;
    accepted->new_count = remember_all(db, &op->arena, accept, order, news);
    accepted->is_duplicate = accepted->new_count == 0;
    if (accepted->is_duplicate)
        return;
    accepted->order = (uint64_t)order;
    db->state.next_order++;
    wg_db_message_insert(db, order, &accept->message, db->now_ms + accept->expires_in_ms,
                         join(&op->arena, news, accepted->new_count),
                         (int64_t)accepted->new_count);
    for (size_t i = 0; i < accepted->new_count; i++) {
        struct wg_db_place place = {news[i].key, accept->message.room_id, order};

        if (!news[i].hold) {
            wg_db_lane_append(db, &place, wg_db_message_bytes(&accept->message));
            continue;
        }
        wg_db_park(db, WG_DB_HELD, &place, 0, news[i].hold->reason);
        accepted->held_count++;
    }
    wg_db_audit(db, accept->audit, accept->audit_count);
}

void wg_sqlite_seen_check(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_seen *seen = op->request;
    bool *is_seen = wg_arena_new(&op->arena, bool);
    sqlite3_stmt *row = wg_db_query(
        db,
        "SELECT 1 FROM seen WHERE event = ?1 AND destination = ?2 AND server = ?3"
        " AND expires_at > ?4",
        "btti", wg_str_of(seen->event_id, WG_EVENT_KEY),
        wg_db_destination(&op->arena, &seen->destination), seen->server, db->now_ms);

    *is_seen = wg_db_row(db, row);
    if (*is_seen)
        wg_db_end(row);
    op->result = is_seen;
}

void wg_sqlite_seen_mark(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_store_seen_request *request = op->request;
    const struct wg_seen *seen = &request->seen;
    bool *was_seen = wg_arena_new(&op->arena, bool);

    *was_seen = !remember(db, seen->event_id, wg_db_destination(&op->arena, &seen->destination),
                          seen->server, 0);
    op->result = was_seen;
    wg_db_audit(db, request->audit, request->audit_count);
}
