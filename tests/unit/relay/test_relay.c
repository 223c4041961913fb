// SPDX-License-Identifier: Apache-2.0
/* The relay on a real store, with peers that are made of numbers and a clock that jumps from
 * one happening to the next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "relay/relay_impl.h"
#include "unit/store/faulty_vfs.h"
#include "unit/store/support.h"

enum { EVENTS_MAX = 20000 };

struct peer {
    char name[32];
    int64_t took_ms, status, retry_after_ms; /**< status 0: times out */
    int64_t fails_until_ms;                  /**< before that: status 0 */
    size_t under_way, most_under_way;
    int64_t attempts, attempts_before_end;
    enum wg_relay_decision decision;
};

struct pending {
    struct wg_relay_attempt *attempt;
    struct peer *peer;
    int64_t ends_at;
    struct pending *next;
};

struct world {
    struct fixture *f;
    struct wg_relay *relay;
    struct wg_relay_options options;
    struct wg_map peers, rooms; /**< rooms: "peer room" to the last event that arrived */
    struct pending *pending;
    int64_t timer_at; /**< INT64_MAX: none */
    int64_t arrived, attempts, last_arrival_ms;
    uint8_t arrivals[EVENTS_MAX];
    bool is_closed;
};

static struct world *world;

static struct peer *peer_of(struct wg_str name)
{
    struct peer *peer = wg_map_get(&world->peers, name);

    if (peer)
        return peer;
    peer = wg_new(struct peer);
    snprintf(peer->name, sizeof peer->name, "%.*s", WG_STR_F(name));
    peer->took_ms = 20;
    peer->status = 200;
    wg_map_put(&world->peers, name, peer);
    return peer;
}

static struct peer *peer_named(const char *name)
{
    return peer_of(wg_str(name));
}

static void deliver(void *owner, struct wg_relay_attempt *attempt)
{
    struct pending *pending = wg_new(struct pending);
    struct peer *peer = peer_of(attempt->delivery->key.destination.name);

    assert_ptr_equal(owner, world);
    /* Never two of one room at once. */
    for (struct pending *p = world->pending; p; p = p->next)
        assert_false(p->peer == peer && wg_str_equal(p->attempt->delivery->key.room_id,
                                                     attempt->delivery->key.room_id));
    *pending =
        (struct pending){attempt, peer, world->f->now_ms + peer->took_ms, world->pending};
    world->pending = pending;
    world->attempts++;
    peer->attempts++;
    if (++peer->under_way > peer->most_under_way)
        peer->most_under_way = peer->under_way;
}

static void wake_in(void *owner, int64_t ms)
{
    ((struct world *)owner)->timer_at = world->f->now_ms + ms;
}

/* Each event arrives in the order of its number within its room; again only as the same. */
static void arrive(const struct wg_delivery *delivery)
{
    const uint8_t *id = delivery->message.event_id;
    uintptr_t event =
        (uintptr_t)id[0] << 24 | (uintptr_t)id[1] << 16 | (uintptr_t)id[2] << 8 | id[3];
    char key[128];
    uintptr_t last;

    snprintf(key, sizeof key, "%.*s %.*s", WG_STR_F(delivery->key.destination.name),
             WG_STR_F(delivery->key.room_id));
    last = (uintptr_t)wg_map_get(&world->rooms, wg_str(key));
    if (event < last)
        fail_msg("%s: %u arrived after %u", key, (unsigned)event, (unsigned)last);
    wg_map_put(&world->rooms, wg_str(key), (void *)event);
    world->arrived++;
    world->arrivals[event % EVENTS_MAX]++;
    world->last_arrival_ms = world->f->now_ms;
}

static void answer(struct pending *pending)
{
    struct peer *peer = pending->peer;
    bool is_up = world->f->now_ms >= peer->fails_until_ms && peer->status != 0;
    struct wg_relay_result result = {.reason = WG_STR("as told"), .decision = peer->decision};

    peer->under_way--;
    if (is_up && peer->status == 200) {
        arrive(pending->attempt->delivery);
    } else if (is_up) {
        result.code = WG_BAD_ANSWER;
        result.status = peer->status;
        result.retry_after_ms = peer->retry_after_ms;
    } else {
        result.code = WG_TIMEOUT;
    }
    if (is_up)
        result.status = peer->status;
    wg_relay_done(pending->attempt, &result);
    wg_free(pending);
}

