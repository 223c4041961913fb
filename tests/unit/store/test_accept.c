// SPDX-License-Identifier: Apache-2.0
#include "unit/store/support.h"

#include <pthread.h>
#include <string.h>

static struct fixture *open_store(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    return f;
}

static struct heads heads_of(struct fixture *f, const struct wg_destination *destination)
{
    struct wg_next next = {.destination = *destination, .limit = 64};
    struct heads heads;

    assert_int_equal(ask_next(f, &next, &heads), WG_OK);
    return heads;
}

static void an_accepted_event_is_handed_out_with_all_it_came_with(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_accept accept = make_accept(1, "room-1", &to_peer);
    struct wg_accepted accepted;
    struct heads heads;

    assert_int_equal(ask_accept(f, &accept, &accepted), WG_OK);
    assert_false(accepted.is_duplicate);
    assert_int_equal(accepted.new_count, 1);
    f->now_ms += 250;
    heads = heads_of(f, &to_peer);
    assert_int_equal(heads.count, 1);
    assert_string_equal(heads.head[0].room, "room-1");
    assert_string_equal(heads.head[0].body, "{\"content\":1}");
    assert_int_equal(heads.head[0].event, 1);
    assert_int_equal(heads.head[0].age_ms, 250);
    assert_int_equal(heads.head[0].attempts, 0);
    assert_int_equal(heads_of(f, &to_other).count, 0);
}

static void the_same_event_again_is_a_duplicate_and_stores_nothing(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_accept accept = make_accept(1, "room-1", &to_peer);
    struct wg_accepted accepted;
    struct wg_store_figures figures;

    ask_accept(f, &accept, &accepted);
    assert_int_equal(ask_accept(f, &accept, &accepted), WG_OK);
    assert_true(accepted.is_duplicate);
    wg_store_read_figures(f->store, &figures);
    assert_int_equal(figures.deliveries, 1);
}

static void an_event_is_new_for_each_destination_and_server_it_has_not_had(void **state)
{
    struct fixture *f = open_store(state);
    const struct wg_destination both[] = {to_peer, to_other};
    struct wg_accept accept = make_accept(1, "room-1", &to_peer);
    struct wg_accepted accepted;

    ask_accept(f, &accept, &accepted);
    accept.destinations = both;
    accept.destination_count = 2;
    assert_int_equal(ask_accept(f, &accept, &accepted), WG_OK);
    assert_false(accepted.is_duplicate);
    assert_int_equal(accepted.new_count, 1);
    accept.message.server = WG_STR("b.example");
    assert_int_equal(ask_accept(f, &accept, &accepted), WG_OK);
    assert_int_equal(accepted.new_count, 2);
}

static void a_duplicate_stays_one_after_delivery_and_restart(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_accept accept = make_accept(1, "room-1", &to_peer);
    struct wg_accepted accepted;
    struct heads heads;
    struct wg_settlement sent;

    ask_accept(f, &accept, &accepted);
    heads = heads_of(f, &to_peer);
    sent = settle_head(&heads.head[0], &to_peer, WG_OUTCOME_SENT);
    assert_int_equal(ask_settle(f, &sent, 1), WG_OK);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(ask_accept(f, &accept, &accepted), WG_OK);
    assert_true(accepted.is_duplicate);
}

static void an_id_is_forgotten_after_its_time(void **state)
{
    struct fixture *f = *state;
    struct wg_seen seen = {.server = WG_STR("a.example"), .destination = to_instance};
    bool is_seen;

    f->options.seen_keep_ms = 1000;
    fixture_open(f);
    make_event_id(1, seen.event_id);
    assert_int_equal(ask_seen(f, &seen, &is_seen), WG_OK);
    assert_false(is_seen);
    assert_int_equal(ask_mark(f, &seen, &is_seen), WG_OK);
    assert_false(is_seen);
    assert_int_equal(ask_mark(f, &seen, &is_seen), WG_OK);
    assert_true(is_seen);
    assert_int_equal(ask_seen(f, &seen, &is_seen), WG_OK);
    assert_true(is_seen);
    f->now_ms += 1000;
    ask_seen(f, &seen, &is_seen);
    assert_false(is_seen);
    ask_mark(f, &seen, &is_seen); /* not cleaned away yet, and yet new */
    assert_false(is_seen);
    f->now_ms += 1000;
    ask_upkeep(f);
    ask_seen(f, &seen, &is_seen);
    assert_false(is_seen);
}

