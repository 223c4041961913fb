// SPDX-License-Identifier: Apache-2.0
#include "policy/trace.h"
#include "policy_kit.h"

static const char policy[] =
    "local wavegate = require \"wavegate\"\n"
    "wavegate.on(\"event\", function(event)\n"
    "  return wavegate.label { seen = true, size = 3 }\n"
    "end)\n"
    "wavegate.on(\"event\", function(event) end)\n"
    "wavegate.on(\"event\", function(event)\n"
    "  if event.type == \"swp.broken\" then error(\"oh\") end\n"
    "  return wavegate.deny { reason = \"no\" }\n"
    "end)\n"
    "wavegate.on(\"event\", function(event) error(\"never asked\") end)\n"
    "wavegate.on(\"backfill\", function()\n"
    "  return wavegate.limit { events = 5, not_before = 7 }\n"
    "end)\n";

static void open_kit(struct policy_kit *kit, struct wg_trace *trace)
{
    kit_init(kit);
    kit_open(kit, policy);
    *trace = (struct wg_trace){.arena = &kit->arena};
    kit->question.trace = trace;
}

static void tells_each_handler_asked_and_what_it_said(void **state)
{
    struct policy_kit kit;
    struct wg_trace trace;

    (void)state;
    open_kit(&kit, &trace);
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(trace.count, 3);
    assert_string_equal(trace.steps[0].answer, "label");
    assert_str(trace.steps[0].text, "seen = true, size = 3");
    assert_string_equal(trace.steps[1].answer, "nothing");
    assert_int_equal(trace.steps[1].line, 5);
    assert_null(trace.steps[1].said_file.at);
    assert_string_equal(trace.steps[2].answer, "deny");
    assert_str(trace.steps[2].policy, "main");
    assert_str(trace.steps[2].file, "main.lua");
    assert_int_equal(trace.steps[2].line, 6);
    assert_str(trace.steps[2].said_file, "main.lua");
    assert_int_equal(trace.steps[2].said_line, 8);
    assert_str(trace.steps[2].text, "no");
    assert_true(trace.peak_bytes > trace.call_bytes);
    assert_false(trace.has_waited);
    kit_done(&kit);
}

static void tells_limits(void **state)
{
    struct policy_kit kit;
    struct wg_trace trace;

    (void)state;
    open_kit(&kit, &trace);
    kit_ask(&kit, WG_HOOK_BACKFILL);
    assert_int_equal(trace.count, 1);
    assert_string_equal(trace.steps[0].answer, "limit");
    assert_str(trace.steps[0].text, "events = 5, not_before = 7");
    kit_done(&kit);
}

static void tells_the_handler_that_failed(void **state)
{
    struct policy_kit kit;
    struct wg_trace trace;

    (void)state;
    open_kit(&kit, &trace);
    kit_event(&kit, "swp.broken", "{}");
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.failure, WG_SCRIPT);
    assert_int_equal(trace.count, 3);
    assert_string_equal(trace.steps[2].answer, "failed");
    assert_int_equal(trace.steps[2].said_line, 7);
    assert_str(trace.steps[2].text, "main.lua:7: oh");
    assert_true(trace.steps[2].instructions >= 0);
    assert_true(trace.steps[2].running_us <= kit.decision.running_us);
    kit_done(&kit);
}

static void tells_entries_of_lists_that_a_handler_found_up_to_a_bound(void **state)
{
    struct policy_kit kit;
    struct wg_trace trace;
    struct wg_trace_hit *hit;
    int count = 0;

    (void)state;
    kit_init(&kit);
    kit_write(&kit, "deny.txt", "# nobody wants\nbad.example # spam\n*.worse.example\n");
    kit_open(&kit, "local wavegate = require \"wavegate\"\n"
                   "local deny = require(\"wavegate.lists\").open \"deny.txt\"\n"
                   "wavegate.on(\"event\", function()\n"
                   "  deny:has \"good.example\"\n"
                   "  deny:find \"bad.example\"\n"
                   "  for i = 1, 9 do deny:has(\"a.worse.example\") end\n"
                   "end)\n");
    trace = (struct wg_trace){.arena = &kit.arena};
    kit.question.trace = &trace;
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(trace.count, 1);
    hit = trace.steps[0].hits;
    assert_str(hit->entry, "bad.example");
    assert_str(hit->source, "deny.txt");
    assert_str(hit->reason, "spam");
    assert_int_equal(hit->line, 2);
    assert_str(hit->next->entry, "*.worse.example");
    for (; hit; hit = hit->next)
        count++;
    assert_int_equal(count, WG_TRACE_HITS_MAX);
    kit_done(&kit);
}

static void is_empty_when_nobody_was_asked(void **state)
{
    struct policy_kit kit;
    struct wg_trace trace;

    (void)state;
    open_kit(&kit, &trace);
    kit_ask(&kit, WG_HOOK_PEER);
    assert_int_equal(trace.count, 0);
    assert_str(kit.decision.policy, "default");
    kit_done(&kit);
}

static void has_room_for_a_chain_of_any_length(void **state)
{
    struct policy_kit kit;
    struct wg_trace trace;

    (void)state;
    kit_init(&kit);
    kit_open(&kit, "local wavegate = require \"wavegate\"\n"
                   "for i = 1, 100 do wavegate.on(\"event\", function() end) end\n");
    trace = (struct wg_trace){.arena = &kit.arena};
    kit.question.trace = &trace;
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(trace.count, 100);
    assert_string_equal(trace.steps[0].answer, "nothing");
    assert_string_equal(trace.steps[99].answer, "nothing");
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_each_handler_asked_and_what_it_said),
        cmocka_unit_test(tells_limits),
        cmocka_unit_test(tells_the_handler_that_failed),
        cmocka_unit_test(tells_entries_of_lists_that_a_handler_found_up_to_a_bound),
        cmocka_unit_test(is_empty_when_nobody_was_asked),
        cmocka_unit_test(has_room_for_a_chain_of_any_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
