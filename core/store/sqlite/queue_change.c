// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/walk.h"

enum { TOUCHED_MAX = 64 };

static const int64_t requeue_for_ms = INT64_C(5) * 24 * 3600 * 1000;

static bool make_due(struct wg_db *db, const struct wg_walk_entry *entry)
{
    return wg_db_run(db,
                     "UPDATE lane SET due_at = ?4 WHERE destination = ?1 AND room = ?2"
                     " AND head = ?3",
                     "ttii", entry->place.destination, entry->place.room, entry->place.order,
                     db->now_ms) > 0;
}

static void restore(struct wg_db *db, const struct wg_walk_entry *entry, int64_t attempts,
                    int64_t expires_in_ms)
{
    wg_db_lane_restore(db, &entry->place, entry->loaded.body_bytes,
                       entry->loaded.accepted_at_ms, attempts);
    if (expires_in_ms > 0)
        wg_db_run(db, "UPDATE message SET expires_at = ?2 WHERE ord = ?1", "ii",
                  entry->place.order, db->now_ms + expires_in_ms);
}

/* @return whether there was something to do. */
static bool apply(struct wg_db *db, const struct wg_queue_change *change,
                  const struct wg_walk_entry *entry)
{
    const struct wg_db_place *place = &entry->place;
    bool is_dead = change->filter.state == WG_QUEUE_DEAD;
    int64_t attempts;

    switch (change->verb) {
    case WG_QUEUE_RETRY:
        return make_due(db, entry);
    case WG_QUEUE_DROP:
        if (is_dead) {
            wg_db_unpark(db, WG_DB_DEAD, place, NULL);
            wg_db_message_leave(db, place->order);
            return true;
        }
        if (!wg_db_lane_remove(db, place, &attempts))
            return false;
        wg_db_park(db, WG_DB_DEAD, place, attempts, change->reason);
        return true;
    case WG_QUEUE_RELEASE:
        wg_db_unpark(db, WG_DB_HELD, place, &attempts);
        restore(db, entry, attempts, change->expires_in_ms);
        return true;
    case WG_QUEUE_REJECT:
        wg_db_unpark(db, WG_DB_HELD, place, &attempts);
        wg_db_park(db, WG_DB_DEAD, place, attempts, change->reason);
        return true;
    case WG_QUEUE_REQUEUE:
        wg_db_unpark(db, WG_DB_DEAD, place, &attempts);
        restore(db, entry, attempts,
                change->expires_in_ms > 0 ? change->expires_in_ms : requeue_for_ms);
        return true;
    }
    return false;
}

/* The act itself has one row; an event's own story says what was done to it and by whom. */
static void tell(struct wg_db *db, const struct wg_queue_change *change,
                 const struct wg_walk_entry *entry)
{
    static const char *const verdicts[] = {
        [WG_QUEUE_DROP] = "dropped",
        [WG_QUEUE_RELEASE] = "released",
        [WG_QUEUE_REJECT] = "rejected",
        [WG_QUEUE_REQUEUE] = "requeued",
    };

    if (!change->audit_count || change->verb == WG_QUEUE_RETRY)
        return;
    wg_db_audit_delivery(db, &entry->place, &entry->loaded.message,
                         &(struct wg_audit_row){
                             .verdict = wg_str(verdicts[change->verb]),
                             .reason = change->reason,
                             .actor = change->audit[0].actor,
                             .request_id = change->audit[0].request_id,
                         });
}

static void touch(struct wg_queue_changed *changed, struct wg_destination *touched,
                  struct wg_str key)
{
    struct wg_destination destination = wg_db_destination_of(key);

    for (size_t i = 0; i < changed->touched_count; i++) {
        if (touched[i].is_outbound == destination.is_outbound &&
            wg_str_equal(touched[i].name, destination.name))
            return;
    }
    if (changed->touched_count < TOUCHED_MAX)
        touched[changed->touched_count++] = destination;
}

/* Collects first, then changes: the walk must not see what the change does. */
static size_t collect(struct wg_walk *walk, struct wg_walk_entry *entries, size_t limit)
{
    size_t count = 0;

    while (wg_walk_next(walk, false, &entries[count])) {
        if (++count == limit) {
            wg_walk_stop(walk);
            break;
        }
    }
    return count;
}

void wg_sqlite_queue_change(struct wg_db *db, struct wg_store_op *op)
{
    const struct wg_queue_change *change = op->request;
    struct wg_queue_changed *changed = wg_arena_new(&op->arena, struct wg_queue_changed);
    struct wg_destination *touched = wg_arena_alloc(&op->arena, TOUCHED_MAX * sizeof *touched);
    struct wg_walk_entry *entries = wg_arena_alloc(&op->arena, change->limit * sizeof *entries);
    struct wg_walk walk;
    size_t count;

    if (!wg_walk_start(&walk, db, &op->arena, &change->filter, change->verb == WG_QUEUE_RETRY,
                       change->cursor)) {
        wg_fail(&op->err, WG_INVALID, "the cursor is none of this change");
        return;
    }
    count = collect(&walk, entries, change->limit);
    for (size_t i = 0; i < count; i++) {
        if (!change->is_dry_run) {
            if (!apply(db, change, &entries[i]))
                continue;
            tell(db, change, &entries[i]);
        }
        changed->changed++;
        touch(changed, touched, entries[i].place.destination);
    }
    if (changed->changed && !change->is_dry_run)
        wg_db_audit(db, change->audit, change->audit_count);
    if (walk.is_paused)
        changed->next_cursor = wg_walk_cursor(&walk);
    changed->touched = touched;
    op->result = changed;
}
