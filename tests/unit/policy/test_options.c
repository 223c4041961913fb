// SPDX-License-Identifier: Apache-2.0
#include "policy_kit.h"

/* wavegate.use with options, the standard policy, and quantities. */

static const char declaring[] =
    "local wavegate = require 'wavegate'\n"
    "local options = wavegate.options {\n"
    "  text = { type = 'string', default = 'd', help = 'a text' },\n"
    "  count = { type = 'integer', min = 1, max = 10 },\n"
    "  wait = { type = 'duration', default = '1h30m' },\n"
    "  rate = { type = 'rate', default = '60/h' },\n"
    "  room = { type = 'size', default = '2KiB' },\n"
    "  since = { type = 'time', default = '2026-01-31T12:00:00+02:00' },\n"
    "  names = { type = 'list', default = { 'a', 'b' } },\n"
    "  kind = { type = 'enum', values = { 'soft', 'hard' }, default = 'soft' },\n"
    "  flag = { type = 'boolean', default = false },\n"
    "  key = { type = 'string', required = true },\n"
    "}\n"
    "wavegate.on('event', function()\n"
    "  return wavegate.deny { reason = table.concat({ options.text, tostring(options.count), "
    "options.wait,\n"
    "    string.format('%.4f', options.rate), options.room, options.since, "
    "table.concat(options.names, '+'),\n"
    "    options.kind, tostring(options.flag), options.key }, ' ') }\n"
    "end)\n";

static void options_are_read_by_type_and_a_policy_may_be_used_twice(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_write(&kit, "thing.lua", declaring);
    kit_open(&kit, "local wavegate = require 'wavegate'\n"
                   "wavegate.use('thing', { key = 'k', count = 3.0, wait = 90, names = 'x', "
                   "kind = 'hard' })\n"
                   "wavegate.use('thing', { key = 'second' })\n");
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_str(kit.decision.reason, "d 3 90 0.0167 2048 1769853600 x hard false k");
    assert_str(kit.decision.policy, "thing");
    assert_str(kit.decision.file, "thing.lua");
    kit_done(&kit);
}

