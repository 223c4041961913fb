// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/audit.h"
#include "store/document.h"
#include "store/sqlite/db.h"
#include "store/store_impl.h"

/** What the operations share. Nothing here looks at the connection's failure: it sticks, and
 * the group asks for it once. */

/* message.c */
struct wg_db_message {
    struct wg_queued_message message;
    int64_t accepted_at_ms, expires_at_ms;
    int64_t body_bytes; /**< body and extra */
};
/** @return false when there is none. */
bool wg_db_message_load(struct wg_db *db, struct wg_arena *arena, int64_t order, bool with_body,
                        struct wg_db_message *ret_message);
/** destinations: keys, separated by newlines. */
void wg_db_message_insert(struct wg_db *db, int64_t order, const struct wg_queued_message *message,
                          int64_t expires_at_ms, struct wg_str destinations,
                          int64_t destination_count);
/** One of its destinations is done with it; after the last the message goes. */
void wg_db_message_leave(struct wg_db *db, int64_t order);
int64_t wg_db_message_bytes(const struct wg_queued_message *message);

/* lane.c */
struct wg_db_place {
    struct wg_str destination, room; /**< destination as key */
    int64_t order;
};
/** At the end of its lane: order is the newest there is. */
void wg_db_lane_append(struct wg_db *db, const struct wg_db_place *place, int64_t bytes);
/** In its old place; it may become the head. */
void wg_db_lane_restore(struct wg_db *db, const struct wg_db_place *place, int64_t bytes,
                        int64_t accepted_at_ms, int64_t attempts);
/** @return false when it is not there. ret_attempts may be NULL. */
bool wg_db_lane_remove(struct wg_db *db, const struct wg_db_place *place,
                       int64_t *ret_attempts);

enum wg_db_parked { WG_DB_HELD = 1, WG_DB_DEAD = 2 };
void wg_db_park(struct wg_db *db, enum wg_db_parked state, const struct wg_db_place *place,
                int64_t attempts, struct wg_str reason);
/** @return false when it is not parked so. ret_attempts may be NULL. */
bool wg_db_unpark(struct wg_db *db, enum wg_db_parked state, const struct wg_db_place *place,
                  int64_t *ret_attempts);

/* audit.c */
void wg_db_audit(struct wg_db *db, const struct wg_audit_row *rows, size_t count);
/** What became of a delivery without an attempt: told has verdict, reason and who did it, the
 * rest is filled in. */
void wg_db_audit_delivery(struct wg_db *db, const struct wg_db_place *place,
                          const struct wg_queued_message *message,
                          const struct wg_audit_row *told);
/** Signs the chain as it stands, when there is a signer. */
void wg_db_audit_checkpoint(struct wg_db *db);

/* upkeep.c; @return whether more is left */
bool wg_db_upkeep(struct wg_db *db);
void wg_db_last_checkpoint(struct wg_db *db);

/** True once the work of one page or piece has taken its time. */
struct wg_db_budget {
    int64_t until_us;
    int count;
};
void wg_db_budget_start(struct wg_db_budget *budget);
bool wg_db_budget_is_spent(struct wg_db_budget *budget);

/** Cursors: bytes as text that is safe in a URL. */
struct wg_str wg_db_cursor_make(struct wg_arena *arena, struct wg_str bytes);
/** @return false when it is none of ours. */
bool wg_db_cursor_read(struct wg_arena *arena, struct wg_str cursor, struct wg_str *ret_bytes);
