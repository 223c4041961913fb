// SPDX-License-Identifier: Apache-2.0
#include "unit/store/support.h"

#include <stdio.h>
#include <string.h>

static struct fixture *open_store(void **state)
{
    struct fixture *f = *state;

    fixture_open(f);
    return f;
}

static void accept_event(struct fixture *f, uint32_t event, const char *room,
                         const struct wg_destination *destination)
{
    struct wg_accept accept = make_accept(event, room, destination);

    if (ask_accept(f, &accept, NULL) != WG_OK)
        fail_msg("%s", f->err.text);
}

static void hold_event(struct fixture *f, uint32_t event, const char *room)
{
    struct wg_accept accept = make_accept(event, room, &to_peer);

    accept.holds = &(struct wg_hold){true, WG_STR("looks odd")};
    assert_int_equal(ask_accept(f, &accept, NULL), WG_OK);
}

static struct heads heads_of(struct fixture *f)
{
    struct wg_next next = {.destination = to_peer, .limit = 64};
    struct heads heads;

    assert_int_equal(ask_next(f, &next, &heads), WG_OK);
    return heads;
}

static void settle_one(struct fixture *f, const struct head *head, enum wg_outcome outcome,
                       int64_t retry_in_ms)
{
    struct wg_settlement settlement = settle_head(head, &to_peer, outcome);

    settlement.retry_in_ms = retry_in_ms;
    assert_int_equal(ask_settle(f, &settlement, 1), WG_OK);
}

static void expect_events(const struct heads *heads, const char *expected)
{
    char got[256] = "";

    for (size_t i = 0; i < heads->count; i++) {
        size_t len = strlen(got);

        snprintf(got + len, sizeof got - len, "%s%u", i ? " " : "", heads->head[i].event);
    }
    assert_string_equal(got, expected);
}

static void expect_list(struct fixture *f, const struct wg_queue_filter *filter, size_t limit,
                        const char *expected)
{
    struct entries entries;
    char got[1024] = "";

    assert_int_equal(ask_list(f, filter, limit, &entries), WG_OK);
    for (size_t i = 0; i < entries.count; i++) {
        size_t len = strlen(got);

        snprintf(got + len, sizeof got - len, "%s%u", i ? " " : "", entries.event[i]);
    }
    assert_string_equal(got, expected);
}

static void hands_out_the_first_of_each_room_only(void **state)
{
    struct fixture *f = open_store(state);
    struct heads heads;

    accept_event(f, 1, "room-1", &to_peer);
    f->now_ms++;
    accept_event(f, 2, "room-1", &to_peer);
    accept_event(f, 3, "room-2", &to_peer);
    accept_event(f, 4, "room-1", &to_other);
    heads = heads_of(f);
    expect_events(&heads, "1 3");
    f->now_ms++;
    settle_one(f, &heads.head[0], WG_OUTCOME_SENT, 0);
    heads = heads_of(f);
    expect_events(&heads, "3 2"); /* the room that waits longer first */
}

static void passes_over_rooms_that_are_under_way(void **state)
{
    struct fixture *f = open_store(state);
    const struct wg_str busy[] = {WG_STR("room-1"), WG_STR("room-3")};
    struct wg_next next = {
        .destination = to_peer, .limit = 2, .busy_rooms = busy, .busy_count = 2};
    struct heads heads;

    for (uint32_t i = 1; i <= 6; i++) {
        char room[16];

        snprintf(room, sizeof room, "room-%u", i);
        accept_event(f, i, room, &to_peer);
        f->now_ms++;
    }
    assert_int_equal(ask_next(f, &next, &heads), WG_OK);
    expect_events(&heads, "2 4");
    assert_true(heads.has_more);
    assert_true(heads.next_due_in_ms <= 0);
}

