// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include "net_kit.h"

static struct wg_loop *new_loop(void)
{
    struct wg_loop *loop;
    struct wg_err err;

    assert_int_equal(wg_loop_new(wg_clock_system(), &loop, &err), WG_OK);
    return loop;
}

enum { POSTERS = 4, POSTS = 5000 };

struct poster {
    struct wg_loop *loop;
    pthread_t thread;
    int next;  /**< what the loop must see next of this thread */
    int *left; /**< posts still to come, of all */
};

struct note {
    struct poster *poster;
    int number;
};

static void on_note(void *owner)
{
    struct note *note = owner;
    struct poster *poster = note->poster;

    assert_int_equal(note->number, poster->next);
    poster->next++;
    free(note);
    if (--*poster->left == 0)
        wg_loop_stop(poster->loop);
}

static void *post_all(void *owner)
{
    struct poster *poster = owner;

    for (int i = 0; i < POSTS; i++) {
        struct note *note = malloc(sizeof *note);

        *note = (struct note){poster, i};
        wg_loop_post(poster->loop, on_note, note);
    }
    return NULL;
}

static void runs_posts_of_each_thread_in_their_order(void **state)
{
    struct poster posters[POSTERS] = {0};
    struct wg_loop *loop = new_loop();
    int left = POSTERS * POSTS;

    (void)state;
    for (int i = 0; i < POSTERS; i++) {
        posters[i].loop = loop;
        posters[i].left = &left;
        pthread_create(&posters[i].thread, NULL, post_all, &posters[i]);
    }
    wg_loop_run(loop);
    assert_int_equal(left, 0);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(posters[i].next, POSTS);
    }
    wg_loop_free(loop);
}

static void count(void *owner)
{
    ++*(int *)owner;
}

static void *stop(void *owner)
{
    wg_loop_stop(owner);
    return NULL;
}

static void waits_for_posts_until_another_thread_stops_it(void **state)
{
    struct wg_loop *loop = new_loop();
    pthread_t thread;

    (void)state;
    pthread_create(&thread, NULL, stop, loop);
    wg_loop_run(loop);
    pthread_join(thread, NULL);
    wg_loop_free(loop);
}

struct chain {
    struct wg_loop *loop;
    int count;
};

static void post_another(void *owner)
{
    struct chain *chain = owner;

    if (++chain->count < 3)
        wg_loop_post(chain->loop, post_another, chain);
}

static void runs_posts_left_over_when_it_is_freed(void **state)
{
    struct chain chain = {new_loop(), 0};

    (void)state;
    wg_loop_stop(chain.loop);
    wg_loop_run(chain.loop);
    wg_loop_post(chain.loop, post_another, &chain);
    wg_loop_free(chain.loop);
    assert_int_equal(chain.count, 3);
}

static void rings_timers_in_order_and_once(void **state)
{
    struct wg_loop *loop = new_loop();
    int early = 0, late = 0, never = 0;
    struct wg_timer *a = wg_timer_new(loop, count, &early);
    struct wg_timer *b = wg_timer_new(loop, count, &late);
    struct wg_timer *c = wg_timer_new(loop, count, &never);

    (void)state;
    wg_timer_start(a, 0);
    wg_timer_start(b, 5);
    wg_timer_start(c, 1);
    wg_timer_stop(c);
    assert_int_equal(early, 0);
    wg_loop_turn(loop);
    assert_int_equal(early, 1);
    wg_loop_stop(loop);
    wg_loop_run(loop);
    assert_int_equal(early, 1);
    assert_int_equal(late, 1);
    wg_timer_start(a, 0);
    wg_timer_free(a);
    wg_timer_free(b);
    wg_timer_free(c);
    assert_null(wg_timer_free(NULL));
    wg_loop_free(loop);
    assert_int_equal(early, 1);
    assert_int_equal(never, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_posts_of_each_thread_in_their_order),
        cmocka_unit_test(waits_for_posts_until_another_thread_stops_it),
        cmocka_unit_test(runs_posts_left_over_when_it_is_freed),
        cmocka_unit_test(rings_timers_in_order_and_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
