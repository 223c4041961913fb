// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/store.h"

/** Events that were accepted and are not delivered yet.
 *
 *   message      one accepted event: its body is stored once
 *   destination  where it goes: an instance of ours (inbound) or a peer (outbound)
 *   delivery     one message to one destination; waiting -> sent, or dead with a reason
 *   lane         the deliveries of one room to one destination, in the order they were
 * accepted. Only the head of a lane is ever handed out. held         a message in quarantine:
 * in no lane until it is released, then in its old place among what still waits
 *
 * Times that are compared with the clock later are given and told as spans ("in so many ms"),
 * so that a wall clock that is stepped does not move them. */

enum {
    WG_EVENT_KEY = 16, /**< bytes of the UUID that is an event's id */
    WG_QUEUE_PAGE_MAX = 1000,
    WG_DESTINATIONS_MAX = 4096, /**< of one message */
};

struct wg_destination {
    bool is_outbound;   /**< to a peer; else to an instance of ours */
    struct wg_str name; /**< server name */
};

/** Which delivery: its lane, and its place in the order of acceptance. */
struct wg_delivery_key {
    struct wg_destination destination;
    struct wg_str room_id;
    uint64_t order;
};

struct wg_queued_message {
    uint8_t event_id[WG_EVENT_KEY];
    struct wg_str server; /**< the instance of ours that receives or sends it */
    struct wg_str origin; /**< server that wrote the event */
    struct wg_str sender; /**< verified peer or instance that handed it to us */
    struct wg_str room_id, type;
    struct wg_str extra; /**< the pipeline's own bytes, e.g. the peer's signature headers */
    struct wg_str body;
};

/** Into quarantine, or not. */
struct wg_hold {
    bool is_held;
    struct wg_str reason;
};

/** One promise: the message, N deliveries, their seen ids and the audit rows, or nothing of it.
 */
struct wg_accept {
    struct wg_queued_message message;
    const struct wg_destination *destinations;
    size_t destination_count;
    const struct wg_hold *holds;      /**< one for each destination; NULL: none is held */
    int64_t expires_in_ms;            /**< > 0 */
    const struct wg_audit_row *audit; /**< written only when something was new */
    size_t audit_count;
};

struct wg_accepted {
    bool is_duplicate; /**< every destination has had this event before: nothing was stored */
    size_t new_count;  /**< destinations that got a delivery */
    size_t held_count; /**< of these, in quarantine */
    uint64_t order;
};

/** An event is known by (id, server, destination): an instance may send the same event to one
 * peer after the other. WG_FULL past a bound, WG_TOO_LARGE, WG_INVALID. */
void wg_store_accept(struct wg_store *store, struct wg_loop *loop,
                     const struct wg_accept *accept,
                     void (*on_accepted)(void *owner, const struct wg_err *err,
                                         const struct wg_accepted *accepted),
                     void *owner);

/** Was this event taken for that destination within seen_keep? */
struct wg_seen {
    uint8_t event_id[WG_EVENT_KEY];
    struct wg_str server;
    struct wg_destination destination;
};
void wg_store_seen_check(
    struct wg_store *store, struct wg_loop *loop, const struct wg_seen *seen,
    void (*on_checked)(void *owner, const struct wg_err *err, bool is_seen), void *owner);
/** Remembers an event that was delivered without the queue, with its audit rows; was_seen when
 * another was quicker (rows are written all the same). */
void wg_store_seen_mark(struct wg_store *store, struct wg_loop *loop,
                        const struct wg_seen *seen, const struct wg_audit_row *audit,
                        size_t audit_count,
                        void (*on_marked)(void *owner, const struct wg_err *err, bool was_seen),
                        void *owner);

/* --- for the relay
 * ----------------------------------------------------------------------------- */

struct wg_destination_state {
    struct wg_destination destination;
    int64_t deliveries, lanes, body_bytes;
    int64_t oldest_age_ms; /**< of the oldest head */
    int64_t due_in_ms;     /**< earliest head; <= 0: now */
    bool is_suspended;
    int64_t suspended_for_ms; /**< left; INT64_MAX: until resumed */
    struct wg_str suspended_reason;
};

struct wg_destination_page {
    const struct wg_destination_state
        *states; /**< by destination; those with work or suspended */
    size_t count;
    struct wg_str next_cursor;
};