static void a_retry_holds_its_room_until_it_is_due(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_next any = {.destination = to_peer, .limit = 8, .due_within_ms = INT64_MAX};
    struct heads heads;

    accept_event(f, 1, "room-1", &to_peer);
    accept_event(f, 2, "room-1", &to_peer);
    accept_event(f, 3, "room-2", &to_peer);
    heads = heads_of(f);
    settle_one(f, &heads.head[0], WG_OUTCOME_RETRY, 5000);
    heads = heads_of(f);
    expect_events(&heads, "3");
    assert_false(heads.has_more);
    assert_int_equal(heads.next_due_in_ms, 5000);
    ask_next(f, &any, &heads);
    expect_events(&heads, "3 1");
    f->now_ms += 5000;
    heads = heads_of(f);
    expect_events(&heads, "3 1");
    assert_int_equal(heads.head[1].attempts, 1);
    assert_int_equal(heads.next_due_in_ms, INT64_MAX);
}

static void a_clock_that_is_stepped_back_delays_nothing(void **state)
{
    struct fixture *f = open_store(state);
    struct heads heads;

    accept_event(f, 1, "room-1", &to_peer);
    accept_event(f, 2, "room-2", &to_peer);
    heads = heads_of(f);
    settle_one(f, &heads.head[0], WG_OUTCOME_RETRY, 5000);
    f->now_ms -= 3600 * 1000;
    heads = heads_of(f); /* before the writer has noticed */
    expect_events(&heads, "2");
    ask_upkeep(f);
    heads = heads_of(f);
    expect_events(&heads, "2");
    assert_int_equal(heads.next_due_in_ms, 5000);
    f->now_ms += 5000;
    heads = heads_of(f);
    assert_int_equal(heads.count, 2);
    fixture_close(f);
    f->now_ms -= 3600 * 1000; /* while the process is down */
    fixture_open(f);
    ask_upkeep(f);
    f->now_ms += 5000; /* how long it was idle before is not known: waits start again */
    heads = heads_of(f);
    assert_int_equal(heads.count, 2);
    assert_int_equal(heads.head[0].age_ms, 0); /* never negative */
}

static void a_dead_letter_can_wait_again_in_its_old_place(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_queue_filter dead = {.state = WG_QUEUE_DEAD};
    struct entries entries;
    struct heads heads;
    int64_t changed;

    accept_event(f, 1, "room-1", &to_peer);
    accept_event(f, 2, "room-1", &to_peer);
    accept_event(f, 3, "room-1", &to_peer);
    heads = heads_of(f);
    settle_one(f, &heads.head[0], WG_OUTCOME_DEAD, 0);
    heads = heads_of(f);
    expect_events(&heads, "2");
    assert_int_equal(ask_list(f, &dead, 10, &entries), WG_OK);
    assert_int_equal(entries.count, 1);
    assert_string_equal(entries.reason[0], "given up");
    assert_int_equal(
        ask_change(f, (struct wg_queue_change){.verb = WG_QUEUE_REQUEUE, .filter = dead},
                   &changed),
        WG_OK);
    assert_int_equal(changed, 1);
    heads = heads_of(f);
    expect_events(&heads, "1");
    assert_int_equal(heads.head[0].attempts, 1);
    settle_one(f, &heads.head[0], WG_OUTCOME_SENT, 0);
    heads = heads_of(f);
    expect_events(&heads, "2");
    expect_list(f, &dead, 10, "");
}

static void one_that_was_given_up_but_arrived_is_no_dead_letter(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_queue_filter dead = {.state = WG_QUEUE_DEAD},
                           waiting = {.state = WG_QUEUE_WAITING};
    struct wg_store_figures figures;
    struct heads heads;
    int64_t changed;

    accept_event(f, 1, "room-1", &to_peer);
    heads = heads_of(f);
    ask_change(f, (struct wg_queue_change){.verb = WG_QUEUE_DROP, .filter = waiting}, &changed);
    assert_int_equal(changed, 1);
    expect_list(f, &dead, 10, "1");
    settle_one(f, &heads.head[0], WG_OUTCOME_SENT, 0);
    expect_list(f, &dead, 10, "");
    settle_one(f, &heads.head[0], WG_OUTCOME_SENT, 0); /* again: nothing happens */
    settle_one(f, &heads.head[0], WG_OUTCOME_RETRY, 5);
    settle_one(f, &heads.head[0], WG_OUTCOME_DEAD, 0);
    wg_store_read_figures(f->store, &figures);
    assert_int_equal(figures.deliveries, 0);
    assert_int_equal(figures.dead, 0);
    assert_int_equal(figures.body_bytes, 0);
}

