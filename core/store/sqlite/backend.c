// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/metric.h"
#include "store/sqlite/db.h"
#include "store/sqlite/ops.h"

enum { STEP_BACK_TOLERATED_MS = 1000 };

struct wg_backend {
    const struct wg_store_options *options;
    char *file;
    int lock;
    struct wg_db dbs[WG_STORE_THREADS];
    /* Held for reading by whoever uses a connection; the writer takes it whole to make all of
     * them anew: SQLite reads its log again only when the last connection has gone. */
    pthread_rwlock_t connections;
    bool is_broken;               /* writer: not recovered from a failed write yet */
    struct wg_db_state committed; /* writer: as on the disk */
    _Atomic int64_t clock_ms;     /* of the last commit */
    pthread_mutex_t figures_lock;
    struct wg_store_figures figures;
};

static enum wg_code take_lock(struct wg_backend *backend, struct wg_err *err)
{
    struct wg_arena arena;
    const char *file;

    wg_arena_init(&arena);
    file = wg_arena_format(&arena, "%s.lock", backend->file);
    backend->lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (backend->lock < 0)
        wg_fail(
            err, errno == ENOSPC ? WG_FULL : WG_CONFIG,
            "%s cannot be made (%s); look at the owner, mode and free space of the data folder",
            file, strerror(errno));
    else if (flock(backend->lock, LOCK_EX | LOCK_NB) != 0)
        wg_fail(err, WG_CONFIG,
                "%s is in use by another process; stop that one, or set another `data` folder",
                backend->file);
    else
        err->code = WG_OK;
    wg_arena_done(&arena);
    return err->code;
}

static enum wg_code open_connections(struct wg_backend *backend, enum wg_store_check how,
                                     struct wg_err *err)
{
    struct wg_db *writer = &backend->dbs[WG_STORE_WRITER];

    if (wg_db_open(writer, backend->file, false, err) != WG_OK)
        return err->code;
    if (wg_db_prepare_file(writer, backend->file, how, err) != WG_OK)
        return err->code;
    for (int i = WG_STORE_RELAY; i < WG_STORE_THREADS; i++) {
        if (wg_db_open(&backend->dbs[i], backend->file, true, err) != WG_OK)
            return err->code;
        wg_db_script(&backend->dbs[i], "PRAGMA query_only = 1; PRAGMA cache_size = -16384;"
                                       "PRAGMA temp_store = MEMORY;");
        if (wg_db_status(&backend->dbs[i], err) != WG_OK)
            return err->code;
    }
    backend->committed = writer->state;
    backend->clock_ms = writer->state.clock_ms;
    return WG_OK;
}

static void close_connections(struct wg_backend *backend)
{
    for (int i = WG_STORE_THREADS - 1; i >= 0; i--)
        wg_db_close(&backend->dbs[i]);
}

