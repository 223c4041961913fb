// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/audit.h"
#include "store/document.h"
#include "store/queue.h"
#include "store/store.h"

/** A store in a folder of its own, a clock that tests turn, and a loop that runs what is posted
 * when a test waits for it. Every ask_* asks, waits for the one callback and returns its code.
 */
struct fixture {
    char folder[64];
    struct wg_clock clock;
    int64_t now_ms;
    struct wg_store_options options;
    struct wg_store *store;
    struct wg_loop *loop;
    struct wg_err err; /**< of the last ask */
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/** Opens (again) with fixture->options; fails the test when it cannot. */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/** Removes the folder's files. */
void fixture_wipe(const char *folder);

struct wg_loop *loop_new(void);
void loop_free(struct wg_loop *loop);
void loop_post(struct wg_loop *loop, void (*call)(void *owner), void *owner);
/** Runs posted calls, waiting for some, until *is_done. */
void loop_turn(struct wg_loop *loop); /**< waits for one and runs it */
void loop_until(struct wg_loop *loop, const bool *is_done);

/** An accept with one destination, ready to be changed. Texts are literals or the caller's. */
struct wg_accept make_accept(uint32_t event, const char *room,
                             const struct wg_destination *destination);
void make_event_id(uint32_t event, uint8_t ret_id[WG_EVENT_KEY]);

enum wg_code ask_accept(struct fixture *f, const struct wg_accept *accept,
                        struct wg_accepted *ret_accepted);
enum wg_code ask_seen(struct fixture *f, const struct wg_seen *seen, bool *ret_is_seen);
enum wg_code ask_mark(struct fixture *f, const struct wg_seen *seen, bool *ret_was_seen);

/** Up to 64 heads, their rooms and event numbers. */
struct heads {
    size_t count;
    bool has_more;
    int64_t next_due_in_ms;
    struct head {
        char room[64], body[64];
        uint32_t event;
        uint64_t order;
        int64_t attempts, age_ms, expires_in_ms;
    } head[64];
};
enum wg_code ask_next(struct fixture *f, const struct wg_next *next, struct heads *ret_heads);
enum wg_code ask_settle(struct fixture *f, const struct wg_settlement *settlements,
                        size_t count);
/** The delivery of head, to that destination. */
struct wg_settlement settle_head(const struct head *head,
                                 const struct wg_destination *destination,
                                 enum wg_outcome outcome);
enum wg_code ask_suspend(struct fixture *f, const struct wg_suspend *suspend);
enum wg_code ask_append(struct fixture *f, const struct wg_audit_row *rows, size_t count);
/** Until there is nothing left to do. */
void ask_upkeep(struct fixture *f);

/** Events of the entries, over all pages. */
struct entries {
    size_t count, pages;
    uint32_t event[256];
    char reason[256][40];
    int64_t due_in_ms[256];
};
enum wg_code ask_list(struct fixture *f, const struct wg_queue_filter *filter, size_t limit,
                      struct entries *ret_entries);
/** Over all pieces. */
enum wg_code ask_change(struct fixture *f, struct wg_queue_change change, int64_t *ret_changed);

enum wg_code ask_put(struct fixture *f, const struct wg_document_put *put,
                     int64_t *ret_version);
enum wg_code ask_delete(struct fixture *f, const struct wg_document_put *put);
/** value: at least 64 bytes, NUL-terminated. */
enum wg_code ask_get(struct fixture *f, const char *namespace, const char *key, char *ret_value,
                     int64_t *ret_version);

extern const struct wg_destination to_peer, to_other, to_instance;
