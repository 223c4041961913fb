// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "admin/metrics_impl.h"
#include "store/queue.h"

/* What /metrics has to ask of the store. A scrape must be answered in time, whatever the disk
 * does: it waits a moment, then goes on with what was answered last. One question at a time; it
 * may outlive the scrape that asked it, and the admin API.
 *
 * With thousands of destinations a question takes the store's reader a while, and `wavegate
 * top` comes each second: what it costs decides how long its answer is good for, so that asking
 * takes a twentieth of the reader at most. Pages are small because other readers stand between
 * them. */

enum {
    PATIENCE_MS = 1000,
    PAGE_ROWS = 200,
    DESTINATIONS_LIMIT = 20000,
    PAGES_LIMIT = DESTINATIONS_LIMIT / PAGE_ROWS,
    GOOD_FOR = 20, /* times what it took to ask */
    NAME_BYTES = 300
};

struct wg_metrics_question {
    struct wg_admin *admin; /**< NULL: gone */
    struct wg_loop *loop;
    struct wg_store *store;
    const struct wg_clock *clock;
    int64_t asked_ms;
    struct wg_timer *timer;
    unsigned pages;
    struct wg_metrics_queue *queue;
    void (*on_known)(void *owner); /**< NULL: was called */
    void *owner;
};

struct wg_metrics_queue *wg_metrics_queue_free(struct wg_metrics_queue *queue)
{
    if (queue)
        wg_map_done(&queue->depths, NULL);
    wg_free(queue);
    return NULL;
}

static void tell(struct wg_metrics_question *question)
{
    void (*on_known)(void *owner) = question->on_known;

    question->on_known = NULL;
    question->timer = wg_timer_free(question->timer);
    if (on_known)
        on_known(question->owner);
}

static void on_too_long(void *owner)
{
    tell(owner);
}

static void finish(struct wg_metrics_question *question, bool is_good)
{
    if (question->admin) {
        question->admin->asking = NULL;
        if (is_good) {
            question->queue->known_ms = wg_clock_mono_ms(question->clock);
            question->queue->took_ms = question->queue->known_ms - question->asked_ms;
            wg_metrics_queue_free(question->admin->queue);
            question->admin->queue = question->queue;
            question->queue = NULL;
        }
    }
    tell(question);
    wg_metrics_queue_free(question->queue);
    wg_free(question);
}

static void on_suspensions(void *owner, const struct wg_err *err,
                           const struct wg_suspension_page *page)
{
    struct wg_metrics_question *question = owner;

    if (err->code != WG_OK) {
        finish(question, false);
        return;
    }
    question->queue->suspensions += (int64_t)page->count;
    if (question->admin && page->next_cursor.at && ++question->pages < PAGES_LIMIT)
        wg_store_suspensions(question->store, question->loop, page->next_cursor, PAGE_ROWS,
                             on_suspensions, question);
    else
        finish(question, true);
}

static void add_destination(struct wg_metrics_queue *queue,
                            const struct wg_destination_state *state)
{
    size_t direction = state->destination.is_outbound ? WG_OUTBOUND : WG_INBOUND;
    char key[NAME_BYTES];

    if (state->deliveries <= 0)
        return;
    snprintf(key, sizeof key, "%c:%.*s", direction == WG_OUTBOUND ? 'o' : 'i',
             WG_STR_F(state->destination.name));
    (void)wg_map_put(&queue->depths, wg_str(key), (void *)(uintptr_t)state->deliveries);
    if (state->oldest_age_ms > queue->oldest_ms[direction])
        queue->oldest_ms[direction] = state->oldest_age_ms;
    if (direction == WG_OUTBOUND)
        queue->outbound += state->deliveries;
}

static void on_destinations(void *owner, const struct wg_err *err,
                            const struct wg_destination_page *page)
{
    struct wg_metrics_question *question = owner;

    if (err->code != WG_OK || !question->admin) {
        finish(question, false);
        return;
    }
    for (size_t i = 0; i < page->count; i++)
        add_destination(question->queue, &page->states[i]);
    if (page->next_cursor.at && ++question->pages < PAGES_LIMIT) {
        wg_store_destinations(question->store, question->loop, page->next_cursor, PAGE_ROWS,
                              on_destinations, question);
        return;
    }
    question->pages = 0;
    wg_store_suspensions(question->store, question->loop, (struct wg_str){NULL, 0}, PAGE_ROWS,
                         on_suspensions, question);
}

static bool is_fresh(const struct wg_admin *admin, int64_t now_ms)
{
    const struct wg_metrics_queue *queue = admin->queue;

    return queue && now_ms - queue->known_ms < GOOD_FOR * queue->took_ms;
}

void wg_metrics_ask_queue(struct wg_admin *admin, void (*on_known)(void *owner), void *owner)
{
    const struct wg_clock *clock = admin->worker->gateway->clock;
    int64_t now_ms = wg_clock_mono_ms(clock);
    struct wg_metrics_question *question;

    if (admin->asking ||
        is_fresh(admin, now_ms)) { /* of two at once the second does not wait */
        on_known(owner);
        return;
    }
    question = wg_new(struct wg_metrics_question);
    question->admin = admin;
    question->loop = admin->worker->loop;
    question->store = admin->worker->gateway->store;
    question->clock = clock;
    question->asked_ms = now_ms;
    question->on_known = on_known;
    question->owner = owner;
    question->queue = wg_new(struct wg_metrics_queue);
    wg_map_init(&question->queue->depths);
    question->timer = wg_timer_new(question->loop, on_too_long, question);
    wg_timer_start(question->timer, PATIENCE_MS);
    admin->asking = question;
    wg_store_destinations(question->store, question->loop, (struct wg_str){NULL, 0}, PAGE_ROWS,
                          on_destinations, question);
}

void wg_metrics_forget_question(struct wg_metrics_question *question)
{
    if (question)
        question->admin = NULL;
}
