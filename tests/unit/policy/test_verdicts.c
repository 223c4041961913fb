// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "policy_kit.h"

/* What each verdict, default and mistake comes to. */

static void ask_with(struct policy_kit *kit, enum wg_hook hook, const char *body)
{
    char text[2048];

    kit_init(kit);
    snprintf(text, sizeof text,
             "local wavegate = require 'wavegate'\n"
             "wavegate.on('%s', function(it, ctx)\n"
             "  if not ctx.server:find 'chat.example.test' then return end\n"
             "%s\n"
             "end)\n",
             wg_hook_name(hook), body);
    kit_open(kit, text);
    kit_ask(kit, hook);
}

static void every_verdict_arrives_as_it_was_given(void **state)
{
    struct policy_kit kit;

    (void)state;
    ask_with(&kit, WG_HOOK_EVENT, "  return wavegate.allow()");
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    assert_str(kit.decision.policy, "main");
    kit_done(&kit);

    ask_with(&kit, WG_HOOK_EVENT, "  return wavegate.deny { code = 'SW_ROOM_NOT_FOUND' }");
    assert_int_equal(kit.decision.code, WG_ROOM_NOT_FOUND);
    assert_null(kit.decision.reason.at);
    kit_done(&kit);

    ask_with(&kit, WG_HOOK_PEER, "  return wavegate.deny { reason = 'no' }");
    assert_int_equal(kit.decision.code, WG_PEER_UNKNOWN);
    kit_done(&kit);

    ask_with(&kit, WG_HOOK_ROOM, "  return wavegate.deny {}");
    assert_int_equal(kit.decision.code, WG_ROOM_FORBIDDEN);
    kit_done(&kit);

    ask_with(&kit, WG_HOOK_EVENT,
             "  return wavegate.defer { seconds = 2.5, reason = 'later' }");
    assert_int_equal(kit.decision.verdict, WG_VERDICT_DEFER);
    assert_int_equal(kit.decision.code, WG_RATE_LIMITED);
    assert_int_equal(kit.decision.defer_s, 3);
    assert_str(kit.decision.reason, "later");
    kit_done(&kit);

    ask_with(&kit, WG_HOOK_EVENT,
             "  return wavegate.defer { code = 'SW_RATE_LIMIT_EXCEEDED' }");
    assert_int_equal(kit.decision.code, WG_RATE_LIMITED);
    assert_int_equal(kit.decision.defer_s, 60);
    kit_done(&kit);

    ask_with(&kit, WG_HOOK_EVENT, "  return wavegate.quarantine { reason = 'looks odd' }");
    assert_int_equal(kit.decision.verdict, WG_VERDICT_QUARANTINE);
    assert_str(kit.decision.reason, "looks odd");
    kit_done(&kit);
}

static void limits_and_labels_are_kept_and_the_chain_goes_on(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(
        &kit,
        "local w = require 'wavegate'\n"
        "w.on('backfill', function() return w.limit { events = 50, not_before = 100 } end)\n"
        "w.on('backfill', function() return w.limit { events = 70, not_before = 200, bytes = 9 "
        "} end)\n"
        "w.on('backfill', function() return w.label { b = 2, a = 'x' } end)\n"
        "w.on('backfill', function() return w.label { b = true } end)\n"
        "w.on('backfill', function() return w.allow() end)\n"
        "w.on('backfill', function() return w.deny {} end)\n");
    kit_ask(&kit, WG_HOOK_BACKFILL);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    assert_int_equal(kit.decision.limit.events, 50);
    assert_int_equal(kit.decision.limit.not_before_s, 200);
    assert_int_equal(kit.decision.limit.bytes, 9);
    assert_int_equal(kit.decision.labels.count, 2);
    assert_str(kit.decision.labels.at[0].name, "a");
    assert_str(kit.decision.labels.at[0].value, "x");
    assert_str(kit.decision.labels.at[1].value, "true");
    assert_int_equal(kit.decision.line, 6);
    kit_done(&kit);
}

