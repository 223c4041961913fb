// SPDX-License-Identifier: Apache-2.0
#include "net/loop_impl.h"

#include <signal.h>

#include "base/alloc.h"
#include "base/metric.h"

struct post {
    struct post *next;
    void (*call)(void *owner);
    void *owner;
};

void wg_link_init(struct wg_link *link)
{
    link->next = link->previous = link;
}

void wg_link_add(struct wg_link *ring, struct wg_link *link)
{
    link->next = ring;
    link->previous = ring->previous;
    ring->previous->next = link;
    ring->previous = link;
}

void wg_link_take(struct wg_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    wg_link_init(link);
}

void wg_later_init(struct wg_later *later, void (*call)(void *owner), void *owner)
{
    wg_link_init(&later->link);
    later->call = call;
    later->owner = owner;
}

static void run_later(uv_idle_t *busy)
{
    struct wg_loop *loop = busy->data;
    struct wg_link last;

    /* What is added meanwhile stands behind the mark and waits for the next turn, so that I/O
     * gets its turn too. */
    wg_link_add(&loop->later, &last);
    while (loop->later.next != &last) {
        struct wg_later *later = WG_CONTAINER(loop->later.next, struct wg_later, link);

        wg_link_take(&later->link);
        later->call(later->owner);
    }
    wg_link_take(&last);
    if (wg_link_is_alone(&loop->later))
        uv_idle_stop(busy);
}

void wg_later_add(struct wg_loop *loop, struct wg_later *later)
{
    if (!wg_link_is_alone(&later->link))
        return;
    wg_link_add(&loop->later, &later->link);
    uv_idle_start(&loop->busy, run_later);
}

void wg_later_cancel(struct wg_later *later)
{
    wg_link_take(&later->link);
}

/** @return whether any ran */
static bool run_posts(struct wg_loop *loop)
{
    struct post *post;

    pthread_mutex_lock(&loop->lock);
    post = loop->first_post;
    loop->first_post = loop->last_post = NULL;
    pthread_mutex_unlock(&loop->lock);
    if (!post)
        return false;
    while (post) {
        struct post *next = post->next;

        post->call(post->owner);
        wg_free(post);
        post = next;
    }
    return true;
}

static bool is_stopping(struct wg_loop *loop)
{
    bool answer;

    pthread_mutex_lock(&loop->lock);
    answer = loop->is_stopping;
    pthread_mutex_unlock(&loop->lock);
    return answer;
}

static void on_wake(uv_async_t *wake)
{
    struct wg_loop *loop = wake->data;

    run_posts(loop);
    if (is_stopping(loop))
        uv_unref((uv_handle_t *)wake);
}

/* libuv writes with write(2), where a peer that has gone would end the process. */
static void ignore_broken_pipes(void)
{
    signal(SIGPIPE, SIG_IGN);
}

enum wg_code wg_loop_new(const struct wg_clock *clock, struct wg_loop **ret_loop,
                         struct wg_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct wg_loop *loop = wg_new(struct wg_loop);
    int status = uv_loop_init(&loop->uv);

    pthread_once(&once, ignore_broken_pipes);
    if (status == 0 && (status = uv_async_init(&loop->uv, &loop->wake, on_wake)) != 0)
        uv_loop_close(&loop->uv);
    if (status != 0) {
        wg_free(loop);
        return wg_fail(err, WG_INTERNAL, "starting an event loop: %s", uv_strerror(status));
    }
    uv_idle_init(&loop->uv, &loop->busy);
    uv_prepare_init(&loop->uv, &loop->before_sleep);
    loop->before_sleep.data = loop;
    uv_unref((uv_handle_t *)&loop->wake);
    loop->wake.data = loop->busy.data = loop;
    loop->clock = clock;
    wg_link_init(&loop->later);
    pthread_mutex_init(&loop->lock, NULL);
    wg_buf_init(&loop->scratch, 4 * WG_SCRATCH_BYTES);
    *ret_loop = loop;
    return WG_OK;
}

/* Callbacks of I/O run right after the sleep, in the same step of libuv: what a turn took is
 * the time since the last one less what libuv has slept. */
