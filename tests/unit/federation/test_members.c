// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "federation/members.h"
#include "support/fake_clock.h"
#include "wire/json.h"

static const struct wg_str server = {"a.example", 9};
static const struct wg_str room = {"room-1", 6};

struct kit {
    struct fake_clock clock;
    struct wg_members *members;
};

static int start(void **state)
{
    static struct kit kit;

    fake_clock_init(&kit.clock);
    kit.members = wg_members_new(&kit.clock.clock);
    *state = &kit;
    return 0;
}

static int end(void **state)
{
    struct kit *kit = *state;

    wg_members_free(kit->members);
    return 0;
}

static struct wg_event make_event(const char *sender, const char *type, const char *content)
{
    const char *origin = strchr(sender, ':') + 1;
    struct wg_event event;
    struct wg_err err;
    char text[1024];

    snprintf(text, sizeof text,
             "{\"id\":\"0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11\",\"type\":\"%s\","
             "\"room_id\":\"room-1\",\"sender_id\":\"%s\",\"origin\":\"%s\",\"origin_ts\":1,"
             "\"content\":%s}",
             type, sender, origin, content);
    if (wg_event_parse(wg_str(text), &event, &err) != WG_OK)
        fail_msg("%s", err.text);
    return event;
}

static void note(struct kit *kit, const char *sender, const char *content)
{
    struct wg_event event = make_event(sender, "swp.room.member", content);

    wg_members_note(kit->members, server, &event, false);
    wg_event_done(&event);
}

static int64_t count(struct kit *kit)
{
    return wg_members_count(kit->members, server, room);
}

#define JOIN "{\"membership\":\"join\"}"
#define LEAVE "{\"membership\":\"leave\"}"

static void knows_nothing_of_a_room_before_something_was_seen(void **state)
{
    struct kit *kit = *state;

    assert_int_equal(count(kit), WG_MEMBERS_UNKNOWN);
    note(kit, "@x:peer.example", JOIN);
    assert_int_equal(count(kit), 1);
    assert_int_equal(wg_members_count(kit->members, WG_STR("b.example"), room),
                     WG_MEMBERS_UNKNOWN);
}

static void counts_everybody_of_another_server_once(void **state)
{
    struct kit *kit = *state;

    note(kit, "@x:peer.example", JOIN);
    note(kit, "@x:peer.example", JOIN);
    note(kit, "@y:other.example", JOIN);
    note(kit, "@bob:a.example", JOIN);
    assert_int_equal(count(kit), 2);
    note(kit, "@x:peer.example", LEAVE);
    note(kit, "@x:peer.example", LEAVE);
    assert_int_equal(count(kit), 1);
}

static void believes_only_the_instance_about_a_third(void **state)
{
    struct kit *kit = *state;

    note(kit, "@x:peer.example", JOIN);
    note(kit, "@m:other.example",
         "{\"membership\":\"ban\",\"participant_id\":\"@x:peer.example\"}");
    note(kit, "@m:other.example",
         "{\"membership\":\"leave\",\"participant_id\":\"@x:peer.example\"}");
    assert_int_equal(count(kit), 1);
    note(kit, "@bob:a.example",
         "{\"membership\":\"ban\",\"participant_id\":\"@x:peer.example\"}");
    assert_int_equal(count(kit), 0);
}

static void a_join_that_names_another_is_the_senders(void **state)
{
    struct kit *kit = *state;

    note(kit, "@x:peer.example",
         "{\"membership\":\"join\",\"participant_id\":\"@bob:a.example\"}");
    assert_int_equal(count(kit), 1);
    assert_true(wg_members_has(kit->members, server, room, WG_STR("@x:peer.example")));
}

