// SPDX-License-Identifier: Apache-2.0
#include "unit/store/support.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

const struct wg_destination to_peer = {true, {"peer.example", 12}};
const struct wg_destination to_other = {true, {"other.example", 13}};
const struct wg_destination to_instance = {false, {"a.example", 9}};

/* --- loop --- */

struct posted {
    struct posted *next;
    void (*call)(void *owner);
    void *owner;
};

struct wg_loop {
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct posted *first, **last;
};

struct wg_loop *loop_new(void)
{
    struct wg_loop *loop = wg_new(struct wg_loop);

    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->has_work, NULL);
    loop->last = &loop->first;
    return loop;
}

void loop_post(struct wg_loop *loop, void (*call)(void *owner), void *owner)
{
    struct posted *posted = wg_new(struct posted);

    posted->call = call;
    posted->owner = owner;
    pthread_mutex_lock(&loop->lock);
    *loop->last = posted;
    loop->last = &posted->next;
    pthread_cond_signal(&loop->has_work);
    pthread_mutex_unlock(&loop->lock);
}

static struct posted *take(struct wg_loop *loop, bool is_waiting)
{
    struct posted *posted;
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    pthread_mutex_lock(&loop->lock);
    while (is_waiting && !loop->first) {
        if (pthread_cond_timedwait(&loop->has_work, &loop->lock, &until) != 0) {
            pthread_mutex_unlock(&loop->lock);
            fail_msg("no answer from the store within a minute");
        }
    }
    posted = loop->first;
    if (posted) {
        loop->first = posted->next;
        if (!loop->first)
            loop->last = &loop->first;
    }
    pthread_mutex_unlock(&loop->lock);
    return posted;
}

void loop_turn(struct wg_loop *loop)
{
    struct posted *posted = take(loop, true);

    posted->call(posted->owner);
    wg_free(posted);
}

void loop_until(struct wg_loop *loop, const bool *is_done)
{
    while (!*is_done)
        loop_turn(loop);
}

void loop_free(struct wg_loop *loop)
{
    struct posted *posted;

    while ((posted = take(loop, false))) {
        posted->call(posted->owner);
        wg_free(posted);
    }
    pthread_cond_destroy(&loop->has_work);
    pthread_mutex_destroy(&loop->lock);
    wg_free(loop);
}

/* --- fixture --- */

static int64_t read_now(void *owner)
{
    return __atomic_load_n(&((struct fixture *)owner)->now_ms, __ATOMIC_RELAXED);
}