static struct pending *take_due(void)
{
    for (struct pending **at = &world->pending; *at; at = &(*at)->next) {
        struct pending *pending = *at;

        if (pending->ends_at > world->f->now_ms)
            continue;
        *at = pending->next;
        return pending;
    }
    return NULL;
}

/* @return false when nothing can happen before until_ms. */
static bool step(int64_t until_ms)
{
    struct pending *pending;
    int64_t next = world->timer_at;

    if (world->relay->answers_due > 0) {
        loop_turn(world->f->loop);
        return true;
    }
    if ((pending = take_due())) {
        answer(pending);
        return true;
    }
    if (world->timer_at <= world->f->now_ms) {
        world->timer_at = INT64_MAX;
        wg_relay_turn(world->relay);
        return true;
    }
    for (pending = world->pending; pending; pending = pending->next)
        next = pending->ends_at < next ? pending->ends_at : next;
    if (next > until_ms) {
        world->f->now_ms = until_ms;
        return false;
    }
    world->f->now_ms = next;
    return true;
}

static void run_for(int64_t ms)
{
    int64_t until = world->f->now_ms + ms;

    while (step(until))
        ;
}

static void run_until_arrived(int64_t count, int64_t at_most_ms)
{
    int64_t until = world->f->now_ms + at_most_ms;

    while (world->arrived < count && step(until))
        ;
    if (world->arrived < count)
        fail_msg("%d of %d arrived in %d ms", (int)world->arrived, (int)count, (int)at_most_ms);
}

/* --- setting up --- */

static int setup(void **state)
{
    faulty_vfs_install();
    faulty = (struct faulty_vfs){0};
    world = wg_new(struct world);
    if (fixture_setup((void **)&world->f) != 0)
        return -1;
    world->timer_at = INT64_MAX;
    wg_map_init(&world->peers);
    wg_map_init(&world->rooms);
    fixture_open(world->f);
    world->options = (struct wg_relay_options){.clock = &world->f->clock,
                                               .loop = world->f->loop,
                                               .deliver = deliver,
                                               .wake_in = wake_in,
                                               .owner = world};
    *state = world;
    return 0;
}

static void start(void)
{
    world->options.store = world->f->store;
    world->relay = wg_relay_new(&world->options);
    wg_relay_start(world->relay, NULL, NULL);
}

static void on_closed(void *owner)
{
    ((struct world *)owner)->is_closed = true;
}

static void stop(void)
{
    struct pending *pending;

    if (!world->relay)
        return;
    world->is_closed = false;
    wg_relay_close(world->relay, on_closed, world);
    while ((pending = world->pending)) {
        world->pending = pending->next;
        pending->peer->under_way--;
        wg_relay_done(pending->attempt, &(struct wg_relay_result){.code = WG_CANCELLED});
        wg_free(pending);
    }
    loop_until(world->f->loop, &world->is_closed);
    world->relay = NULL;
    world->timer_at = INT64_MAX;
}

static int teardown(void **state)
{
    (void)state;
    stop();
    wg_map_done(&world->peers, wg_free);
    wg_map_done(&world->rooms, NULL);
    fixture_teardown((void **)&world->f);
    wg_free(world);
    return 0;
}

struct batch {
    int64_t waiting;
    bool is_done;
};

static void on_accepted(void *owner, const struct wg_err *err,
                        const struct wg_accepted *accepted)
{
    struct batch *batch = owner;

    assert_int_equal(err->code, WG_OK);
    assert_false(accepted->is_duplicate);
    batch->is_done = --batch->waiting == 0;
}

/* Events first, first + 1, ... for peer-0 to peer-(peers - 1), each in so many rooms. */
static void accept_events(uint32_t first, uint32_t count, uint32_t peers, uint32_t rooms)
{
    struct batch batch = {.waiting = count};

    for (uint32_t i = 0; i < count; i++) {
        char name[32], room[32];
        struct wg_destination destination = {.is_outbound = true};
        struct wg_accept accept;

        snprintf(name, sizeof name, "peer-%u", i % peers);
        snprintf(room, sizeof room, "room-%u", i / peers % rooms);
        destination.name = wg_str(name);
        accept = make_accept(first + i, room, &destination);
        wg_store_accept(world->f->store, world->f->loop, &accept, on_accepted, &batch);
    }
    loop_until(world->f->loop, &batch.is_done);
}

