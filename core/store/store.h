// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

/** What must last: deliveries and seen ids (store/queue.h), documents (store/document.h) and
 * the audit (store/audit.h). This header opens it and says what all requests have in common.
 *
 * Requests: every operation is asked with one function and answered with exactly one callback,
 * on the thread of the loop that was given, never from inside the asking function. What the
 *           request points to is copied before the function returns; what the answer points to
 * is lent until the callback returns. err->code is WG_OK on success, else the answer is NULL.
 * Promises: a write that answered WG_OK is on the disk (fsynced), whole, with the audit rows it
 * carried. All that waits is committed as one group, so a busy store costs one fsync for many.
 * Failures: WG_FULL (bounds or disk), WG_IO (the disk failed), WG_CORRUPT (the file is
 * damaged): nothing of the request counts as stored and it may be asked again, which is safe
 * for every request here. Later requests work again when the cause has gone. Order:    writes
 * are done in the order asked, whoever asked. A read sees every write answered before it was
 * asked; reads do not wait for writes, nor writes for reads. Thread:   any, for every function
 * but _open() and _free().
 *
 * No backend's ways show: a cursor is a text to hand back as it came (safe in a URL), valid
 * across restarts; an absent cursor starts a list, and an absent next cursor is its only end. A
 * page may be short or empty before: a page does a bounded amount of work, not a search to the
 * end. */
struct wg_store;
struct wg_loop; /**< of net/, which this area does not use: the store only hands it to post */
struct wg_audit_row;

enum wg_store_check {
    WG_STORE_CHECK_QUICK, /**< structure of the whole file when it is small, else of what start
                             needs */
    WG_STORE_CHECK_FULL,  /**< every page and index, however long that takes */
};

enum { WG_STORE_SIGNATURE = 64, WG_STORE_KEY_NAME = 128 };

/** Signs the checkpoints of the audit chain. Both are called on a thread of the store. */
struct wg_store_signer {
    /** Writes the signature and the name of the key. @return false when it cannot sign now. */
    bool (*sign)(void *owner, struct wg_str message, uint8_t ret_signature[WG_STORE_SIGNATURE],
                 char ret_key_name[WG_STORE_KEY_NAME]);
    bool (*verify)(void *owner, struct wg_str message,
                   const uint8_t signature[WG_STORE_SIGNATURE], struct wg_str key_name);
    void *owner;
};

/** Zero stands for the default everywhere. */
struct wg_store_options {
    const char *folder; /**< exists; the store's files are made in it, and a lock that keeps a
                           second process out */
    const struct wg_clock *clock; /**< the machine's own */
    /** Runs call(owner) on that loop's thread: wg_loop_post(). Must not fail, nor call at once.
     */
    void (*post)(struct wg_loop *loop, void (*call)(void *owner), void *owner);
    enum wg_store_check check;
    struct wg_store_signer signer; /**< absent: the chain has no signed checkpoints */

    int64_t queue_rows_limit;    /**< deliveries in every state but sent: 5,000,000 */
    int64_t queue_bytes_limit;   /**< of stored bodies: 16 GiB */
    int64_t free_disk_bytes_min; /**< kept free for what is already promised: 64 MiB */
    int64_t waiting_bytes_limit; /**< of requests not done yet, in memory: 64 MiB */
    int64_t seen_keep_ms;        /**< 14 days */
    int64_t dead_keep_ms;        /**< 30 days */
    int64_t audit_keep_ms;       /**< 90 days */
    int64_t audit_keep_bytes;    /**< 4 GiB */
    int64_t
        checkpoint_every_rows; /**< of the audit: 4,096; also once an hour, and at the end */
    int64_t upkeep_every_ms;   /**< expiry and retention: 1 s; < 0: only when asked */
};

/** Opens or makes the store; blocks, so at the start of the process.
 *
 * @return WG_CONFIG when the file is foreign, newer than this program, in use or not writable;
 *         WG_CORRUPT when it is damaged; WG_IO or WG_FULL. The text says what to do. */
WG_MUST_USE enum wg_code wg_store_open(const struct wg_store_options *options,
                                       struct wg_store **ret_store, struct wg_err *err);
/** Does what was asked, posts the last callbacks, then ends the threads; blocks for that long.
 * The loops must still take posts. NULL is fine. @return NULL */
struct wg_store *wg_store_free(struct wg_store *store);

/** For writes that answer nothing more than that they are done. */
typedef void (*wg_store_done)(void *owner, const struct wg_err *err);

/** Figures for metrics and /readyz; cheap, at once, as of the last commit. */
struct wg_store_figures {
    int64_t deliveries, held, dead; /**< waiting; in quarantine; dead letters */
    int64_t body_bytes;
    int64_t audit_rows, audit_bytes;
    int64_t free_disk_bytes;    /**< -1: not known */
    int64_t requests_waiting;   /**< writes asked and not yet committed */
    int64_t commits, committed; /**< groups since start; requests in them */
    int64_t failures;           /**< groups that could not be committed, since start */
    int64_t commit_us_last;     /**< fsync included */
    bool is_writable;           /**< the last write went well */
};
void wg_store_read_figures(struct wg_store *store, struct wg_store_figures *ret_figures);

/** One round of expiry and retention now, a bounded amount; did_all says that nothing is left.
 * Runs by itself as well (upkeep_every_ms). */
void wg_store_upkeep(struct wg_store *store, struct wg_loop *loop,
                     void (*on_upkeep)(void *owner, const struct wg_err *err, bool did_all),
                     void *owner);