static void what_is_held_is_delivered_only_on_release_and_in_order(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_queue_filter held = {.state = WG_QUEUE_HELD};
    struct heads heads;
    int64_t changed;

    hold_event(f, 1, "room-1");
    accept_event(f, 2, "room-1", &to_peer);
    hold_event(f, 3, "room-1");
    accept_event(f, 4, "room-1", &to_peer);
    heads = heads_of(f);
    expect_events(&heads, "2");
    expect_list(f, &held, 1, "1 3");
    ask_change(
        f,
        (struct wg_queue_change){.verb = WG_QUEUE_RELEASE, .filter = held, .is_dry_run = true},
        &changed);
    assert_int_equal(changed, 2);
    expect_list(f, &held, 10, "1 3");
    ask_change(f, (struct wg_queue_change){.verb = WG_QUEUE_RELEASE, .filter = held}, &changed);
    assert_int_equal(changed, 2);
    for (uint32_t event = 1; event <= 4; event++) {
        heads = heads_of(f);
        assert_int_equal(heads.count, 1);
        assert_int_equal(heads.head[0].event, event);
        settle_one(f, &heads.head[0], WG_OUTCOME_SENT, 0);
    }
    assert_int_equal(heads_of(f).count, 0);
}

static void an_event_is_held_for_one_destination_and_goes_to_the_other(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_queue_filter held = {.state = WG_QUEUE_HELD};
    const struct wg_destination both[] = {to_peer, to_other};
    const struct wg_hold holds[] = {{false, {NULL, 0}}, {true, WG_STR("looks odd")}};
    struct wg_accept accept = make_accept(1, "room-1", both);
    struct wg_next next = {.destination = to_other, .limit = 64};
    struct wg_store_figures figures;
    struct entries entries;
    struct heads heads;
    int64_t changed;

    accept.destination_count = 2;
    accept.holds = holds;
    assert_int_equal(ask_accept(f, &accept, NULL), WG_OK);
    ask_list(f, &held, 10, &entries);
    assert_int_equal(entries.count, 1);
    assert_string_equal(entries.reason[0], "looks odd");
    assert_int_equal(ask_next(f, &next, &heads), WG_OK);
    assert_int_equal(heads.count, 0);
    heads = heads_of(f);
    expect_events(&heads, "1");
    settle_one(f, &heads.head[0], WG_OUTCOME_SENT, 0);
    ask_change(f, (struct wg_queue_change){.verb = WG_QUEUE_RELEASE, .filter = held}, &changed);
    assert_int_equal(changed, 1);
    assert_int_equal(ask_next(f, &next, &heads), WG_OK);
    expect_events(&heads, "1");
    struct wg_settlement sent = settle_head(&heads.head[0], &to_other, WG_OUTCOME_SENT);
    assert_int_equal(ask_settle(f, &sent, 1), WG_OK);
    wg_store_read_figures(f->store, &figures);
    assert_int_equal(figures.deliveries, 0);
    assert_int_equal(figures.held, 0);
    assert_int_equal(figures.body_bytes, 0);
}

static void what_is_rejected_becomes_a_dead_letter_with_the_reason(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_queue_filter held = {.state = WG_QUEUE_HELD}, dead = {.state = WG_QUEUE_DEAD};
    struct entries entries;
    int64_t changed;

    hold_event(f, 1, "room-1");
    ask_change(f,
               (struct wg_queue_change){
                   .verb = WG_QUEUE_REJECT, .filter = held, .reason = WG_STR("spam")},
               &changed);
    assert_int_equal(changed, 1);
    ask_list(f, &dead, 10, &entries);
    assert_int_equal(entries.count, 1);
    assert_string_equal(entries.reason[0], "spam");
    assert_int_equal(
        ask_change(f, (struct wg_queue_change){.verb = WG_QUEUE_RELEASE, .filter = dead},
                   &changed),
        WG_INVALID);
}

