// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "policy/list_source.h"

enum { WG_LIST_ETAG_LIMIT = 256, WG_LIST_DATE_LIMIT = 64 };

/** What is known of the last good answer. */
struct wg_list_kept {
    char etag[WG_LIST_ETAG_LIMIT];          /**< "" without */
    char last_modified[WG_LIST_DATE_LIMIT]; /**< "" without */
    int64_t changed_at_s, checked_at_s;
};

enum wg_list_job_kind {
    WG_LIST_JOB_FILE,   /**< load the file */
    WG_LIST_JOB_ANSWER, /**< parse body and keep it */
    WG_LIST_JOB_SAME,   /**< 304: note that it was checked */
};

/** Work for a thread of its own; the source is not touched by it. */
struct wg_list_job {
    struct wg_list_source *source;
    pthread_t thread;
    enum wg_list_job_kind kind;
    char *body;
    size_t len;
    struct wg_list_kept kept;
    struct wg_list *previous; /**< a reference */
    struct wg_list *list;     /**< what came of it; NULL: err says why, or nothing changed */
    enum wg_code code, keep_code;
    struct wg_err err, keep_err;
};

struct wg_list_source {
    struct wg_list_source_options options; /**< texts are our copies */
    char *where, *shown, *folder;          /**< folder NULL: not kept */
    bool is_remote;
    struct wg_dial_target origin; /**< of a URL; host lies in where */
    struct wg_str authority, target;

    struct wg_timer *timer; /**< the next attempt; during a job it keeps the loop awake */
    struct wg_http_fetch *fetch;
    struct wg_list_job *job;
    struct wg_list_kept kept;
    struct stat file; /**< as it was when it was read */
    bool is_closing;
    void (*on_closed)(void *owner);
    void *closed_owner;

    pthread_mutex_t lock; /**< guards the two below */
    struct wg_list *current;
    struct wg_list_source_info info;
};

/* ---- list_source.c ---- */

/** Options to load it with; previous is lent. */
struct wg_list_options wg_list_source_load_options(const struct wg_list_source *source,
                                                   struct wg_list *previous);
/** A good version (list NULL: the one in force was confirmed). Takes the reference. */
void wg_list_source_succeed(struct wg_list_source *source, struct wg_list *list,
                            const char *problem);
void wg_list_source_fail(struct wg_list_source *source, struct wg_err *err);
/** Ends a source that is closing once nothing is under way. */
void wg_list_source_settle(struct wg_list_source *source);

/* ---- list_fetch.c ---- */

WG_MUST_USE enum wg_code wg_list_url_parse(struct wg_list_source *source, struct wg_err *err);
void wg_list_fetch(struct wg_list_source *source);

/* ---- list_job.c ---- */

/** Starts it; body is taken over. */
void wg_list_job_start(struct wg_list_source *source, enum wg_list_job_kind kind, char *body,
                       size_t len, const struct wg_list_kept *kept);

/* ---- list_keep.c: folder/<hash of the URL>.list and .meta ---- */

/** Both are written under other names, synced and renamed, the text first: a .meta that does
 * not fit its .list is told by the digest in it. */
WG_MUST_USE enum wg_code wg_list_keep_write(const char *folder, const char *url,
                                            struct wg_str text, const struct wg_list_kept *kept,
                                            struct wg_err *err);
/** Writes the .meta alone; its digest stays. */
WG_MUST_USE enum wg_code wg_list_keep_touch(const char *folder, const char *url,
                                            int64_t checked_at_s, struct wg_err *err);
/** @return WG_NOT_FOUND without a copy, WG_CORRUPT for one that is damaged. text is taken. */
WG_MUST_USE enum wg_code wg_list_keep_read(const char *folder, const char *url, size_t limit,
                                           struct wg_buf *ret_text,
                                           struct wg_list_kept *ret_kept, struct wg_err *err);