static void on_before_sleep(uv_prepare_t *prepare)
{
    struct wg_loop *loop = prepare->data;
    int64_t now_ns = wg_metric_now_ns();
    int64_t slept_ns = (int64_t)uv_metrics_idle_time(&loop->uv);

    if (loop->turned_ns)
        wg_metric_time(LOOP_TURN, now_ns - loop->turned_ns - (slept_ns - loop->slept_ns),
                       loop->place);
    loop->turned_ns = now_ns;
    loop->slept_ns = slept_ns;
}

void wg_loop_measure(struct wg_loop *loop, unsigned place)
{
    loop->place = place < WG_LOOP_LAST_WORKER ? place : WG_LOOP_LAST_WORKER;
    WG_CHECK(uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME) == 0);
    uv_prepare_start(&loop->before_sleep, on_before_sleep);
    uv_unref((uv_handle_t *)&loop->before_sleep);
}

void wg_loop_run(struct wg_loop *loop)
{
    if (!is_stopping(loop))
        uv_ref((uv_handle_t *)&loop->wake);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_unref((uv_handle_t *)&loop->wake);
}

bool wg_loop_turn(struct wg_loop *loop)
{
    /* A loop that keeps nothing alive does not look for posts either. */
    uv_ref((uv_handle_t *)&loop->wake);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    uv_unref((uv_handle_t *)&loop->wake);
    return uv_loop_alive(&loop->uv) != 0;
}

void wg_loop_wait(struct wg_loop *loop)
{
    uv_ref((uv_handle_t *)&loop->wake);
    uv_run(&loop->uv, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&loop->wake);
}

void wg_loop_stop(struct wg_loop *loop)
{
    /* Sent under the lock: after it is let go, the loop may end and be freed. */
    pthread_mutex_lock(&loop->lock);
    loop->is_stopping = true;
    uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->lock);
}

struct wg_loop *wg_loop_free(struct wg_loop *loop)
{
    if (!loop)
        return NULL;
    /* A post may start what ends later, and that may post again. */
    do {
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    } while (run_posts(loop));
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->busy, NULL);
    uv_close((uv_handle_t *)&loop->before_sleep, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    WG_CHECK(uv_loop_close(&loop->uv) == 0);
    pthread_mutex_destroy(&loop->lock);
    wg_buf_done(&loop->scratch);
    wg_free(loop);
    return NULL;
}

void wg_loop_post(struct wg_loop *loop, void (*call)(void *owner), void *owner)
{
    struct post *post = wg_new(struct post);

    post->call = call;
    post->owner = owner;
    pthread_mutex_lock(&loop->lock);
    if (loop->last_post)
        loop->last_post->next = post;
    else
        loop->first_post = post;
    loop->last_post = post;
    uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->lock);
}

const struct wg_clock *wg_loop_clock(const struct wg_loop *loop)
{
    return loop->clock;
}

int64_t wg_loop_now_ms(const struct wg_loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

void *wg_loop_uv(struct wg_loop *loop)
{
    return &loop->uv;
}

struct wg_timer {
    uv_timer_t uv;
    void (*on_ring)(void *owner);
    void *owner;
};

static void on_uv_timer(uv_timer_t *uv)
{
    struct wg_timer *timer = uv->data;

    timer->on_ring(timer->owner);
}

static void on_timer_closed(uv_handle_t *handle)
{
    wg_free(handle->data);
}

struct wg_timer *wg_timer_new(struct wg_loop *loop, void (*on_ring)(void *owner), void *owner)
{
    struct wg_timer *timer = wg_new(struct wg_timer);

    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    timer->on_ring = on_ring;
    timer->owner = owner;
    return timer;
}

void wg_timer_start(struct wg_timer *timer, int64_t after_ms)
{
    /* libuv counts from the beginning of this turn; a long turn must not shorten the wait. */
    uv_update_time(timer->uv.loop);
    uv_timer_start(&timer->uv, on_uv_timer, after_ms > 0 ? (uint64_t)after_ms : 0, 0);
}

void wg_timer_stop(struct wg_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

struct wg_timer *wg_timer_free(struct wg_timer *timer)
{
    if (timer) {
        uv_timer_stop(&timer->uv);
        uv_close((uv_handle_t *)&timer->uv, on_timer_closed);
    }
    return NULL;
}