static int64_t free_disk(const struct wg_backend *backend)
{
    struct statvfs disk;

    if (statvfs(backend->options->folder, &disk) != 0)
        return -1;
    return (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
}

static void publish(struct wg_backend *backend, int64_t requests, int64_t commit_us)
{
    const struct wg_db_state *state = &backend->committed;
    struct wg_store_figures *f = &backend->figures;

    pthread_mutex_lock(&backend->figures_lock);
    f->deliveries = state->deliveries;
    f->held = state->held;
    f->dead = state->dead;
    f->body_bytes = state->body_bytes;
    f->audit_rows = state->audit_rows;
    f->audit_bytes = state->audit_bytes;
    f->free_disk_bytes = backend->dbs[WG_STORE_WRITER].free_disk_bytes;
    f->is_writable = commit_us >= 0;
    if (commit_us >= 0) {
        f->commits++;
        f->committed += requests;
        f->commit_us_last = commit_us;
    } else {
        f->failures++;
    }
    pthread_mutex_unlock(&backend->figures_lock);
}

enum wg_code wg_backend_open(const struct wg_store_options *options,
                             struct wg_backend **ret_backend, struct wg_err *err)
{
    struct wg_backend *backend = wg_new(struct wg_backend);
    struct wg_err cause = {.code = WG_OK};
    char file[4096];

    /* Counting each allocation takes a lock each time; where SQLite runs already this is
     * refused, which does no harm. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

    snprintf(file, sizeof file, "%s/wavegate.db", options->folder);
    backend->options = options;
    backend->file = wg_strdup(wg_str(file));
    backend->lock = -1;
    pthread_rwlock_init(&backend->connections, NULL);
    pthread_mutex_init(&backend->figures_lock, NULL);
    for (int i = 0; i < WG_STORE_THREADS; i++)
        backend->dbs[i].options = options;
    if (take_lock(backend, &cause) != WG_OK ||
        open_connections(backend, options->check, &cause) != WG_OK) {
        wg_backend_close(backend);
        *err = cause;
        return err->code;
    }
    backend->dbs[WG_STORE_WRITER].free_disk_bytes = free_disk(backend);
    publish(backend, 0, 0);
    backend->figures.commits = 0;
    *ret_backend = backend;
    return WG_OK;
}

static int64_t mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* A wall clock that was stepped back would leave what is due waiting until it has caught up.
 * @return whether it was. */
static bool follow_clock(struct wg_db *db)
{
    int64_t back = db->state.clock_ms - db->now_ms;

    if (back > STEP_BACK_TOLERATED_MS) {
        wg_db_run(db, "UPDATE lane SET due_at = due_at - ?1 WHERE due_at > ?2", "ii", back,
                  db->now_ms);
        wg_db_run(db, "UPDATE suspension SET until = until - ?1 WHERE until > 0", "i", back);
    } else if (back > 0) {
        db->now_ms = db->state.clock_ms;
    }
    db->state.clock_ms = db->now_ms;
    return back > STEP_BACK_TOLERATED_MS;
}

static bool begin(struct wg_backend *backend)
{
    struct wg_db *db = &backend->dbs[WG_STORE_WRITER];

    db->now_ms = wg_clock_wall_ms(backend->options->clock);
    db->free_disk_bytes = free_disk(backend);
    wg_db_run(db, "BEGIN IMMEDIATE", "");
    return follow_clock(db);
}

static void commit(struct wg_backend *backend, int64_t requests)
{
    struct wg_db *db = &backend->dbs[WG_STORE_WRITER];
    int64_t began = mono_us(), took_us;

    db->state.commits++;
    wg_db_save_state(db);
    wg_db_run(db, "COMMIT", "");
    if (!wg_db_is_ok(db))
        return;
    backend->committed = db->state;
    backend->clock_ms = db->state.clock_ms;
    took_us = mono_us() - began;
    wg_metric_time(STORE_COMMIT_TIME, took_us * 1000);
    publish(backend, requests, took_us);
}

/* Moves what the log holds to the main file, fsyncs that and empties the log. */
static bool empty_log(struct wg_db *db)
{
    sqlite3_stmt *row = wg_db_query(db, "PRAGMA wal_checkpoint(TRUNCATE)", "");
    bool is_empty = false;

    if (wg_db_row(db, row)) {
        is_empty = wg_db_int(row, 0) == 0;
        wg_db_end(row);
    }
    wg_db_clear(db);
    return is_empty;
}

/* After a failed write or fsync nothing new is promised before this has succeeded. A second
 * fsync of the same pages may succeed without having written them, so none is relied on: all
 * that was committed is written again, from the log to the main file, and fsynced there; the
 * log, whose end may hold what was told to have failed, is emptied; then the connections are
 * made anew, and with them all they remember. */
static void recover(struct wg_backend *backend)
{
    struct wg_db *writer = &backend->dbs[WG_STORE_WRITER];
    struct wg_err err;

    pthread_rwlock_wrlock(&backend->connections);
    backend->is_broken = true;
    if (!writer->handle || empty_log(writer)) {
        close_connections(backend);
        backend->is_broken = open_connections(backend, WG_STORE_CHECK_QUICK, &err) != WG_OK;
        if (backend->is_broken)
            close_connections(backend);
    }
    pthread_rwlock_unlock(&backend->connections);
}

/* Undoes the group; the reason goes to *err. */
static void roll_back(struct wg_backend *backend, struct wg_err *err)
{
    struct wg_db *db = &backend->dbs[WG_STORE_WRITER];
    bool is_broken = wg_db_status(db, err) == WG_IO;

    wg_while(err, "writing %s", backend->file);
    for (size_t i = 0; i < WG_COUNT(db->statements); i++)
        sqlite3_reset(db->statements[i].statement);
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    wg_db_clear(db);
    db->state = backend->committed;
    publish(backend, 0, -1);
    if (is_broken)
        recover(backend);
}

/* @return whether it was committed; if not, *err says why and nothing of it is there. */
static bool try_group(struct wg_backend *backend, struct wg_store_op *first,
                      const struct wg_store_op *end, struct wg_err *err)
{
    struct wg_db *db = &backend->dbs[WG_STORE_WRITER];
    int64_t requests = 0, changes = sqlite3_total_changes64(db->handle);

    begin(backend);
    for (struct wg_store_op *op = first; op != end && wg_db_is_ok(db); op = op->next) {
        op->err.code = WG_OK;
        op->kind->perform(db, op);
        requests++;
    }
    if (wg_db_is_ok(db) && sqlite3_total_changes64(db->handle) == changes) {
        wg_db_run(db, "ROLLBACK", ""); /* duplicates and refusals are not worth an fsync */
        db->state = backend->committed;
        return true;
    }
    commit(backend, requests);
    if (wg_db_is_ok(db))
        return true;
    roll_back(backend, err);
    return false;
}

static bool is_usable(struct wg_backend *backend, struct wg_err *err)
{
    if (backend->is_broken)
        recover(backend);
    if (!backend->is_broken)
        return true;
    wg_fail(err, WG_IO,
            "%s cannot be used since a write failed; look at the disk that holds the data "
            "folder",
            backend->file);
    return false;
}

static void fail_all(struct wg_store_op *first, const struct wg_err *err)
{
    for (struct wg_store_op *op = first; op; op = op->next)
        op->err = *err;
}

void wg_backend_write(struct wg_backend *backend, struct wg_store_op *ops)
{
    struct wg_err err = {.code = WG_OK};

    if (!is_usable(backend, &err)) {
        fail_all(ops, &err);
        return;
    }
    if (try_group(backend, ops, NULL, &err))
        return;
    fail_all(ops, &err);
    if (!ops->next || err.code == WG_IO || err.code == WG_CORRUPT)
        return;
    /* One request that cannot be done must not take the others with it, and where there was no
     * room for all there may be for those that make room. */
    for (struct wg_store_op *op = ops; op; op = op->next) {
        if (!try_group(backend, op, op->next, &err))
            op->err = err;
        if (backend->is_broken)
            break;
    }
}

bool wg_backend_upkeep(struct wg_backend *backend)
{
    struct wg_db *db = &backend->dbs[WG_STORE_WRITER];
    struct wg_err err;
    bool has_stepped, has_more;
    int64_t changes;

    if (!is_usable(backend, &err))
        return false;
    changes = sqlite3_total_changes64(db->handle);
    has_stepped = begin(backend);
    has_more = wg_db_upkeep(db);
    if (wg_db_is_ok(db) && !has_stepped && sqlite3_total_changes64(db->handle) == changes) {
        wg_db_run(db, "ROLLBACK", ""); /* nothing to do is not worth an fsync */
        db->state = backend->committed;
        return false;
    }
    commit(backend, 0);
    if (wg_db_is_ok(db))
        return has_more;
    roll_back(backend, &err);
    return false;
}

void wg_backend_read(struct wg_backend *backend, enum wg_store_thread thread,
                     struct wg_store_op *op)
{
    struct wg_db *db = &backend->dbs[thread];
    int64_t now = wg_clock_wall_ms(backend->options->clock);
    int64_t clock = backend->clock_ms;

    pthread_rwlock_rdlock(&backend->connections);
    /* Until the writer has noticed that the clock was stepped back, time stands still. */
    db->now_ms = now > clock ? now : clock;
    if (!db->handle) {
        wg_fail(&op->err, WG_IO, "%s cannot be opened since a write failed", backend->file);
    } else {
        op->err.code = WG_OK;
        wg_db_run(db, "BEGIN", "");
        op->kind->perform(db, op);
        if (!wg_db_is_ok(db)) {
            if (wg_db_status(db, &op->err) != WG_OK)
                wg_while(&op->err, "reading %s", backend->file);
            for (size_t i = 0; i < WG_COUNT(db->statements); i++)
                sqlite3_reset(db->statements[i].statement);
        }
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
        wg_db_clear(db);
    }
    pthread_rwlock_unlock(&backend->connections);
}

void wg_backend_close(struct wg_backend *backend)
{
    if (!backend)
        return;
    if (backend->dbs[WG_STORE_WRITER].handle && !backend->is_broken)
        wg_db_last_checkpoint(&backend->dbs[WG_STORE_WRITER]);
    close_connections(backend);
    if (backend->lock >= 0)
        close(backend->lock);
    pthread_rwlock_destroy(&backend->connections);
    pthread_mutex_destroy(&backend->figures_lock);
    wg_free(backend->file);
    wg_free(backend);
}

void wg_backend_figures(struct wg_backend *backend, struct wg_store_figures *ret_figures)
{
    pthread_mutex_lock(&backend->figures_lock);
    *ret_figures = backend->figures;
    pthread_mutex_unlock(&backend->figures_lock);
}
