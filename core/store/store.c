// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "store/sqlite/backend.h"

enum {
    GROUP_MAX = 1024,
    GROUP_BYTES_MAX = 8 * 1024 * 1024,
    BUSY_GROUP = 24,
    GATHER_MS = 3,
};

struct lane {
    struct wg_store *store;
    enum wg_store_thread which;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct wg_store_op *first, **last; /* under lock, as all below */
    bool is_ending;
};

struct wg_store {
    struct wg_store_options options;
    char *folder;
    struct wg_backend *backend;
    struct lane lanes[WG_STORE_THREADS];
    _Atomic int64_t waiting_bytes; /* of all requests asked and not done */
    _Atomic int64_t writes_waiting;
};

/* --- requests --- */

struct wg_store_op *wg_store_op_new(const struct wg_store_kind *kind, struct wg_loop *loop,
                                    void (*on_done)(void), void *owner)
{
    struct wg_store_op *op = wg_new(struct wg_store_op);

    op->kind = kind;
    op->loop = loop;
    op->on_done = on_done;
    op->owner = owner;
    op->bytes = sizeof *op;
    wg_arena_init(&op->arena);
    return op;
}

struct wg_str wg_store_copy(struct wg_store_op *op, struct wg_str text)
{
    op->bytes += text.len;
    return text.at ? wg_arena_copy(&op->arena, text) : text;
}

struct wg_audit_row *wg_store_copy_audit(struct wg_store_op *op,
                                         const struct wg_audit_row *rows, size_t count)
{
    struct wg_audit_row *copies = wg_arena_alloc(&op->arena, count * sizeof *copies);

    for (size_t i = 0; i < count; i++) {
        struct wg_audit_row *row = &copies[i];
        struct wg_str *const texts[] = {
            &row->action,     &row->server,  &row->peer,  &row->direction, &row->room_id,
            &row->event_id,   &row->verdict, &row->code,  &row->reason,    &row->policy,
            &row->request_id, &row->actor,   &row->extra, &row->trace};

        *row = rows[i];
        for (size_t k = 0; k < WG_COUNT(texts); k++) {
            if (texts[k]->len > WG_AUDIT_FIELD_MAX)
                texts[k]->len = WG_AUDIT_FIELD_MAX;
            *texts[k] = wg_store_copy(op, *texts[k]);
        }
    }
    op->bytes += count * sizeof *copies;
    return copies;
}

/* On the asker's thread; one post for all of a loop's that were done together. */
static void finish_all(void *owner)
{
    struct wg_store_op *op = owner;

    while (op) {
        struct wg_store_op *next = op->next;

        op->kind->finish(op);
        wg_arena_done(&op->arena);
        wg_free(op);
        op = next;
    }
}

/* Hands the list back, to each loop what is its own, in order. */
static void hand_back(struct wg_store *store, struct wg_store_op *ops)
{
    while (ops) {
        struct wg_loop *loop = ops->loop;
        struct wg_store_op *mine = NULL, **mine_end = &mine;
        struct wg_store_op *rest = NULL, **rest_end = &rest;

        for (struct wg_store_op *op = ops, *next; op; op = next) {
            struct wg_store_op ***end = op->loop == loop ? &mine_end : &rest_end;

            next = op->next;
            op->next = NULL;
            atomic_fetch_sub(&store->waiting_bytes, (int64_t)op->bytes);
            if (op->kind->thread == WG_STORE_WRITER)
                atomic_fetch_sub(&store->writes_waiting, 1);
            **end = op;
            *end = &op->next;
        }
        store->options.post(loop, finish_all, mine);
        ops = rest;
    }
}