static void what_is_marked_as_seen_is_a_duplicate_for_the_queue(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_seen seen = {.server = WG_STR("a.example"), .destination = to_instance};
    struct wg_accept accept = make_accept(9, "room-1", &to_instance);
    struct wg_accepted accepted;
    bool is_seen;

    make_event_id(9, seen.event_id);
    ask_mark(f, &seen, &is_seen);
    assert_int_equal(ask_accept(f, &accept, &accepted), WG_OK);
    assert_true(accepted.is_duplicate);
}

static void refuses_an_event_it_could_not_deliver(void **state)
{
    struct fixture *f = open_store(state);
    const struct wg_destination spaced = {true, WG_STR("peer example")};
    const struct wg_destination split = {true, WG_STR("peer\no:other")};
    const struct wg_destination empty = {true, WG_STR("")};
    struct wg_accept accept = make_accept(1, "room-1", &to_peer);
    const struct {
        const char *why;
        struct wg_accept accept;
    } cases[] = {
        {"a space in a name", make_accept(1, "room-1", &spaced)},
        {"a newline would make two destinations of one", make_accept(1, "room-1", &split)},
        {"no name", make_accept(1, "room-1", &empty)},
        {"no room", make_accept(1, "", &to_peer)},
    };

    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        if (ask_accept(f, &cases[i].accept, NULL) != WG_INVALID)
            fail_msg("%s: %s", cases[i].why, f->err.text);
    }
    accept.expires_in_ms = 0;
    assert_int_equal(ask_accept(f, &accept, NULL), WG_INVALID);
    accept.expires_in_ms = 1;
    accept.destination_count = 0;
    assert_int_equal(ask_accept(f, &accept, NULL), WG_INVALID);
}

static void past_a_bound_nothing_is_stored_and_it_says_so(void **state)
{
    struct fixture *f = *state;
    const struct wg_destination both[] = {to_peer, to_other};
    struct wg_accept accept = make_accept(1, "room-1", &to_peer);
    struct wg_accepted accepted;
    struct wg_seen seen = {.server = WG_STR("a.example"), .destination = to_peer};
    struct wg_store_figures figures;
    bool is_seen;

    f->options.queue_rows_limit = 2;
    fixture_open(f);
    assert_int_equal(ask_accept(f, &accept, &accepted), WG_OK);
    accept = make_accept(2, "room-1", both);
    accept.destination_count = 2;
    assert_int_equal(ask_accept(f, &accept, &accepted), WG_FULL);
    assert_non_null(strstr(f->err.text, "limit of the queue"));
    memcpy(seen.event_id, accept.message.event_id, WG_EVENT_KEY);
    ask_seen(f, &seen, &is_seen);
    assert_false(is_seen);
    wg_store_read_figures(f->store, &figures);
    assert_int_equal(figures.deliveries, 1);
    accept.destination_count = 1;
    assert_int_equal(ask_accept(f, &accept, &accepted), WG_OK);
}

static void the_disk_is_kept_free_for_what_is_promised(void **state)
{
    struct fixture *f = *state;
    struct wg_accept accept = make_accept(1, "room-1", &to_peer);

    f->options.free_disk_bytes_min = INT64_MAX;
    fixture_open(f);
    assert_int_equal(ask_accept(f, &accept, NULL), WG_FULL);
    fixture_close(f);
    f->options.free_disk_bytes_min = 0;
    f->options.queue_bytes_limit = 10;
    fixture_open(f);
    assert_int_equal(ask_accept(f, &accept, NULL), WG_FULL);
}