void wg_store_destinations(struct wg_store *store, struct wg_loop *loop, struct wg_str cursor,
                           size_t limit,
                           void (*on_page)(void *owner, const struct wg_err *err,
                                           const struct wg_destination_page *page),
                           void *owner);

/** Those outbound whose names are from first to last; a page has at most 2 *
 * WG_QUEUE_PAGE_MAX, and no cursor. */
void wg_store_destinations_between(struct wg_store *store, struct wg_loop *loop,
                                   struct wg_str first, struct wg_str last,
                                   void (*on_page)(void *owner, const struct wg_err *err,
                                                   const struct wg_destination_page *page),
                                   void *owner);

struct wg_delivery {
    struct wg_delivery_key key;
    struct wg_queued_message message;
    int64_t attempts; /**< made so far */
    int64_t age_ms;   /**< since it was accepted */
    int64_t expires_in_ms;
};

struct wg_next {
    struct wg_destination destination;
    int64_t due_within_ms;           /**< 0: due now; INT64_MAX: whether due or not */
    const struct wg_str *busy_rooms; /**< lanes not to look at: their head is under way */
    size_t busy_count;
    size_t limit;       /**< 0: 1 */
    size_t bytes_limit; /**< of bodies; at least one comes. 0: 4 MiB */
};

struct wg_heads {
    const struct wg_delivery *deliveries; /**< longest due first */
    size_t count;
    bool has_more;          /**< others are due as well */
    int64_t next_due_in_ms; /**< of what was not handed out and is not busy; INT64_MAX: nothing
                               waits */
};

/** The heads of a destination's lanes. It takes nothing out and marks nothing: until a delivery
 * is settled it is handed out again to whoever does not name its room as busy. */
void wg_store_next(struct wg_store *store, struct wg_loop *loop, const struct wg_next *next,
                   void (*on_heads)(void *owner, const struct wg_err *err,
                                    const struct wg_heads *heads),
                   void *owner);

enum wg_outcome { WG_OUTCOME_SENT, WG_OUTCOME_RETRY, WG_OUTCOME_DEAD };

struct wg_attempt {
    int64_t number; /**< from 1; given by the store */
    int64_t at_ms;  /**< wall clock */
    enum wg_code code;
    int64_t status; /**< HTTP; 0: none came */
    int64_t took_ms;
    struct wg_str reason;
};

struct wg_settlement {
    struct wg_delivery_key key;
    enum wg_outcome outcome;
    bool was_attempted; /**< then attempt is kept; false: e.g. expired before it was tried */
    struct wg_attempt attempt;
    int64_t retry_in_ms;       /**< RETRY */
    struct wg_str dead_reason; /**< DEAD */
    const struct wg_audit_row *audit;
    size_t audit_count;
};

/** Each on its own: one that is not there any more (dropped, expired) is passed over; one that
 * was given up in the meantime and turns out sent is no dead letter any more. */
void wg_store_settle(struct wg_store *store, struct wg_loop *loop,
                     const struct wg_settlement *settlements, size_t count,
                     wg_store_done on_settled, void *owner);

/* --- for operators
 * ------------------------------------------------------------------------------- */

/** Of a destination, or of one room to it. */
struct wg_suspend {
    struct wg_destination destination;
    struct wg_str room_id; /**< absent: all rooms */
    bool is_resume;
    int64_t for_ms; /**< 0: until resumed */
    struct wg_str reason, actor;
    const struct wg_audit_row *audit;
    size_t audit_count;
};
/** Resuming what is not suspended is WG_NOT_FOUND. */
void wg_store_suspend(struct wg_store *store, struct wg_loop *loop,
                      const struct wg_suspend *suspend, wg_store_done on_done, void *owner);

struct wg_suspension {
    struct wg_destination destination;
    struct wg_str room_id;
    int64_t since_ms; /**< wall clock */
    int64_t left_ms;  /**< INT64_MAX: until resumed */
    struct wg_str reason, actor;
};
struct wg_suspension_page {
    const struct wg_suspension *suspensions;
    size_t count;
    struct wg_str next_cursor;
};
void wg_store_suspensions(struct wg_store *store, struct wg_loop *loop, struct wg_str cursor,
                          size_t limit,
                          void (*on_page)(void *owner, const struct wg_err *err,
                                          const struct wg_suspension_page *page),
                          void *owner);