static void expires_in_every_state_and_keeps_dead_letters_for_their_time(void **state)
{
    struct fixture *f = *state;
    struct wg_queue_filter dead = {.state = WG_QUEUE_DEAD};
    struct wg_suspend suspend = {.destination = to_other, .reason = WG_STR("maintenance")};
    struct wg_store_figures figures;
    struct entries entries;
    struct wg_accept accept;

    f->options.dead_keep_ms = 10000;
    fixture_open(f);
    accept_event(f, 9, "room-1", &to_peer); /* expires much later */
    accept = make_accept(1, "room-1", &to_peer);
    accept.expires_in_ms = 1000;
    ask_accept(f, &accept, NULL);
    accept = make_accept(2, "room-2", &to_peer);
    accept.expires_in_ms = 1000;
    accept.holds = &(struct wg_hold){true, WG_STR("looks odd")};
    ask_accept(f, &accept, NULL);
    accept = make_accept(3, "room-3", &to_other);
    accept.expires_in_ms = 1000;
    ask_accept(f, &accept, NULL);
    assert_int_equal(ask_suspend(f, &suspend), WG_OK);
    f->now_ms += 1000;
    ask_upkeep(f);
    wg_store_read_figures(f->store, &figures);
    assert_int_equal(figures.deliveries, 1);
    assert_int_equal(figures.held, 0);
    assert_int_equal(figures.dead, 3);
    ask_list(f, &dead, 2, &entries);
    assert_int_equal(entries.count, 3);
    assert_string_equal(entries.reason[2], "expired");
    f->now_ms += 10000;
    ask_upkeep(f);
    wg_store_read_figures(f->store, &figures);
    assert_int_equal(figures.dead, 0);
    assert_int_equal(figures.deliveries, 1);
    assert_int_equal(figures.body_bytes, 17);
}

static void a_suspended_destination_waits_until_its_end_time(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_suspend suspend = {.destination = to_peer, .for_ms = 60000};
    struct heads heads;

    accept_event(f, 1, "room-1", &to_peer);
    assert_int_equal(ask_suspend(f, &suspend), WG_OK);
    heads = heads_of(f);
    assert_int_equal(heads.count, 0);
    assert_int_equal(heads.next_due_in_ms, 60000);
    f->now_ms += 60000;
    heads = heads_of(f);
    expect_events(&heads, "1");
    ask_upkeep(f);
    suspend.is_resume = true;
    assert_int_equal(ask_suspend(f, &suspend), WG_NOT_FOUND);
    suspend = (struct wg_suspend){.destination = to_peer};
    ask_suspend(f, &suspend);
    assert_int_equal(heads_of(f).next_due_in_ms, INT64_MAX);
    suspend.is_resume = true;
    assert_int_equal(ask_suspend(f, &suspend), WG_OK);
    assert_int_equal(heads_of(f).count, 1);
}

static void a_suspended_room_holds_up_no_other(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_suspend suspend = {
        .destination = to_peer, .room_id = WG_STR("room-1"), .for_ms = 60000};
    struct heads heads;

    accept_event(f, 1, "room-1", &to_peer);
    ask_suspend(f, &suspend);
    suspend.room_id = WG_STR("room-3");
    ask_suspend(f, &suspend);
    accept_event(f, 2, "room-2", &to_peer);
    accept_event(f, 3, "room-3", &to_peer); /* its lane begins suspended */
    heads = heads_of(f);
    expect_events(&heads, "2");
    assert_int_equal(heads.next_due_in_ms, 60000);
    f->now_ms += 60000;
    ask_upkeep(f);
    assert_int_equal(heads_of(f).count, 3);
}