static void wrong_options_name_the_caller_and_the_nearest_right_one(void **state)
{
    static const struct {
        const char *options, *text;
    } cases[] = {
        {"{ key = 'k', txet = 'x' }",
         "main.lua:2: thing: unknown option 'txet', did you mean 'text'?"},
        {"{}", "main.lua:2: thing: option 'key' is required"},
        {"nil", "main.lua:2: thing: option 'key' is required"},
        {"{ key = 'k', text = 1 }",
         "main.lua:2: thing: option 'text': must be a string, not a number"},
        {"{ key = 'k', count = 0 }", "option 'count': must be at least 1"},
        {"{ key = 'k', count = 11 }", "option 'count': must be at most 10"},
        {"{ key = 'k', count = 1.5 }", "option 'count': must be a whole number"},
        {"{ key = 'k', wait = 'soon' }", "'soon' is not a duration"},
        {"{ key = 'k', rate = '5' }", "'5' is not a rate"},
        {"{ key = 'k', room = '5 XB' }", "'5 XB' is not a size"},
        {"{ key = 'k', since = '2026-02-30' }", "'2026-02-30' is not a time"},
        {"{ key = 'k', names = { 1 } }", "option 'names': entry 1 is not a string"},
        {"{ key = 'k', kind = 'herd' }",
         "'herd' is none of the possible values, did you mean 'hard'?"},
        {"{ key = 'k', [1] = 'x' }", "unknown option"},
        {"'text'", "main.lua:2: bad argument #2 to 'use'"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct policy_kit kit;
        struct wg_buf text;

        kit_init(&kit);
        wg_buf_init(&text, 4096);
        wg_buf_addf(&text, "local wavegate = require 'wavegate'\nwavegate.use('thing', %s)\n",
                    cases[i].options);
        kit_write(&kit, "thing.lua", declaring);
        assert_int_equal(kit_load(&kit, text.at), WG_SCRIPT);
        assert_has(kit.err.text, cases[i].text);
        wg_buf_done(&text);
        kit_done(&kit);
    }
}

static void a_policy_without_options_takes_none(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_write(&kit, "plain.lua", "");
    assert_int_equal(kit_load(&kit, "require('wavegate').use('plain', { a = 1 })\n"),
                     WG_SCRIPT);
    assert_has(kit.err.text, "main.lua:1: plain takes no options");
    kit_done(&kit);
}

static void quantities_are_checked_in_scripts_too(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(&kit,
             "local w = require 'wavegate'\n"
             "assert(w.duration '1d' == 86400 and w.duration '1.5h' == 5400 and w.duration "
             "'250ms' == 0.25)\n"
             "assert(w.duration '1h30m' == 5400 and w.rate '5/10m' == 5 / 600 and w.size "
             "'1.5MB' == 1500000)\n"
             "for _, bad in ipairs { '', '1', 'd', '1 d', '-1d', '1x', '1.d', '1d2' } do\n"
             "  assert(not pcall(w.duration, bad), bad)\n"
             "end\n"
             "for _, bad in ipairs { '', '1', '1/', '/s', '0/s', '1/0s', '1/s2', '1//s' } do\n"
             "  assert(not pcall(w.rate, bad), bad)\n"
             "end\n");
    kit_done(&kit);
}

struct admission {
    enum wg_default_mode mode;
    const char *options, *peer;
    bool is_admitted;
    const char *reason;
};

static void standard_admits_peers_as_the_document_says(void **state)
{
    static const char *const allowed[] = {"a.example.test", "*.friends.example", NULL};
    static const char *const denied[] = {"bad.example.test", "*.bad.example",
                                         "c.friends.example", NULL};
    static const struct admission cases[] = {
        {WG_MODE_OPEN, "{}", "anyone.example.test", true, ""},
        {WG_MODE_OPEN, "{}", "bad.example.test", false, "in denied_peers"},
        {WG_MODE_OPEN, "{}", "x.y.bad.example", false, "in denied_peers"},
        {WG_MODE_OPEN, "{}", "bad.example", true, "the suffix is for names below it"},
        {WG_MODE_INVITE_ONLY, "{}", "a.example.test", true, ""},
        {WG_MODE_INVITE_ONLY, "{}", "b.friends.example", true, ""},
        {WG_MODE_INVITE_ONLY, "{}", "c.friends.example", false, "in denied_peers"},
        {WG_MODE_INVITE_ONLY, "{}", "z.example.test", false,
         "add z.example.test to allowed_peers, or set default_mode to \"open\""},
        {WG_MODE_CLOSED, "{}", "a.example.test", false, "federation is closed"},
        {WG_MODE_CLOSED, "{ default_mode = 'open' }", "z.example.test", true, ""},
        {WG_MODE_INVITE_ONLY, "{ allowed_peers = { 'q.example' } }", "a.example.test", false,
         "add a"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct policy_kit kit;
        struct wg_buf text;
        char reason[600];

        kit_init(&kit);
        kit.instance.federation.default_mode = cases[i].mode;
        kit.instance.federation.allowed_peers = allowed;
        kit.instance.federation.denied_peers = denied;
        wg_buf_init(&text, 4096);
        wg_buf_addf(&text, "require('wavegate').use('standard', %s)\n", cases[i].options);
        kit_open(&kit, text.at);
        kit.question.peer.name = wg_str(cases[i].peer);
        kit_ask(&kit, WG_HOOK_PEER);
        assert_int_equal(kit.decision.failure, WG_OK);
        assert_int_equal(kit.decision.verdict,
                         cases[i].is_admitted ? WG_VERDICT_ALLOW : WG_VERDICT_DENY);
        assert_str(kit.decision.policy, "standard");
        if (!cases[i].is_admitted) {
            snprintf(reason, sizeof reason, "%.*s", WG_STR_F(kit.decision.reason));
            assert_has(reason, cases[i].reason);
            assert_int_equal(kit.decision.code, WG_PEER_UNKNOWN);
        }
        wg_buf_done(&text);
        kit_done(&kit);
    }
}

static void standard_bounds_rooms_and_history(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit.instance.federation.max_foreign_participants_per_room = 3;
    kit.instance.federation.max_backfill_events_per_request = 70;
    kit.instance.federation.hide_history_before_s = 12345;
    kit_open(&kit, "require('wavegate').use 'standard'\n");
    kit_ask(&kit, WG_HOOK_BACKFILL);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    assert_int_equal(kit.decision.limit.events, 70);
    assert_int_equal(kit.decision.limit.not_before_s, 12345);
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_event(&kit, "swp.room.member", "{\"membership\":\"join\"}");
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_DENY);
    kit.question.room.foreign_participants = 2;
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_by_type_and_a_policy_may_be_used_twice),
        cmocka_unit_test(wrong_options_name_the_caller_and_the_nearest_right_one),
        cmocka_unit_test(a_policy_without_options_takes_none),
        cmocka_unit_test(quantities_are_checked_in_scripts_too),
        cmocka_unit_test(standard_admits_peers_as_the_document_says),
        cmocka_unit_test(standard_bounds_rooms_and_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