enum wg_queue_state { WG_QUEUE_WAITING, WG_QUEUE_HELD, WG_QUEUE_DEAD };

/** Absent or zero members do not filter. Held messages have as many entries as destinations. */
struct wg_queue_filter {
    enum wg_queue_state state;
    bool has_destination,
        has_direction; /**< has_direction: destination.is_outbound alone counts */
    struct wg_destination destination;
    struct wg_str room_id, type, server;
    bool has_event;
    uint8_t event_id[WG_EVENT_KEY];
    int64_t older_than_ms; /**< since it was accepted */
};

struct wg_queue_entry {
    struct wg_delivery delivery; /**< without body and extra, unless with_body */
    int64_t body_bytes;
    int64_t due_in_ms;    /**< WAITING, head of its lane; INT64_MAX for those behind it */
    int64_t ended_at_ms;  /**< HELD, DEAD: since when; wall clock */
    struct wg_str reason; /**< HELD, DEAD */
};

struct wg_queue_list {
    struct wg_queue_filter filter;
    bool with_body;
    struct wg_str cursor;
    size_t limit; /**< 0: 100 */
};
struct wg_queue_page {
    const struct wg_queue_entry *entries;
    size_t count;
    struct wg_str next_cursor;
};
/** By destination, room and order (WAITING), by order (HELD), newest first (DEAD). */
void wg_store_queue_list(struct wg_store *store, struct wg_loop *loop,
                         const struct wg_queue_list *list,
                         void (*on_page)(void *owner, const struct wg_err *err,
                                         const struct wg_queue_page *page),
                         void *owner);

enum wg_queue_verb {
    WG_QUEUE_RETRY,   /**< WAITING: due now */
    WG_QUEUE_DROP,    /**< WAITING: becomes a dead letter; DEAD: goes for good */
    WG_QUEUE_RELEASE, /**< HELD: into its lane */
    WG_QUEUE_REJECT,  /**< HELD: becomes a dead letter */
    WG_QUEUE_REQUEUE, /**< DEAD: waits again, in its old place */
};

struct wg_queue_change {
    enum wg_queue_verb verb; /**< must fit filter.state, else WG_INVALID */
    struct wg_queue_filter filter;
    bool is_dry_run;
    struct wg_str reason;  /**< DROP of WAITING, REJECT */
    int64_t expires_in_ms; /**< REQUEUE, RELEASE: afresh; 0: RELEASE keeps what it has, REQUEUE
                              5 days */
    struct wg_str cursor;
    size_t limit;                     /**< entries looked at in one piece; 0: 500 */
    const struct wg_audit_row *audit; /**< written with each piece that changed something */
    size_t audit_count;
};
struct wg_queue_changed {
    int64_t changed;                      /**< in this piece; in a dry run: would be */
    struct wg_str next_cursor;            /**< ask again until absent */
    const struct wg_destination *touched; /**< whose relay should look again; at most 64 */
    size_t touched_count;
};
/** One piece of a change, so that long work does not hold up promises and can tell how far it
 * is. */
void wg_store_queue_change(struct wg_store *store, struct wg_loop *loop,
                           const struct wg_queue_change *change,
                           void (*on_changed)(void *owner, const struct wg_err *err,
                                              const struct wg_queue_changed *changed),
                           void *owner);

/** Where the deliveries of an event are, and how each attempt went: with
 * wg_audit_search.event_id the whole story of it. */
struct wg_story_part {
    struct wg_destination destination;
    struct wg_str server, room_id;
    enum { WG_STORY_ENDED, WG_STORY_WAITING, WG_STORY_HELD, WG_STORY_DEAD } state;
    uint64_t order;
    struct wg_str reason;              /**< HELD, DEAD */
    const struct wg_attempt *attempts; /**< the newest 1,000 */
    size_t attempt_count;
};
struct wg_story {
    const struct wg_story_part *parts; /**< count 0: never seen, or too long ago */
    size_t count;
};
void wg_store_story(struct wg_store *store, struct wg_loop *loop,
                    const uint8_t event_id[WG_EVENT_KEY],
                    void (*on_story)(void *owner, const struct wg_err *err,
                                     const struct wg_story *story),
                    void *owner);