static void when_nobody_answers_the_hook_has_a_default(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(&kit, "-- nothing");
    kit_ask(&kit, WG_HOOK_PEER);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_DENY);
    assert_int_equal(kit.decision.code, WG_PEER_UNKNOWN);
    kit_ask(&kit, WG_HOOK_INVITE);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_ask(&kit, WG_HOOK_BACKFILL);
    assert_int_equal(kit.decision.limit.events, 100);
    kit_ask(&kit, WG_HOOK_ROOM);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit.question.room.federated = WG_FLAG_NO;
    kit_ask(&kit, WG_HOOK_ROOM);
    assert_int_equal(kit.decision.code, WG_ROOM_FORBIDDEN);
    kit_ask(&kit, WG_HOOK_MEMBERS);
    assert_int_equal(kit.decision.code, WG_ROOM_FORBIDDEN);
    kit_ask(&kit, WG_HOOK_KEY);
    assert_int_equal(kit.decision.code, WG_BAD_SIGNATURE);
    kit.question.change.is_published = true;
    kit_ask(&kit, WG_HOOK_KEY);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_ask(&kit, WG_HOOK_DELIVERY);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    assert_str(kit.decision.policy, "default");
    kit_done(&kit);
}

static void a_failed_handler_leaves_it_to_on_error(void **state)
{
    static const struct {
        enum wg_on_error on_error;
        enum wg_hook hook;
        enum wg_verdict verdict;
        enum wg_code code;
    } cases[] = {
        {WG_ON_ERROR_DENY, WG_HOOK_EVENT, WG_VERDICT_DENY, WG_POLICY_REJECTED},
        {WG_ON_ERROR_DENY, WG_HOOK_PEER, WG_VERDICT_DENY, WG_PEER_UNKNOWN},
        {WG_ON_ERROR_DEFER, WG_HOOK_EVENT, WG_VERDICT_DEFER, WG_DEFERRED},
        {WG_ON_ERROR_ALLOW, WG_HOOK_EVENT, WG_VERDICT_ALLOW, WG_OK},
        /* the retry schedule: a script's mistake must not lose an event */
        {WG_ON_ERROR_DENY, WG_HOOK_DELIVERY, WG_VERDICT_ALLOW, WG_OK},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct policy_kit kit;
        char text[512];

        kit_init(&kit);
        kit.instance.on_error = cases[i].on_error;
        snprintf(text, sizeof text,
                 "require('wavegate').on('%s', function(it, ctx)\n"
                 "  if ctx.remote_address == '192.0.2.7' then error 'oh' end\nend)\n",
                 wg_hook_name(cases[i].hook));
        kit_open(&kit, text);
        kit_ask(&kit, cases[i].hook);
        assert_int_equal(kit.decision.failure, WG_SCRIPT);
        assert_str(kit.decision.failure_text, "main.lua:2: oh");
        assert_int_equal(kit.decision.line, 2);
        assert_int_equal(kit.decision.verdict, cases[i].verdict);
        assert_int_equal(kit.decision.code, cases[i].code);
        kit_done(&kit);
    }
}