int fixture_setup(void **state)
{
    struct fixture *f = wg_new(struct fixture);

    /* In memory where there is such a folder: these tests wait for thousands of fsyncs. */
    snprintf(f->folder, sizeof f->folder, "%s/wg-store-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(f->folder))
        return -1;
    f->now_ms = INT64_C(1700000000000);
    f->clock = (struct wg_clock){read_now, read_now, f};
    f->options = (struct wg_store_options){
        .folder = f->folder, .clock = &f->clock, .post = loop_post, .upkeep_every_ms = -1};
    f->loop = loop_new();
    *state = f;
    return 0;
}

void fixture_wipe(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    loop_free(f->loop);
    fixture_wipe(f->folder);
    rmdir(f->folder);
    wg_free(f);
    return 0;
}

void fixture_open(struct fixture *f)
{
    if (wg_store_open(&f->options, &f->store, &f->err) != WG_OK)
        fail_msg("%s", f->err.text);
}

void fixture_close(struct fixture *f)
{
    f->store = wg_store_free(f->store);
}

/* --- asking --- */

struct answer {
    struct fixture *f;
    bool is_done;
    void *result;
};

static void take_answer(struct answer *answer, const struct wg_err *err)
{
    assert_false(answer->is_done);
    answer->f->err = *err;
    answer->is_done = true;
}

static enum wg_code wait_for(struct answer *answer)
{
    loop_until(answer->f->loop, &answer->is_done);
    return answer->f->err.code;
}

void make_event_id(uint32_t event, uint8_t ret_id[WG_EVENT_KEY])
{
    memset(ret_id, 0, WG_EVENT_KEY);
    for (int i = 0; i < 4; i++)
        ret_id[i] = (uint8_t)(event >> (24 - 8 * i));
}

static uint32_t event_of(const uint8_t id[WG_EVENT_KEY])
{
    return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
}

struct wg_accept make_accept(uint32_t event, const char *room,
                             const struct wg_destination *destination)
{
    struct wg_accept accept = {
        .message = {.server = WG_STR("a.example"),
                    .origin = WG_STR("a.example"),
                    .sender = WG_STR("a.example"),
                    .room_id = wg_str(room),
                    .type = WG_STR("swp.room.message"),
                    .extra = WG_STR("x: y"),
                    .body = WG_STR("{\"content\":1}")},
        .destinations = destination,
        .destination_count = 1,
        .expires_in_ms = INT64_C(5) * 24 * 3600 * 1000,
    };

    make_event_id(event, accept.message.event_id);
    return accept;
}

static void on_accepted(void *owner, const struct wg_err *err,
                        const struct wg_accepted *accepted)
{
    struct answer *answer = owner;

    take_answer(answer, err);
    if (accepted && answer->result)
        *(struct wg_accepted *)answer->result = *accepted;
}

enum wg_code ask_accept(struct fixture *f, const struct wg_accept *accept,
                        struct wg_accepted *ret_accepted)
{
    struct answer answer = {.f = f, .result = ret_accepted};

    wg_store_accept(f->store, f->loop, accept, on_accepted, &answer);
    return wait_for(&answer);
}

static void on_bool(void *owner, const struct wg_err *err, bool is_so)
{
    struct answer *answer = owner;

    take_answer(answer, err);
    *(bool *)answer->result = is_so;
}

enum wg_code ask_seen(struct fixture *f, const struct wg_seen *seen, bool *ret_is_seen)
{
    struct answer answer = {.f = f, .result = ret_is_seen};

    wg_store_seen_check(f->store, f->loop, seen, on_bool, &answer);
    return wait_for(&answer);
}

enum wg_code ask_mark(struct fixture *f, const struct wg_seen *seen, bool *ret_was_seen)
{
    struct answer answer = {.f = f, .result = ret_was_seen};

    wg_store_seen_mark(f->store, f->loop, seen, NULL, 0, on_bool, &answer);
    return wait_for(&answer);
}

static void on_heads(void *owner, const struct wg_err *err, const struct wg_heads *heads)
{
    struct answer *answer = owner;
    struct heads *copy = answer->result;

    take_answer(answer, err);
    *copy = (struct heads){0};
    if (!heads)
        return;
    copy->has_more = heads->has_more;
    copy->next_due_in_ms = heads->next_due_in_ms;
    for (size_t i = 0; i < heads->count && i < WG_COUNT(copy->head); i++) {
        const struct wg_delivery *delivery = &heads->deliveries[i];
        struct head *head = &copy->head[copy->count++];

        snprintf(head->room, sizeof head->room, "%.*s", WG_STR_F(delivery->key.room_id));
        snprintf(head->body, sizeof head->body, "%.*s", WG_STR_F(delivery->message.body));
        head->event = event_of(delivery->message.event_id);
        head->order = delivery->key.order;
        head->attempts = delivery->attempts;
        head->age_ms = delivery->age_ms;
        head->expires_in_ms = delivery->expires_in_ms;
    }
}

enum wg_code ask_next(struct fixture *f, const struct wg_next *next, struct heads *ret_heads)
{
    struct answer answer = {.f = f, .result = ret_heads};

    wg_store_next(f->store, f->loop, next, on_heads, &answer);
    return wait_for(&answer);
}

static void on_done(void *owner, const struct wg_err *err)
{
    take_answer(owner, err);
}

enum wg_code ask_settle(struct fixture *f, const struct wg_settlement *settlements,
                        size_t count)
{
    struct answer answer = {.f = f};

    wg_store_settle(f->store, f->loop, settlements, count, on_done, &answer);
    return wait_for(&answer);
}

struct wg_settlement settle_head(const struct head *head,
                                 const struct wg_destination *destination,
                                 enum wg_outcome outcome)
{
    return (struct wg_settlement){
        .key = {*destination, wg_str(head->room), head->order},
        .outcome = outcome,
        .was_attempted = true,
        .attempt = {.at_ms = 1, .code = WG_TIMEOUT, .status = 503, .took_ms = 7},
        .dead_reason = WG_STR("given up"),
    };
}

enum wg_code ask_suspend(struct fixture *f, const struct wg_suspend *suspend)
{
    struct answer answer = {.f = f};

    wg_store_suspend(f->store, f->loop, suspend, on_done, &answer);
    return wait_for(&answer);
}

enum wg_code ask_append(struct fixture *f, const struct wg_audit_row *rows, size_t count)
{
    struct answer answer = {.f = f};

    wg_store_audit_append(f->store, f->loop, rows, count, on_done, &answer);
    return wait_for(&answer);
}

void ask_upkeep(struct fixture *f)
{
    bool did_all = false;

    for (int i = 0; i < 1000 && !did_all; i++) {
        struct answer answer = {.f = f, .result = &did_all};

        wg_store_upkeep(f->store, f->loop, on_bool, &answer);
        assert_int_equal(wait_for(&answer), WG_OK);
    }
    assert_true(did_all);
}

struct page {
    struct entries *entries;
    char cursor[256];
};

static void on_queue_page(void *owner, const struct wg_err *err,
                          const struct wg_queue_page *page)
{
    struct answer *answer = owner;
    struct page *into = answer->result;

    take_answer(answer, err);
    into->cursor[0] = '\0';
    if (!page)
        return;
    into->entries->pages++;
    for (size_t i = 0; i < page->count && into->entries->count < 256; i++) {
        size_t at = into->entries->count++;

        into->entries->event[at] = event_of(page->entries[i].delivery.message.event_id);
        into->entries->due_in_ms[at] = page->entries[i].due_in_ms;
        snprintf(into->entries->reason[at], 40, "%.*s", WG_STR_F(page->entries[i].reason));
    }
    snprintf(into->cursor, sizeof into->cursor, "%.*s", WG_STR_F(page->next_cursor));
}

enum wg_code ask_list(struct fixture *f, const struct wg_queue_filter *filter, size_t limit,
                      struct entries *ret_entries)
{
    struct page page = {.entries = ret_entries};

    *ret_entries = (struct entries){0};
    do {
        struct answer answer = {.f = f, .result = &page};
        struct wg_queue_list list = {.filter = *filter, .limit = limit};

        if (page.cursor[0])
            list.cursor = wg_str(page.cursor);
        wg_store_queue_list(f->store, f->loop, &list, on_queue_page, &answer);
        if (wait_for(&answer) != WG_OK)
            return f->err.code;
    } while (page.cursor[0] && ret_entries->pages < 1000);
    return WG_OK;
}

struct piece {
    int64_t changed;
    char cursor[256];
};

static void on_changed(void *owner, const struct wg_err *err,
                       const struct wg_queue_changed *changed)
{
    struct answer *answer = owner;
    struct piece *piece = answer->result;

    take_answer(answer, err);
    piece->cursor[0] = '\0';
    if (!changed)
        return;
    piece->changed += changed->changed;
    snprintf(piece->cursor, sizeof piece->cursor, "%.*s", WG_STR_F(changed->next_cursor));
}

enum wg_code ask_change(struct fixture *f, struct wg_queue_change change, int64_t *ret_changed)
{
    struct piece piece = {0};

    for (int i = 0; i < 1000; i++) {
        struct answer answer = {.f = f, .result = &piece};

        change.cursor = piece.cursor[0] ? wg_str(piece.cursor) : (struct wg_str){0};
        wg_store_queue_change(f->store, f->loop, &change, on_changed, &answer);
        if (wait_for(&answer) != WG_OK)
            return f->err.code;
        if (!piece.cursor[0])
            break;
    }
    *ret_changed = piece.changed;
    return WG_OK;
}

static void on_put(void *owner, const struct wg_err *err, int64_t version)
{
    struct answer *answer = owner;

    take_answer(answer, err);
    if (answer->result)
        *(int64_t *)answer->result = version;
}

enum wg_code ask_put(struct fixture *f, const struct wg_document_put *put, int64_t *ret_version)
{
    struct answer answer = {.f = f, .result = ret_version};

    wg_store_document_put(f->store, f->loop, put, on_put, &answer);
    return wait_for(&answer);
}

enum wg_code ask_delete(struct fixture *f, const struct wg_document_put *put)
{
    struct answer answer = {.f = f};

    wg_store_document_delete(f->store, f->loop, put, on_done, &answer);
    return wait_for(&answer);
}

struct got {
    char *value;
    int64_t version;
};

static void on_document(void *owner, const struct wg_err *err,
                        const struct wg_document *document)
{
    struct answer *answer = owner;
    struct got *got = answer->result;

    take_answer(answer, err);
    if (!document)
        return;
    snprintf(got->value, 64, "%.*s", WG_STR_F(document->value));
    got->version = document->version;
}

enum wg_code ask_get(struct fixture *f, const char *namespace, const char *key, char *ret_value,
                     int64_t *ret_version)
{
    struct got got = {.value = ret_value};
    struct answer answer = {.f = f, .result = &got};

    wg_store_document_get(f->store, f->loop, wg_str(namespace), wg_str(key), on_document,
                          &answer);
    if (wait_for(&answer) == WG_OK && ret_version)
        *ret_version = got.version;
    return f->err.code;
}
