// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "federation/peers.h"
#include "policy/policy.h"

/** Behind directory.h: the record of a peer, its shard, and the fetch that fills it. */

enum {
    WG_DIRECTORY_SHARDS = 16,
    WG_DIRECTORY_FORMER_KEYS = 16,
    WG_BACKOFF_FIRST_MS = 5 * 1000,
    WG_BACKOFF_LAST_MS = 10 * 60 * 1000,
    WG_REFETCH_GAP_MS = 60 * 1000,
    WG_PEER_HOURS = 24,
};

/** One reference, counted under the lock-free count. */
struct wg_peer_box {
    struct wg_peer peer; /* first: a wg_peer pointer is a box pointer */
    _Atomic unsigned references;
    struct wg_arena arena;
};

struct wg_directory_waiter {
    struct wg_directory_waiter *next;
    struct wg_loop *loop;
    void (*on_known)(void *owner);
    void *owner;
};

struct wg_key_seen {
    struct wg_public_key key;
    int64_t first_s, last_s;
};

struct wg_peer_hour {
    int64_t hour; /* since 1970; 0: unused */
    uint32_t counts[WG_PEER_COUNTS];
};

struct wg_peer_activity {
    struct wg_peer_hour hours[WG_PEER_HOURS]; /* by hour modulo their number */
    struct wg_peer_slot *slot;                /* its series; NULL: none of its own */
};

/** A series in /metrics. Who has it changes under the lock of the series and that of the peer's
 * shard (taken before); counts are added under the latter. */
struct wg_peer_slot {
    char *name; /* NULL: free */
    _Atomic uint64_t counts[WG_PEER_COUNTS];
};

struct wg_peer_slots {
    pthread_mutex_t lock;
    struct wg_peer_slot *at;
    size_t limit;
    _Atomic size_t used;
    _Atomic uint64_t others[WG_PEER_COUNTS];
    int64_t chosen_at_ms; /* when it was last looked who is the busiest */
};

/** What hook "peer" of an instance said last. */
struct wg_peer_standing {
    enum wg_verdict verdict; /**< NONE: it was not asked yet */
    char policy[64], reason[200];
};

struct wg_peer_record {
    char *name;
    struct wg_peer_box *box; /* NULL: never fetched well */
    int64_t expires_at_ms;   /* monotonic */
    bool is_fetching;
    struct wg_directory_waiter *waiters;
    /* Failure: why, and when to try again. */
    struct wg_err failure;
    unsigned failures;
    int64_t retry_at_ms;
    int64_t refetch_after_ms;
    int64_t known_since_s, last_seen_s;
    struct wg_key_seen keys[WG_DIRECTORY_FORMER_KEYS]; /* newest first */
    size_t key_count;
    struct wg_peer_activity *activity; /* NULL: nothing was counted yet */
    json_t *last_error;
    struct wg_peer_standing *standings; /* by instance */
    size_t standing_count;
    int64_t held_until_ms; /* monotonic */
    int64_t tried_at_s;
    int64_t skew_s, skew_at_s;
    const char *skew_from; /* NULL: never seen */
    bool is_changed;       /* since it was stored */
};

struct wg_directory_shard {
    pthread_mutex_t lock;
    struct wg_map records;
};

struct wg_directory {
    const struct wg_clock *clock;
    size_t shard_limit;
    bool allow_ip_literals;
    void (*on_failure)(void *owner, struct wg_str name, const struct wg_err *err,
                       int64_t retry_s);
    void *on_failure_owner;
    struct wg_directory_shard shards[WG_DIRECTORY_SHARDS];
    struct wg_peer_slots series;
};

struct wg_directory_shard *wg_directory_enter(struct wg_directory *directory,
                                              struct wg_str name);
/** Under the shard's lock: found, or made; NULL when there is no room. */
struct wg_peer_record *wg_directory_record(struct wg_directory *directory,
                                           struct wg_directory_shard *shard,
                                           struct wg_str name);
void wg_directory_record_free(void *record);
/** Under the shard's lock. */
int64_t wg_directory_sum(const struct wg_peer_record *record, int64_t now_s,
                         enum wg_peer_count what);
void wg_directory_note_error(struct wg_peer_record *record, int64_t now_s,
                             const struct wg_peer_error *error);

/** peer_series.c: one more in the series of record, or of the others; under its shard's lock.
 */
void wg_peer_series_count(struct wg_directory *directory, struct wg_peer_record *record,
                          enum wg_peer_count what);
/** The record is about to go. */
void wg_peer_series_leave(struct wg_directory *directory, struct wg_peer_record *record);
void wg_peer_series_done(struct wg_directory *directory);

/** Fetches the descriptor of name and settles its record; on how->loop. */
void wg_directory_fetch(struct wg_directory *directory, struct wg_str name,
                        const struct wg_lookup_how *how);
/** The fetch came out well (box is taken over, lives for age_s) or not: box is NULL, err says
 * why for the log, told what those hear who asked (addresses and what the guard saw are not
 * theirs to know). */
void wg_directory_settle(struct wg_directory *directory, struct wg_str name,
                         struct wg_peer_box *box, int64_t age_s, const struct wg_err *err,
                         const struct wg_err *told);
