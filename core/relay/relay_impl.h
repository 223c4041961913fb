// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "relay/relay.h"

/** What a destination has shown, which decides how much of the relay it may take. */
enum wg_relay_class { PROVEN, UNTRIED, FAILING, CLASSES };

struct attempt {
    struct wg_relay_attempt public;
    struct destination *destination;
    struct attempt *next;
    enum wg_relay_class class; /**< whose share it takes */
    int64_t began_at_ms;
    struct wg_arena arena; /**< delivery, and the audit rows of the outcome */
    struct wg_delivery delivery;
    struct wg_settlement settlement;
    struct attempt
        *next_unsettled; /**< the store could not take its outcome: again at settle_at */
    int64_t settle_at;
};

struct destination {
    struct wg_relay *relay;
    char *key; /**< "o:peer.example" */
    struct wg_destination name;
    struct attempt *attempts;
    size_t under_way;

    double window;
    bool is_in_slow_start; /**< grows by one with each success until the first setback */
    bool has_worked,
        was_failing_before; /**< before: attempts from an earlier life of the process */
    int64_t failures_in_row;
    int64_t probes;     /**< since the circuit opened; 0: closed */
    int64_t not_before; /**< Retry-After, or the next probe */
    bool has_retries;   /**< heads that wait for their time */
    int64_t contacted_at;

    struct destination *next_ready;
    bool is_ready, is_fetching, is_to_look_again, is_hurrying;
    bool is_active; /**< ready, or something of it is under way: counted in active_class */
    enum wg_relay_class active_class;
    size_t asked; /**< of the fetch under way: its share */
    enum wg_relay_class asked_class;
    int64_t wake_at; /**< INT64_MAX: in no heap */
    size_t heap_index;
};

struct wg_relay {
    struct wg_relay_options options;
    struct wg_map destinations;
    struct {
        struct destination *first, **last;
    } ready[CLASSES];
    size_t under_way[CLASSES]; /**< with what was asked for and has not come yet */
    size_t active[CLASSES];    /**< destinations */
    struct destination **heap; /**< by wake_at */
    size_t heap_count, heap_capacity;
    struct attempt *unsettled;
    bool is_soon, is_closing, is_closed_told;
    size_t answers_due; /**< of the store */
    int64_t sent, retried, dead;
    void (*on_started)(void *owner, const struct wg_err *err);
    void *started_owner;
    void (*on_closed)(void *owner);
    void *closed_owner;
};

int64_t wg_relay_now(const struct wg_relay *relay);
/** Has wg_relay_turn() called soon. */
void wg_relay_kick(struct wg_relay *relay);
void wg_relay_end_if_closed(struct wg_relay *relay);

/* destination.c */
struct destination *wg_relay_destination(struct wg_relay *relay,
                                         const struct wg_destination *name, bool is_wanted);
void wg_relay_destination_free(struct destination *d);
/** Frees it when nothing would be lost by that. */
void wg_relay_forget(struct destination *d);
enum wg_relay_class wg_relay_class_of(const struct destination *d);
/** Counts it among the active ones of its class, or not: after whatever may change that. */
void wg_relay_recount(struct destination *d);
/** How many more it may have under way now; 0 sets its wake when only time is missing. */
size_t wg_relay_room(struct destination *d);
/** To be looked at when its turn comes. */
void wg_relay_make_ready(struct destination *d);
void wg_relay_sleep(struct destination *d, int64_t for_ms);
void wg_relay_wake_due(struct wg_relay *relay);
void wg_relay_judge(struct destination *d, const struct wg_relay_result *result,
                    int64_t took_ms);
/** It has talked to us: probed at once, or all its heads become due; at most every ten seconds.
 */
void wg_relay_contact(struct destination *d);

/* attempt.c */
/** Or settles it at once, when it has expired. */
void wg_relay_begin(struct destination *d, const struct wg_delivery *delivery,
                    enum wg_relay_class class);
/** Offers outcomes to the store again. @return when the next is due, INT64_MAX: there is none
 */
int64_t wg_relay_settle_again(struct wg_relay *relay);