static const struct wg_destination peer_0 = {true, {"peer-0", 6}};

static struct wg_store_figures figures(void)
{
    struct wg_store_figures read;

    wg_store_read_figures(world->f->store, &read);
    return read;
}

/* --- tests --- */

static void delivers_all_in_the_order_of_each_room(void **state)
{
    (void)state;
    accept_events(1, 600, 3, 10);
    start();
    run_until_arrived(600, 60000);
    run_for(10000);
    assert_int_equal(world->attempts, 600);
    assert_int_equal(figures().deliveries, 0);
}

static void order_holds_when_peers_fail_now_and_then(void **state)
{
    (void)state;
    accept_events(1, 300, 2, 5);
    start();
    for (int i = 0; i < 200 && world->arrived < 300; i++) {
        peer_named("peer-0")->status = i % 3 ? 200 : 503;
        peer_named("peer-1")->status = i % 4 ? 200 : 0;
        peer_named("peer-1")->took_ms = i % 5 * 100 + 1;
        run_for(3000);
    }
    assert_int_equal(world->arrived, 300);
    for (int i = 1; i <= 300; i++)
        assert_int_equal(world->arrivals[i], 1);
}

static void rooms_go_in_parallel_as_far_as_the_peer_bears(void **state)
{
    struct wg_relay_view view;

    (void)state;
    peer_named("peer-1")->took_ms = 9000;
    world->options.window_limit = 16;
    accept_events(1, 2000, 2, 100);
    start();
    run_for(60000);
    assert_int_equal(peer_named("peer-0")->most_under_way, 16);
    assert_in_range(peer_named("peer-1")->most_under_way, 1, 2); /* always slow */
    assert_true(wg_relay_look(world->relay, &peer_0, &view));
    assert_true(view.window > 15);
}

/* Each on the one connection it has: as many as there is room for would need new ones. */
static void many_peers_take_turns_with_a_few_rooms_each(void **state)
{
    (void)state;
    world->options.under_way_limit = 128;
    accept_events(1, 4000, 100, 20);
    start();
    run_until_arrived(3000, 60000);
    for (int i = 0; i < 100; i++) {
        char name[32];

        snprintf(name, sizeof name, "peer-%d", i);
        assert_in_range(peer_named(name)->most_under_way, 1, 2);
        assert_in_range(peer_named(name)->attempts, 15, 40);
    }
    run_until_arrived(4000, 60000);
}

static void a_refusal_ends_the_delivery_unless_it_may_pass(void **state)
{
    static const struct {
        int64_t status;
        bool is_final;
    } cases[] = {{400, true},  {401, true},  {403, true},  {404, true},  {408, false},
                 {413, true},  {421, true},  {425, false}, {429, false}, {500, false},
                 {502, false}, {503, false}, {302, false}, {0, false}};

    (void)state;
    start();
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        int64_t dead = figures().dead;

        peer_named("peer-0")->status = cases[i].status;
        accept_events((uint32_t)i * 2 + 1, 1, 1, 1);
        wg_relay_wake(world->relay, &peer_0, WG_RELAY_NEW_WORK);
        run_for(100);
        if ((figures().dead == dead + 1) != cases[i].is_final)
            fail_msg("status %d", (int)cases[i].status);
        peer_named("peer-0")->status = 200;
        wg_relay_wake(world->relay, &peer_0, WG_RELAY_CHANGED);
        run_for(20000); /* what is retried arrives */
        assert_int_equal(figures().deliveries, 0);
    }
}

static void the_delivery_hook_may_decide_otherwise(void **state)
{
    (void)state;
    peer_named("peer-0")->status = 403;
    peer_named("peer-0")->decision = WG_RELAY_RETRY;
    peer_named("peer-1")->status = 503;
    peer_named("peer-1")->decision = WG_RELAY_GIVE_UP;
    accept_events(1, 2, 2, 1);
    start();
    run_for(1); /* the first attempts are under way */
    run_for(19);
    run_for(1);
    assert_int_equal(figures().dead, 1);
    assert_int_equal(peer_named("peer-1")->attempts, 1);
    assert_int_equal(figures().deliveries, 1);
}