static void says_whom_an_event_brings(void **state)
{
    static const struct {
        const char *why, *sender, *type, *content, *brought;
    } cases[] = {
        {"a join", "@x:p.example", "swp.room.member", JOIN, "@x:p.example"},
        {"a word", "@x:p.example", "swp.room.message", "{}", "@x:p.example"},
        {"an unknown membership is no way around", "@x:p.example", "swp.room.member",
         "{\"membership\":\"slip in\"}", "@x:p.example"},
        {"our own", "@bob:a.example", "swp.room.member", JOIN, NULL},
        {"a leave", "@x:p.example", "swp.room.member", LEAVE, NULL},
        {"a knock", "@x:p.example", "swp.room.member", "{\"membership\":\"knock\"}", NULL},
        {"an invite of ours", "@bob:a.example", "swp.room.member",
         "{\"membership\":\"invite\",\"participant_id\":\"@x:p.example\"}", "@x:p.example"},
        {"an invite for ours", "@x:p.example", "swp.room.member",
         "{\"membership\":\"invite\",\"participant_id\":\"@bob:a.example\"}", NULL},
        {"an invite that names nobody", "@bob:a.example", "swp.room.member",
         "{\"membership\":\"invite\"}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct wg_event event = make_event(cases[i].sender, cases[i].type, cases[i].content);
        struct wg_str brought = wg_members_brought(server, &event);

        if (!wg_str_equal(brought, wg_str(cases[i].brought)))
            fail_msg("%s: '%.*s'", cases[i].why, WG_STR_F(brought));
        wg_event_done(&event);
    }
}

static void of_many_that_come_at_once_each_sees_those_before(void **state)
{
    struct kit *kit = *state;
    struct wg_str x = WG_STR("@x:p.example"), y = WG_STR("@y:p.example");
    int64_t before;

    assert_int_equal(wg_members_enter(kit->members, server, room, x, &before), WG_ENTRY_NEW);
    assert_int_equal(before, WG_MEMBERS_UNKNOWN);
    assert_int_equal(count(kit), WG_MEMBERS_UNKNOWN);
    assert_int_equal(wg_members_enter(kit->members, server, room, y, &before), WG_ENTRY_NEW);
    assert_int_equal(before, 1);
    assert_int_equal(wg_members_enter(kit->members, server, room, x, &before), WG_ENTRY_AGAIN);
    assert_int_equal(before, 1);
    assert_false(wg_members_has(kit->members, server, room, x));
    wg_members_settle(kit->members, server, room, x, WG_ENTRY_NEW, true);
    wg_members_settle(kit->members, server, room, y, WG_ENTRY_NEW, false);
    assert_int_equal(count(kit), 1);
    assert_int_equal(wg_members_enter(kit->members, server, room, x, &before), WG_ENTRY_KNOWN);
}

static void a_place_given_back_leaves_no_trace(void **state)
{
    struct kit *kit = *state;
    struct wg_arena arena;
    struct wg_str keys[4];
    int64_t before;

    wg_arena_init(&arena);
    (void)wg_members_enter(kit->members, server, room, WG_STR("@x:p.example"), &before);
    wg_members_settle(kit->members, server, room, WG_STR("@x:p.example"), WG_ENTRY_NEW, false);
    assert_int_equal(count(kit), WG_MEMBERS_UNKNOWN);
    assert_int_equal(wg_members_take_changed(kit->members, &arena, keys, 4), 0);
    wg_arena_done(&arena);
}

static void past_its_bound_a_room_only_counts_and_nobody_counted_leaves(void **state)
{
    struct kit *kit = *state;
    char sender[64];

    for (int i = 0; i < WG_MEMBERS_OF_ROOM_LIMIT + 3; i++) {
        snprintf(sender, sizeof sender, "@u%d:peer.example", i);
        note(kit, sender, JOIN);
    }
    assert_int_equal(count(kit), WG_MEMBERS_OF_ROOM_LIMIT + 3);
    note(kit, sender, LEAVE);
    assert_int_equal(count(kit), WG_MEMBERS_OF_ROOM_LIMIT + 3);
    note(kit, "@u0:peer.example", LEAVE);
    assert_int_equal(count(kit), WG_MEMBERS_OF_ROOM_LIMIT + 2);
}

static void past_the_bound_of_rooms_there_is_no_place_at_all(void **state)
{
    struct kit *kit = *state;
    struct wg_str x = WG_STR("@x:p.example");
    char name[32];
    int64_t before;

    for (int i = 0; i < WG_MEMBERS_ROOMS_LIMIT; i++) {
        snprintf(name, sizeof name, "r%d", i);
        (void)wg_members_enter(kit->members, server, wg_str(name), x, &before);
    }
    assert_int_equal(wg_members_enter(kit->members, server, room, x, &before), WG_ENTRY_NONE);
    assert_true(before == WG_MEMBERS_UNCOUNTABLE);
    assert_true(count(kit) == WG_MEMBERS_UNCOUNTABLE);
    wg_members_settle(kit->members, server, WG_STR("r7"), x, WG_ENTRY_NEW, false);
    assert_int_equal(wg_members_enter(kit->members, server, room, x, &before), WG_ENTRY_NEW);
}

static void listed(struct kit *kit, const char *text, bool is_whole, int64_t since_ms)
{
    json_t *list = json_loads(text, 0, NULL);

    wg_members_listed(kit->members, server, room, list, is_whole, since_ms);
    json_decref(list);
}

static void a_whole_list_stands_in_the_place_of_what_was_counted(void **state)
{
    struct kit *kit = *state;
    int64_t now_ms = kit->clock.mono_now_ms;

    note(kit, "@x:p.example", JOIN);
    listed(kit, "[\"@y:p.example\", \"@bob:a.example\", 7]", false, now_ms + 1);
    assert_int_equal(count(kit), 2);
    listed(kit, "[\"@y:p.example\", \"@z:p.example\"]", true, now_ms);
    assert_int_equal(count(kit), 3); /* x came after the list was asked for */
    fake_clock_turn(&kit->clock, 1000);
    listed(kit, "[\"@y:p.example\"]", true, kit->clock.mono_now_ms + 1);
    assert_int_equal(count(kit), 1);
}

static void a_join_that_came_to_nothing_is_taken_back(void **state)
{
    struct kit *kit = *state;
    struct wg_event event = make_event("@x:p.example", "swp.room.member", JOIN);
    struct wg_event word = make_event("@y:p.example", "swp.room.message", "{}");

    wg_members_note(kit->members, server, &event, true);
    wg_members_note(kit->members, server, &word, true);
    wg_members_undo(kit->members, server, &event);
    wg_members_undo(kit->members, server, &word);
    assert_int_equal(count(kit), 1);
    wg_event_done(&event);
    wg_event_done(&word);
}

static void is_the_same_after_it_was_stored_and_read_again(void **state)
{
    struct kit *kit = *state;
    struct wg_members *again = wg_members_new(&kit->clock.clock);
    struct wg_arena arena;
    struct wg_str keys[4];
    struct wg_err err;
    json_t *document;
    int64_t before;

    wg_arena_init(&arena);
    note(kit, "@x:p.example", JOIN);
    note(kit, "@y:p.example", JOIN);
    (void)wg_members_enter(kit->members, server, room, WG_STR("@z:p.example"), &before);
    assert_int_equal(wg_members_take_changed(kit->members, &arena, keys, 4), 1);
    assert_int_equal(wg_members_take_changed(kit->members, &arena, keys + 1, 3), 0);
    document = wg_members_document(kit->members, keys[0]);
    assert_int_equal(wg_members_restore(again, keys[0], document, &err), WG_OK);
    assert_int_equal(wg_members_count(again, server, room), 2);
    assert_true(wg_members_has(again, server, room, WG_STR("@y:p.example")));
    assert_int_equal(wg_members_restore(again, WG_STR("nothing"), document, &err), WG_INVALID);
    json_decref(document);
    wg_members_free(again);
    wg_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(knows_nothing_of_a_room_before_something_was_seen,
                                        start, end),
        cmocka_unit_test_setup_teardown(counts_everybody_of_another_server_once, start, end),
        cmocka_unit_test_setup_teardown(believes_only_the_instance_about_a_third, start, end),
        cmocka_unit_test_setup_teardown(a_join_that_names_another_is_the_senders, start, end),
        cmocka_unit_test_setup_teardown(says_whom_an_event_brings, start, end),
        cmocka_unit_test_setup_teardown(of_many_that_come_at_once_each_sees_those_before, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_place_given_back_leaves_no_trace, start, end),
        cmocka_unit_test_setup_teardown(
            past_its_bound_a_room_only_counts_and_nobody_counted_leaves, start, end),
        cmocka_unit_test_setup_teardown(past_the_bound_of_rooms_there_is_no_place_at_all, start,
                                        end),
        cmocka_unit_test_setup_teardown(a_whole_list_stands_in_the_place_of_what_was_counted,
                                        start, end),
        cmocka_unit_test_setup_teardown(a_join_that_came_to_nothing_is_taken_back, start, end),
        cmocka_unit_test_setup_teardown(is_the_same_after_it_was_stored_and_read_again, start,
                                        end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