static void one_body_for_many_destinations_goes_with_the_last(void **state)
{
    struct fixture *f = open_store(state);
    const struct wg_destination all[] = {to_peer, to_other, to_instance};
    struct wg_accept accept = make_accept(1, "room-1", all);
    struct wg_store_figures figures;

    accept.destination_count = 3;
    assert_int_equal(ask_accept(f, &accept, NULL), WG_OK);
    for (size_t i = 0; i < 3; i++) {
        struct heads heads = heads_of(f, &all[i]);
        struct wg_settlement sent = settle_head(&heads.head[0], &all[i], WG_OUTCOME_SENT);

        assert_int_equal(heads.count, 1);
        wg_store_read_figures(f->store, &figures);
        assert_int_equal(figures.body_bytes, 17);
        assert_int_equal(ask_settle(f, &sent, 1), WG_OK);
    }
    wg_store_read_figures(f->store, &figures);
    assert_int_equal(figures.body_bytes, 0);
    assert_int_equal(figures.deliveries, 0);
}

static void a_flood_of_requests_is_bounded_in_memory(void **state)
{
    struct fixture *f = *state;
    struct wg_accept accept = make_accept(1, "room-1", &to_peer);

    f->options.waiting_bytes_limit = -1;
    fixture_open(f);
    assert_int_equal(ask_accept(f, &accept, NULL), WG_FULL);
    assert_non_null(strstr(f->err.text, "too slow"));
}

/* --- many askers --- */

enum { ASKERS = 3, ASKED = 400 };

struct asker {
    struct fixture *f;
    struct wg_loop *loop;
    pthread_t thread, answered_on;
    uint32_t number;
    int64_t answered, wrong_thread;
    bool is_done;
};

static void on_asker_accepted(void *owner, const struct wg_err *err,
                              const struct wg_accepted *accepted)
{
    struct asker *asker = owner;

    asker->wrong_thread += !pthread_equal(pthread_self(), asker->answered_on);
    asker->is_done = ++asker->answered == 2 * ASKED;
    asker->wrong_thread += err->code != WG_OK || accepted->is_duplicate;
}

static void on_asker_heads(void *owner, const struct wg_err *err, const struct wg_heads *heads)
{
    struct asker *asker = owner;

    (void)heads;
    asker->wrong_thread += err->code != WG_OK;
    asker->is_done = ++asker->answered == 2 * ASKED;
}

static void *ask_much(void *owner)
{
    struct asker *asker = owner;
    struct wg_next next = {.destination = to_peer, .limit = 4};

    asker->answered_on = pthread_self();
    for (uint32_t i = 0; i < ASKED; i++) {
        struct wg_accept accept =
            make_accept(asker->number * 100000 + i, i % 2 ? "room-1" : "room-2", &to_peer);

        wg_store_accept(asker->f->store, asker->loop, &accept, on_asker_accepted, asker);
        wg_store_next(asker->f->store, asker->loop, &next, on_asker_heads, asker);
    }
    loop_until(asker->loop, &asker->is_done);
    return NULL;
}

static void answers_each_asker_on_its_own_thread(void **state)
{
    struct fixture *f = open_store(state);
    struct asker askers[ASKERS] = {0};
    struct wg_store_figures figures;

    for (uint32_t i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.f = f, .loop = loop_new(), .number = i};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_much, &askers[i]), 0);
    }
    for (uint32_t i = 0; i < ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].answered, 2 * ASKED);
        assert_int_equal(askers[i].wrong_thread, 0);
        loop_free(askers[i].loop);
    }
    wg_store_read_figures(f->store, &figures);
    assert_int_equal(figures.deliveries, ASKERS * ASKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(an_accepted_event_is_handed_out_with_all_it_came_with),
        TEST(the_same_event_again_is_a_duplicate_and_stores_nothing),
        TEST(an_event_is_new_for_each_destination_and_server_it_has_not_had),
        TEST(a_duplicate_stays_one_after_delivery_and_restart),
        TEST(an_id_is_forgotten_after_its_time),
        TEST(what_is_marked_as_seen_is_a_duplicate_for_the_queue),
        TEST(refuses_an_event_it_could_not_deliver),
        TEST(past_a_bound_nothing_is_stored_and_it_says_so),
        TEST(the_disk_is_kept_free_for_what_is_promised),
        TEST(one_body_for_many_destinations_goes_with_the_last),
        TEST(a_flood_of_requests_is_bounded_in_memory),
        TEST(answers_each_asker_on_its_own_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