static void a_peer_that_asks_for_time_gets_it(void **state)
{
    int64_t began = world->f->now_ms;

    (void)state;
    peer_named("peer-0")->status = 429;
    peer_named("peer-0")->retry_after_ms = 120000;
    accept_events(1, 10, 1, 10);
    start();
    run_for(1000);
    wg_relay_wake(world->relay, &peer_0, WG_RELAY_CONTACT); /* works, but has asked for time */
    run_for(1000);
    assert_int_equal(world->attempts, 1); /* the window begins with one */
    peer_named("peer-0")->status = 200;
    run_until_arrived(10, 200000);
    assert_in_range(world->last_arrival_ms - began, 120000, 125000);
}

static void a_dead_peer_is_probed_one_at_a_time_and_served_at_once_when_it_lives(void **state)
{
    struct peer *peer = peer_named("peer-0");
    struct wg_relay_view view;
    int64_t recovered;

    (void)state;
    accept_events(1, 500, 1, 50);
    start();
    peer->fails_until_ms = world->f->now_ms + 3600 * 1000;
    peer->took_ms = 1000;
    run_for(60000);
    assert_true(wg_relay_look(world->relay, &peer_0, &view));
    assert_true(view.is_open);
    peer->most_under_way = 0;
    run_for(3600 * 1000 - 60000);
    assert_int_equal(peer->most_under_way, 1);
    assert_in_range(peer->attempts, 8, 60); /* not each of 50 rooms on its own schedule */
    peer->took_ms = 20;
    recovered = world->f->now_ms;
    run_until_arrived(500, 16 * 60 * 1000);
    run_for(1000);
    assert_true(wg_relay_look(world->relay, &peer_0, &view));
    assert_false(view.is_open);
    assert_true(world->last_arrival_ms - recovered < 16 * 60 * 1000);
}

static void a_peer_that_talks_to_us_is_tried_at_once(void **state)
{
    struct peer *peer = peer_named("peer-0");

    (void)state;
    accept_events(1, 20, 1, 20);
    start();
    peer->fails_until_ms = world->f->now_ms + 3600 * 1000;
    run_for(3600 * 1000);
    assert_int_equal(world->arrived, 0);
    wg_relay_wake(world->relay, &peer_0, WG_RELAY_CONTACT);
    run_until_arrived(20, 3000);
    run_for(100);
    assert_int_equal(figures().deliveries, 0);
    wg_relay_wake(world->relay, &to_other, WG_RELAY_CONTACT); /* nothing waits for it */
    assert_false(wg_relay_look(world->relay, &to_other, &(struct wg_relay_view){0}));
}

static void what_expires_is_not_tried_and_becomes_a_dead_letter(void **state)
{
    struct wg_accept accept = make_accept(1, "room-1", &peer_0);
    struct entries entries;

    (void)state;
    accept.expires_in_ms = 1000;
    ask_accept(world->f, &accept, NULL);
    accept = make_accept(2, "room-1", &peer_0);
    ask_accept(world->f, &accept, NULL);
    world->f->now_ms += 2000;
    start();
    run_until_arrived(1, 5000);
    run_for(1000);
    assert_int_equal(world->attempts, 1);
    assert_int_equal(
        ask_list(world->f, &(struct wg_queue_filter){.state = WG_QUEUE_DEAD}, 10, &entries),
        WG_OK);
    assert_int_equal(entries.count, 1);
    assert_int_equal(entries.event[0], 1);
    assert_string_equal(entries.reason[0], "expired");
}

static void a_suspended_peer_is_left_alone_until_it_is_resumed(void **state)
{
    struct wg_suspend suspend = {.destination = peer_0};

    (void)state;
    accept_events(1, 5, 1, 5);
    ask_suspend(world->f, &suspend);
    start();
    run_for(3600 * 1000);
    assert_int_equal(world->attempts, 0);
    suspend.is_resume = true;
    ask_suspend(world->f, &suspend);
    wg_relay_wake(world->relay, &peer_0, WG_RELAY_CHANGED);
    run_until_arrived(5, 3000);
}

static void an_outcome_the_store_cannot_take_is_kept_and_not_delivered_twice(void **state)
{
    (void)state;
    accept_events(1, 5, 1, 5);
    start();
    while (world->attempts == 0)
        step(world->f->now_ms + 1000);
    faulty_vfs_set(&faulty.write_code, 13); /* SQLITE_FULL */
    run_for(60000);
    assert_int_equal(world->attempts, 1);
    assert_int_equal(figures().deliveries, 5);
    faulty_vfs_set(&faulty.write_code, 0);
    run_until_arrived(5, 5000);
    run_for(2000);
    assert_int_equal(world->attempts, 5);
    assert_int_equal(figures().deliveries, 0);
}