static void mistakes_in_a_verdict_are_named(void **state)
{
    static const struct {
        const char *call, *text;
    } cases[] = {
        {"wavegate.deny { reson = 'x' }",
         "deny: unknown field 'reson', did you mean 'reason'?"},
        {"wavegate.deny { reason = 1 }", "reason must be a string, not a number"},
        {"wavegate.deny('no')", "wavegate.deny takes a table"},
        {"wavegate.deny { code = 'SW_NOPE' }", "unknown code 'SW_NOPE'"},
        {"wavegate.defer { seconds = -1 }", "seconds must be a number from 0 to 86400"},
        {"wavegate.defer { seconds = 0/0 }", "seconds must be a number"},
        {"wavegate.limit {}", "needs one of events"},
        {"wavegate.limit { event = 1 }", "did you mean 'events'?"},
        {"wavegate.label {}", "needs a name"},
        {"wavegate.label { ['Bad Name'] = 1 }", "'Bad Name' is no label name"},
        {"wavegate.label { a = 'line\\nbreak' }", "printable ASCII"},
        {"wavegate.label { a = {} }", "must be a string, a number or a boolean"},
        {"wavegate.allow { reason = 'x' }", "takes nothing"},
        {"wavegate.dney {}", "attempt to call a nil value"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct policy_kit kit;
        char text[512];

        kit_init(&kit);
        snprintf(text, sizeof text,
                 "local wavegate = require 'wavegate'\n"
                 "wavegate.on('event', function() return %s end)\n",
                 cases[i].call);
        assert_int_not_equal(kit_load(&kit, text), WG_OK);
        assert_has(kit.err.text, "main.lua:2: ");
        assert_has(kit.err.text, cases[i].text);
        kit_done(&kit);
    }
}

static void every_hook_sees_its_argument_and_context(void **state)
{
    static const struct {
        enum wg_hook hook;
        const char *check;
    } cases[] = {
        {WG_HOOK_PEER,
         "it.name == 'peer.example.test' and it.known_for == 3600 and it.failures_24h == 7"},
        {WG_HOOK_PEER, "it.last_seen == nil and it.events_24h == 0 and it.key_id == 'abcdefgh' "
                       "and next(it.labels) == nil"},
        {WG_HOOK_EVENT,
         "it.id == '0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11' and it.type == 'swp.room.message'"},
        {WG_HOOK_EVENT, "it.sender == '@alice:peer.example.test' and it.origin_ts == "
                        "1778939467 and it.size > 10"},
        {WG_HOOK_EVENT, "it.content.body == 'hi' and it.content.nothing == nil and "
                        "type(it.content) == 'table'"},
        {WG_HOOK_EVENT, "ctx.server == 'chat.example.test' and ctx.direction == 'inbound' and "
                        "ctx.now == 1000000000"},
        {WG_HOOK_EVENT, "ctx.remote_address == '192.0.2.7' and ctx.generation == 1 and "
                        "ctx.authenticated == true"},
        {WG_HOOK_EVENT, "ctx.peer == ctx.peer and ctx.room.id == 'room-1' and "
                        "ctx.room.foreign_participants == 3"},
        {WG_HOOK_INVITE, "it.room_id == 'room-1' and it.membership == nil"},
        {WG_HOOK_ROOM, "it.id == 'room-1' and it.federated == nil"},
        {WG_HOOK_BACKFILL, "it.endpoint == nil and it.limit == 0 and it.before == nil"},
        {WG_HOOK_KEY, "it.old_key_id == nil and it.published == false"},
        {WG_HOOK_DELIVERY, "it.destination == nil and it.number == 0 and it.next_in == 0"},
    };

    (void)state;
    for (size_t i = 0; i < WG_COUNT(cases); i++) {
        struct policy_kit kit;
        char body[512];

        snprintf(body, sizeof body,
                 "  if ctx.remote_address == '192.0.2.7' then assert(%s) return "
                 "wavegate.allow() end",
                 cases[i].check);
        ask_with(&kit, cases[i].hook, body);
        if (kit.decision.failure)
            fail_msg("%s: %.*s", cases[i].check, WG_STR_F(kit.decision.failure_text));
        kit_done(&kit);
    }
}

static void content_is_walked_like_a_table(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(&kit, "local wavegate = require 'wavegate'\n"
                   "wavegate.on('event', function(event, ctx)\n"
                   "  local c = event.content\n"
                   "  if not c.list then return end\n"
                   "  assert(#c.list == 3 and c.list[2] == 'b' and c.list[4] == nil and "
                   "c.list[0] == nil)\n"
                   "  assert(table.concat(c.list, ',') == 'a,b,c')\n"
                   "  local x, y, z = table.unpack(c.list)\n"
                   "  assert(x == 'a' and z == 'c')\n"
                   "  local n, keys = 0, {}\n"
                   "  for k, v in pairs(c) do n = n + 1 keys[k] = true end\n"
                   "  assert(n == 4 and keys.deep and keys.list and not keys.null)\n"
                   "  for i, v in ipairs(c.list) do assert(({ 'a', 'b', 'c' })[i] == v) end\n"
                   "  assert(c.deep.deeper.number == 1.5 and math.type(c.deep.deeper.whole) == "
                   "'integer')\n"
                   "  assert(c.deep == c.deep and c.deep ~= c.list and next(c.empty) == nil)\n"
                   "  assert(not pcall(function() c.list[1] = 'x' end))\n"
                   "  assert(not pcall(table.insert, c.list, 'x'))\n"
                   "  return wavegate.allow()\n"
                   "end)\n");
    kit_event(&kit, "swp.room.message",
              "{\"list\":[\"a\",\"b\",\"c\"],\"null\":null,\"empty\":{},\"deep\":{\"deeper\":{"
              "\"number\":1.5,\"whole\":3}},\"flag\":false}");
    kit_ask(&kit, WG_HOOK_EVENT);
    if (kit.decision.failure)
        fail_msg("%.*s", WG_STR_F(kit.decision.failure_text));
    assert_str(kit.decision.policy, "main");
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_arrives_as_it_was_given),
        cmocka_unit_test(limits_and_labels_are_kept_and_the_chain_goes_on),
        cmocka_unit_test(when_nobody_answers_the_hook_has_a_default),
        cmocka_unit_test(a_failed_handler_leaves_it_to_on_error),
        cmocka_unit_test(mistakes_in_a_verdict_are_named),
        cmocka_unit_test(every_hook_sees_its_argument_and_context),
        cmocka_unit_test(content_is_walked_like_a_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