static void lists_by_filter_and_page_by_page(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_queue_filter filter = {.state = WG_QUEUE_WAITING};
    struct wg_accept accept;

    accept_event(f, 1, "room-1", &to_peer);
    accept_event(f, 2, "room-2", &to_peer);
    accept_event(f, 3, "room-1", &to_other);
    f->now_ms += 10000;
    accept = make_accept(4, "room-1", &to_peer);
    accept.message.type = WG_STR("swp.room.topic");
    ask_accept(f, &accept, NULL);
    accept_event(f, 5, "room-1", &to_instance);

    expect_list(f, &filter, 1, "5 3 1 4 2");
    expect_list(f, &filter, 2, "5 3 1 4 2");
    filter.has_direction = true;
    expect_list(f, &filter, 10, "5");
    filter = (struct wg_queue_filter){.has_destination = true, .destination = to_peer};
    expect_list(f, &filter, 2, "1 4 2");
    filter.room_id = WG_STR("room-1");
    expect_list(f, &filter, 2, "1 4");
    filter.type = WG_STR("swp.room.topic");
    expect_list(f, &filter, 2, "4");
    filter = (struct wg_queue_filter){.older_than_ms = 5000};
    expect_list(f, &filter, 10, "3 1 2");
    filter = (struct wg_queue_filter){.has_event = true};
    make_event_id(3, filter.event_id);
    expect_list(f, &filter, 10, "3");
    filter = (struct wg_queue_filter){.server = WG_STR("b.example")};
    expect_list(f, &filter, 10, "");
}

static void retry_makes_the_heads_due_now(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_queue_filter filter = {.has_destination = true, .destination = to_peer};
    struct heads heads;
    int64_t changed;

    for (uint32_t i = 1; i <= 20; i++) {
        char room[16];

        snprintf(room, sizeof room, "room-%u", i % 4);
        accept_event(f, i, room, &to_peer);
    }
    heads = heads_of(f);
    for (size_t i = 0; i < heads.count; i++)
        settle_one(f, &heads.head[i], WG_OUTCOME_RETRY, 900000);
    assert_int_equal(heads_of(f).count, 0);
    ask_change(f,
               (struct wg_queue_change){.verb = WG_QUEUE_RETRY, .filter = filter, .limit = 3},
               &changed);
    assert_int_equal(changed, 4);
    assert_int_equal(heads_of(f).count, 4);
}

static void on_destinations(void *owner, const struct wg_err *err,
                            const struct wg_destination_page *page)
{
    bool *is_done = owner;

    assert_int_equal(err->code, WG_OK);
    assert_int_equal(page->count, 2);
    assert_true(wg_str_is(page->states[0].destination.name, "other.example"));
    assert_int_equal(page->states[0].deliveries, 1);
    assert_true(page->states[0].is_suspended);
    assert_int_equal(page->states[0].suspended_for_ms, INT64_MAX);
    assert_true(wg_str_is(page->states[0].suspended_reason, "down"));
    assert_int_equal(page->states[1].deliveries, 3);
    assert_int_equal(page->states[1].lanes, 2);
    assert_int_equal(page->states[1].body_bytes, 3 * 17);
    assert_int_equal(page->states[1].oldest_age_ms, 500);
    assert_true(page->states[1].due_in_ms <= 0);
    assert_null(page->next_cursor.at);
    *is_done = true;
}

static void counts_what_waits_for_each_destination(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_suspend suspend = {.destination = to_other, .reason = WG_STR("down")};
    bool is_done = false;

    accept_event(f, 1, "room-1", &to_peer);
    accept_event(f, 2, "room-1", &to_peer);
    accept_event(f, 3, "room-2", &to_peer);
    accept_event(f, 4, "room-2", &to_other);
    ask_suspend(f, &suspend);
    f->now_ms += 500;
    wg_store_destinations(f->store, f->loop, (struct wg_str){0}, 0, on_destinations, &is_done);
    loop_until(f->loop, &is_done);
}

static void on_story(void *owner, const struct wg_err *err, const struct wg_story *story)
{
    const struct wg_story_part *other, *peer;

    assert_int_equal(err->code, WG_OK);
    assert_int_equal(story->count, 2);
    other = &story->parts[0];
    peer = &story->parts[1];
    assert_true(wg_str_is(other->destination.name, "other.example"));
    assert_int_equal(other->state, WG_STORY_WAITING);
    assert_int_equal(other->attempt_count, 0);
    assert_int_equal(peer->state, WG_STORY_ENDED);
    assert_int_equal(peer->attempt_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(peer->attempts[i].number, i + 1);
        assert_int_equal(peer->attempts[i].code, WG_TIMEOUT);
        assert_int_equal(peer->attempts[i].status, 503);
        assert_int_equal(peer->attempts[i].took_ms, 7);
    }
    *(bool *)owner = true;
}

