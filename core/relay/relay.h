// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "relay/schedule.h"
#include "store/queue.h"

/** Delivers what the store holds, until it is sent or given up: order, pace, retries.
 *
 * Order:   strictly that of acceptance for each room and destination; rooms go in parallel.
 * Pace:    as many at once to a destination as it bears: the window grows with each success and
 *          shrinks with failures and slow answers.
 * Circuit: a destination that failed several times in a row is probed with one delivery at a
 * time, until one arrives; then all that waits for it is due. Share:   what is under way is
 * bounded for the whole relay, and within that bound destinations that have not shown that they
 * work may take only a part, failing ones a smaller part. Memory:  a window of deliveries for
 * each destination and some 200 bytes for each with work; nothing grows with the backlog.
 *
 * How to deliver is handed in. There is one relay for each worker, and each destination belongs
 * to one of them. Time passes for the relay in wg_relay_turn() only.
 *
 * Owner:  wg_relay_new()'s caller; ends with wg_relay_close().
 * Thread: that of loop, for everything here. */
struct wg_relay;

/** One attempt at one delivery. */
struct wg_relay_attempt {
    const struct wg_delivery *delivery; /**< until wg_relay_done() */
    int64_t number;                     /**< from 1 */
};

enum wg_relay_decision {
    WG_RELAY_BY_STATUS,
    WG_RELAY_RETRY,   /**< decided elsewhere (delivery hook): again in retry_in_ms */
    WG_RELAY_GIVE_UP, /**< never again */
};

/** Destination and message are judged by status first: 2xx arrived; 4xx but 408, 425 and 429 is
 * for good; all else, no answer included, is tried again. */
struct wg_relay_result {
    enum wg_code code;      /**< WG_OK: arrived; WG_CANCELLED: as if it had not been tried */
    int64_t status;         /**< HTTP; 0: there was no answer */
    int64_t retry_after_ms; /**< what the peer asked for; 0: nothing */
    struct wg_str reason;   /**< for the attempt's record and the dead letter */
    enum wg_relay_decision decision;
    int64_t retry_in_ms;
    const struct wg_audit_row *audit; /**< written with the outcome */
    size_t audit_count;
};

/** Zero stands for the default. */
struct wg_relay_options {
    struct wg_store *store;
    struct wg_loop *loop;
    const struct wg_clock *clock;
    unsigned index, count;              /**< this relay among how many; count 0: the only one */
    const struct wg_schedule *schedule; /**< NULL: full jitter */
    size_t under_way_limit;             /**< of this relay: 1,024 */
    size_t window_limit;                /**< of one destination: 32 */
    size_t connections_kept; /**< that stay open unused: destinations take turns so that they
                                find theirs still open; 0: as many as may be under way */
    int64_t slow_ms;         /**< an answer that took longer narrows the window: 3 s */
    size_t failures_to_open; /**< in a row: 5 */
    /** Begins an attempt; exactly one wg_relay_done() must follow, not before this returned. */
    void (*deliver)(void *owner, struct wg_relay_attempt *attempt);
    /** Calls wg_relay_turn() once in so many ms, or in the next turn of the loop for 0;
     * replaces what was asked before. */
    void (*wake_in)(void *owner, int64_t ms);
    void *owner;
};

struct wg_relay *wg_relay_new(const struct wg_relay_options *options);
/** Reads from the store which destinations have work, and begins. on_started (may be NULL) when
 * all are known. */
void wg_relay_start(struct wg_relay *relay,
                    void (*on_started)(void *owner, const struct wg_err *err), void *owner);
/** Begins no attempt any more; on_closed when those under way have ended: end them with
 * WG_CANCELLED. */
void wg_relay_close(struct wg_relay *relay, void (*on_closed)(void *owner), void *owner);

/** Which relay of count a destination belongs to; the same for the life of the process. */
unsigned wg_relay_of(const struct wg_destination *destination, unsigned count);

enum wg_relay_wake {
    WG_RELAY_NEW_WORK, /**< something was accepted for it */
    WG_RELAY_CONTACT,  /**< it has just talked to us: it lives, so try now */
    WG_RELAY_CHANGED,  /**< an operator resumed, retried, released or requeued */
};
void wg_relay_wake(struct wg_relay *relay, const struct wg_destination *destination,
                   enum wg_relay_wake why);
void wg_relay_turn(struct wg_relay *relay);

/** What wg_relay_done() would do with that result: for the delivery hook, before. */
struct wg_relay_plan {
    enum wg_outcome outcome;
    int64_t retry_in_ms;
};
struct wg_relay_plan wg_relay_plan(const struct wg_relay_attempt *attempt,
                                   const struct wg_relay_result *result);
/** The attempt has ended and is gone. */
void wg_relay_done(struct wg_relay_attempt *attempt, const struct wg_relay_result *result);

struct wg_relay_figures {
    size_t destinations; /**< with work or a history that matters */
    size_t under_way, failing;
    int64_t sent, retried, dead; /**< since the start */
};
void wg_relay_read_figures(const struct wg_relay *relay, struct wg_relay_figures *ret_figures);

/** How this relay sees a destination. @return false when it has nothing to do with it now. */
struct wg_relay_view {
    double window;
    size_t under_way;
    int64_t failures_in_row;
    bool is_open;       /**< circuit: one probe at a time */
    int64_t next_in_ms; /**< next look or probe; INT64_MAX: when something happens */
};
bool wg_relay_look(struct wg_relay *relay, const struct wg_destination *destination,
                   struct wg_relay_view *ret_view);