static void nothing_is_lost_or_out_of_order_over_restarts(void **state)
{
    (void)state;
    accept_events(1, 400, 2, 7);
    for (int i = 0; i < 12; i++) {
        start();
        run_for(130);
        stop();
        fixture_close(world->f);
        fixture_open(world->f);
    }
    start();
    run_for(60000);
    for (int i = 1; i <= 400; i++)
        assert_true(world->arrivals[i] >= 1);
    assert_int_equal(figures().deliveries, 0);
}

static void relays_share_the_destinations_without_overlap(void **state)
{
    size_t counts[3] = {0};

    (void)state;
    for (int i = 0; i < 3000; i++) {
        char name[32];

        snprintf(name, sizeof name, "peer-%d", i);
        counts[wg_relay_of(&(struct wg_destination){true, wg_str(name)}, 3)]++;
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(counts[i], 800, 1200);
    accept_events(1, 100, 100, 1);
    world->options.count = 2;
    for (unsigned index = 0; index < 2; index++) {
        world->options.index = index;
        start();
        run_for(10000);
        stop();
    }
    assert_int_equal(world->arrived, 100);
    assert_int_equal(world->attempts, 100);
}

/* A thousand destinations, every other one dead for good and slow to say so. @return how long
 * the living ones took to get all of theirs */
static int64_t first_pass(size_t under_way_limit)
{
    int64_t began = world->f->now_ms;

    world->options.under_way_limit = under_way_limit;
    for (int i = 0; i < 1000; i += 2) {
        char name[32];

        snprintf(name, sizeof name, "peer-%d", i);
        peer_named(name)->status = 0;
        peer_named(name)->took_ms = 30000;
    }
    accept_events(1, 6000, 1000, 3);
    start();
    run_until_arrived(3000, 600000);
    return world->last_arrival_ms - began;
}

static void a_first_pass_is_not_slowed_by_the_dead(void **state)
{
    int64_t took_ms = first_pass(0);

    (void)state;
    print_message("3,000 deliveries to 500 living peers beside 500 dead ones: %d ms\n",
                  (int)took_ms);
    assert_true(took_ms < 1000);
}

static void however_many_are_dead_the_living_have_their_share(void **state)
{
    struct wg_relay_figures now;
    int64_t began;

    (void)state;
    first_pass(128); /* far fewer than there are dead ones */
    run_for(600000);
    began = world->f->now_ms;
    accept_events(10001, 3000, 1000, 3);
    for (int i = 0; i < 1000; i++) {
        char name[32];

        snprintf(name, sizeof name, "peer-%d", i);
        wg_relay_wake(world->relay, &(struct wg_destination){true, wg_str(name)},
                      WG_RELAY_NEW_WORK);
    }
    run_until_arrived(4500, 600000);
    assert_true(world->last_arrival_ms - began < 1000);
    wg_relay_read_figures(world->relay, &now);
    assert_true(now.failing > 0);
    assert_true(now.under_way <= 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(delivers_all_in_the_order_of_each_room),
        TEST(order_holds_when_peers_fail_now_and_then),
        TEST(rooms_go_in_parallel_as_far_as_the_peer_bears),
        TEST(many_peers_take_turns_with_a_few_rooms_each),
        TEST(a_refusal_ends_the_delivery_unless_it_may_pass),
        TEST(the_delivery_hook_may_decide_otherwise),
        TEST(a_peer_that_asks_for_time_gets_it),
        TEST(a_dead_peer_is_probed_one_at_a_time_and_served_at_once_when_it_lives),
        TEST(a_peer_that_talks_to_us_is_tried_at_once),
        TEST(what_expires_is_not_tried_and_becomes_a_dead_letter),
        TEST(a_suspended_peer_is_left_alone_until_it_is_resumed),
        TEST(an_outcome_the_store_cannot_take_is_kept_and_not_delivered_twice),
        TEST(nothing_is_lost_or_out_of_order_over_restarts),
        TEST(relays_share_the_destinations_without_overlap),
        TEST(a_first_pass_is_not_slowed_by_the_dead),
        TEST(however_many_are_dead_the_living_have_their_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