static void the_story_of_an_event_has_each_attempt(void **state)
{
    struct fixture *f = open_store(state);
    const struct wg_destination both[] = {to_peer, to_other};
    struct wg_accept accept = make_accept(7, "room-1", both);
    bool is_done = false;

    accept.destination_count = 2;
    ask_accept(f, &accept, NULL);
    for (int i = 0; i < 3; i++) {
        struct heads heads = heads_of(f);

        settle_one(f, &heads.head[0], i < 2 ? WG_OUTCOME_RETRY : WG_OUTCOME_SENT, 0);
    }
    wg_store_story(f->store, f->loop, accept.message.event_id, on_story, &is_done);
    loop_until(f->loop, &is_done);
}

static void large_bodies_are_handed_out_a_few_at_a_time(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_next next = {.destination = to_peer, .limit = 64, .bytes_limit = 150000};
    static char body[100000];
    struct heads heads;

    for (uint32_t i = 1; i <= 4; i++) {
        char room[16];
        struct wg_accept accept;

        snprintf(room, sizeof room, "room-%u", i);
        accept = make_accept(i, room, &to_peer);
        accept.message.body = wg_str_of(body, sizeof body);
        ask_accept(f, &accept, NULL);
    }
    ask_next(f, &next, &heads);
    assert_int_equal(heads.count, 2);
    assert_true(heads.has_more);
}

struct many {
    uint32_t answered;
    bool is_done;
};

enum { MANY = 8000 };

static void on_one_of_many(void *owner, const struct wg_err *err,
                           const struct wg_accepted *accepted)
{
    struct many *many = owner;

    (void)accepted;
    assert_int_equal(err->code, WG_OK);
    many->is_done = ++many->answered == MANY;
}

/* Whoever sends next into a quiet room asks that each time, while thousands wait in others. */
static void says_in_one_page_whether_a_room_waits_however_long_the_queue_is(void **state)
{
    struct fixture *f = open_store(state);
    struct wg_queue_filter filter = {
        .has_destination = true, .destination = to_peer, .room_id = WG_STR("room-z")};
    struct entries entries;
    struct many many = {0};

    for (uint32_t event = 1; event <= MANY; event++) {
        struct wg_accept accept = make_accept(event, "room-a", &to_peer);

        wg_store_accept(f->store, f->loop, &accept, on_one_of_many, &many);
    }
    loop_until(f->loop, &many.is_done);
    assert_int_equal(ask_list(f, &filter, 1, &entries), WG_OK);
    assert_int_equal(entries.count, 0);
    assert_int_equal(entries.pages, 1);
    accept_event(f, MANY + 1, "room-z", &to_peer);
    accept_event(f, MANY + 2, "room-zz", &to_peer);
    assert_int_equal(ask_list(f, &filter, 100, &entries), WG_OK);
    assert_int_equal(entries.count, 1);
    assert_int_equal(entries.event[0], MANY + 1);
    assert_int_equal(entries.pages, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(hands_out_the_first_of_each_room_only),
        TEST(passes_over_rooms_that_are_under_way),
        TEST(a_retry_holds_its_room_until_it_is_due),
        TEST(a_clock_that_is_stepped_back_delays_nothing),
        TEST(counts_what_waits_for_each_destination),
        TEST(a_dead_letter_can_wait_again_in_its_old_place),
        TEST(one_that_was_given_up_but_arrived_is_no_dead_letter),
        TEST(what_is_held_is_delivered_only_on_release_and_in_order),
        TEST(an_event_is_held_for_one_destination_and_goes_to_the_other),
        TEST(what_is_rejected_becomes_a_dead_letter_with_the_reason),
        TEST(expires_in_every_state_and_keeps_dead_letters_for_their_time),
        TEST(a_suspended_destination_waits_until_its_end_time),
        TEST(a_suspended_room_holds_up_no_other),
        TEST(lists_by_filter_and_page_by_page),
        TEST(says_in_one_page_whether_a_room_waits_however_long_the_queue_is),
        TEST(retry_makes_the_heads_due_now),
        TEST(the_story_of_an_event_has_each_attempt),
        TEST(large_bodies_are_handed_out_a_few_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