void wg_store_ask(struct wg_store *store, struct wg_store_op *op)
{
    struct lane *lane = &store->lanes[op->kind->thread];
    int64_t waiting = atomic_fetch_add(&store->waiting_bytes, (int64_t)op->bytes);

    op->next = NULL;
    if (op->kind->thread == WG_STORE_WRITER)
        atomic_fetch_add(&store->writes_waiting, 1);
    if (op->err.code == WG_OK && waiting > store->options.waiting_bytes_limit)
        wg_fail(
            &op->err, WG_FULL,
            "%lld bytes of requests wait for the store, which is its limit; the disk is too "
            "slow for the load",
            (long long)waiting);
    if (op->err.code != WG_OK) {
        hand_back(store, op);
        return;
    }
    pthread_mutex_lock(&lane->lock);
    *lane->last = op;
    lane->last = &op->next;
    pthread_cond_signal(&lane->has_work);
    pthread_mutex_unlock(&lane->lock);
}

/* --- threads --- */

/* Takes what waits, at most a group; the lock is held. */
static struct wg_store_op *take_group(struct lane *lane)
{
    struct wg_store_op *group = lane->first, **end = &group;
    size_t bytes = 0;

    for (int i = 0; *end && i < GROUP_MAX && bytes < GROUP_BYTES_MAX; i++) {
        bytes += (*end)->bytes;
        end = &(*end)->next;
    }
    lane->first = *end;
    if (!lane->first)
        lane->last = &lane->first;
    *end = NULL;
    return group;
}

