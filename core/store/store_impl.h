// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/arena.h"
#include "store/audit.h"
#include "store/queue.h"
#include "store/store.h"

/** What the asking side (store/ *.c) and a backend (store/sqlite/) share: a request under way.
 */

enum wg_store_thread {
    WG_STORE_WRITER, /**< group commit */
    WG_STORE_RELAY,  /**< reads that deliveries wait for */
    WG_STORE_READER, /**< reads that people wait for: lists, searches */
    WG_STORE_THREADS
};

struct wg_store_op;
struct wg_db;

/** One kind of request. */
struct wg_store_kind {
    const char *name;
    enum wg_store_thread thread;
    /** Does it; a refusal goes into op->err and must have written nothing. A failure of the
     * database is kept by the connection. */
    void (*perform)(struct wg_db *db, struct wg_store_op *op);
    /** On the asker's thread: calls its callback with what is in op. */
    void (*finish)(struct wg_store_op *op);
};

struct wg_store_op {
    struct wg_store_op *next;
    const struct wg_store_kind *kind;
    struct wg_loop *loop;
    void *owner;
    void (*on_done)(void); /**< of the kind's own type; finish() knows it */
    void *request;         /**< copied into the arena */
    void *result;          /**< of perform(), in the arena; valid when err.code is WG_OK */
    struct wg_arena arena;
    size_t bytes; /**< counted against waiting_bytes_limit */
    struct wg_err err;
};

struct wg_store_op *wg_store_op_new(const struct wg_store_kind *kind, struct wg_loop *loop,
                                    void (*on_done)(void), void *owner);
/** Takes op; its finish() will run exactly once. */
void wg_store_ask(struct wg_store *store, struct wg_store_op *op);

/** Copies into the arena of op; an absent text stays absent. */
struct wg_str wg_store_copy(struct wg_store_op *op, struct wg_str text);
struct wg_audit_row *wg_store_copy_audit(struct wg_store_op *op,
                                         const struct wg_audit_row *rows, size_t count);

/** Pages of lists: 100 unless told, at most 1,000. */
static inline size_t wg_store_page_limit(size_t limit)
{
    return limit == 0 ? 100 : limit < 1000 ? limit : 1000;
}

/* Requests that are more than one struct of the public headers. */
struct wg_store_seen_request {
    struct wg_seen seen;
    const struct wg_audit_row *audit;
    size_t audit_count;
};
struct wg_store_settle_request {
    const struct wg_settlement *settlements;
    size_t count;
};
struct wg_store_list_request {
    struct wg_str namespace, key; /**< documents: key is the name, or the prefix */
    struct wg_str cursor;
    size_t limit;
};
struct wg_store_audit_request {
    const struct wg_audit_row *rows;
    size_t count;
};

/* The backend has a function for each kind of request. */
void wg_sqlite_accept(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_seen_check(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_seen_mark(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_destinations(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_destinations_between(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_next(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_settle(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_suspend(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_suspensions(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_queue_list(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_queue_change(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_story(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_document_get(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_document_put(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_document_delete(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_document_list(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_audit_append(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_audit_search(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_audit_verify(struct wg_db *db, struct wg_store_op *op);
void wg_sqlite_upkeep(struct wg_db *db, struct wg_store_op *op);