static void *read_all(void *owner)
{
    struct lane *lane = owner;

    pthread_mutex_lock(&lane->lock);
    for (;;) {
        struct wg_store_op *op = lane->first;

        if (op) {
            lane->first = op->next;
            if (!lane->first)
                lane->last = &lane->first;
            op->next = NULL;
            pthread_mutex_unlock(&lane->lock);
            wg_backend_read(lane->store->backend, lane->which, op);
            hand_back(lane->store, op);
            pthread_mutex_lock(&lane->lock);
        } else if (lane->is_ending) {
            break;
        } else {
            pthread_cond_wait(&lane->has_work, &lane->lock);
        }
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

static int64_t mono_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Sleeps until there is work or upkeep is due; the lock is held. */
static void rest(struct lane *lane, int64_t upkeep_at_ms)
{
    struct timespec until = {upkeep_at_ms / 1000, upkeep_at_ms % 1000 * 1000000};

    if (lane->store->options.upkeep_every_ms < 0)
        pthread_cond_wait(&lane->has_work, &lane->lock);
    else
        pthread_cond_timedwait(&lane->has_work, &lane->lock, &until);
}

static bool is_busy(const struct wg_store_op *group)
{
    int count = 0;

    for (; group && count < BUSY_GROUP; group = group->next)
        count++;
    return count == BUSY_GROUP;
}

/* Where many come one after the other, a moment later there are more: they share pages, so that
 * half as much is written, and one fsync. Who is alone does not wait, nor anybody when nothing
 * more comes. The lock is held. */
static void gather(struct lane *lane)
{
    for (int ms = 0; ms < GATHER_MS && !lane->is_ending; ms++) {
        struct wg_store_op **last = lane->last;

        pthread_mutex_unlock(&lane->lock);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        pthread_mutex_lock(&lane->lock);
        if (lane->last == last)
            return;
    }
}

static void *write_all(void *owner)
{
    struct lane *lane = owner;
    struct wg_store *store = lane->store;
    int64_t every_ms = store->options.upkeep_every_ms;
    int64_t upkeep_at_ms = mono_ms();
    bool was_busy = false;

    pthread_mutex_lock(&lane->lock);
    while (lane->first || !lane->is_ending) {
        struct wg_store_op *group;
        bool is_upkeep_due;

        if (was_busy)
            gather(lane);
        group = take_group(lane);
        was_busy = is_busy(group);
        is_upkeep_due = every_ms >= 0 && mono_ms() >= upkeep_at_ms;
        if (!group && !is_upkeep_due) {
            if (!lane->is_ending) /* it may have been told while gathering, without the lock */
                rest(lane, upkeep_at_ms);
            continue;
        }
        pthread_mutex_unlock(&lane->lock);
        if (group) {
            wg_backend_write(store->backend, group);
            hand_back(store, group);
        }
        if (is_upkeep_due && !wg_backend_upkeep(store->backend))
            upkeep_at_ms = mono_ms() + every_ms;
        pthread_mutex_lock(&lane->lock);
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

static void start_lane(struct wg_store *store, enum wg_store_thread which)
{
    static const char *const names[] = {"store-write", "store-relay", "store-read"};
    struct lane *lane = &store->lanes[which];
    pthread_condattr_t attributes;

    lane->store = store;
    lane->which = which;
    lane->last = &lane->first;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&lane->has_work, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&lane->thread, NULL, which == WG_STORE_WRITER ? write_all : read_all,
                       lane) != 0)
        wg_panic("no thread for the store");
    pthread_setname_np(lane->thread, names[which]);
}

static void end_lane(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->is_ending = true;
    pthread_cond_signal(&lane->has_work);
    pthread_mutex_unlock(&lane->lock);
    pthread_join(lane->thread, NULL);
    pthread_cond_destroy(&lane->has_work);
    pthread_mutex_destroy(&lane->lock);
}

/* --- the store --- */

static void fill_defaults(struct wg_store_options *options)
{
    const int64_t day = INT64_C(24) * 3600 * 1000, mebibyte = 1024 * 1024;
    const struct {
        int64_t *field, value;
    } defaults[] = {
        {&options->queue_rows_limit, 5000000},
        {&options->queue_bytes_limit, 16384 * mebibyte},
        {&options->free_disk_bytes_min, 64 * mebibyte},
        {&options->waiting_bytes_limit, 64 * mebibyte},
        {&options->seen_keep_ms, 14 * day},
        {&options->dead_keep_ms, 30 * day},
        {&options->audit_keep_ms, 90 * day},
        {&options->audit_keep_bytes, 4096 * mebibyte},
        {&options->checkpoint_every_rows, 4096},
        {&options->upkeep_every_ms, 1000},
    };

    for (size_t i = 0; i < WG_COUNT(defaults); i++) {
        if (*defaults[i].field == 0)
            *defaults[i].field = defaults[i].value;
    }
    if (!options->clock)
        options->clock = wg_clock_system();
}

enum wg_code wg_store_open(const struct wg_store_options *options, struct wg_store **ret_store,
                           struct wg_err *err)
{
    struct wg_store *store = wg_new(struct wg_store);

    if (sodium_init() < 0)
        wg_panic("libsodium cannot be used");
    store->options = *options;
    store->folder = wg_strdup(wg_str(options->folder));
    store->options.folder = store->folder;
    fill_defaults(&store->options);
    if (wg_backend_open(&store->options, &store->backend, err) != WG_OK) {
        wg_free(store->folder);
        wg_free(store);
        return wg_while(err, "opening the store");
    }
    for (int i = 0; i < WG_STORE_THREADS; i++)
        start_lane(store, (enum wg_store_thread)i);
    *ret_store = store;
    return WG_OK;
}

struct wg_store *wg_store_free(struct wg_store *store)
{
    if (!store)
        return NULL;
    for (int i = 0; i < WG_STORE_THREADS; i++)
        end_lane(&store->lanes[i]);
    wg_backend_close(store->backend);
    wg_free(store->folder);
    wg_free(store);
    return NULL;
}

void wg_store_read_figures(struct wg_store *store, struct wg_store_figures *ret_figures)
{
    wg_backend_figures(store->backend, ret_figures);
    ret_figures->requests_waiting = atomic_load(&store->writes_waiting);
}

typedef void (*on_upkeep_fn)(void *owner, const struct wg_err *err, bool did_all);

static void finish_upkeep(struct wg_store_op *op)
{
    ((on_upkeep_fn)op->on_done)(op->owner, &op->err,
                                op->err.code == WG_OK && *(bool *)op->result);
}

void wg_store_upkeep(struct wg_store *store, struct wg_loop *loop,
                     void (*on_upkeep)(void *owner, const struct wg_err *err, bool did_all),
                     void *owner)
{
    static const struct wg_store_kind kind = {"upkeep", WG_STORE_WRITER, wg_sqlite_upkeep,
                                              finish_upkeep};

    wg_store_ask(store, wg_store_op_new(&kind, loop, (void (*)(void))on_upkeep, owner));
}
