// SPDX-License-Identifier: Apache-2.0
#include "policy/trace.h"
#include "policy_kit.h"

/* Questions that are asked only to know the answer. */

static const char counting[] =
    "local wavegate = require \"wavegate\"\n"
    "local kv = require \"wavegate.kv\"\n"
    "local once = require(\"wavegate.limits\").new { name = \"once\", rate = \"1/h\", burst = "
    "1 }\n"
    "wavegate.on(\"peer\", function(peer)\n"
    "  local count = kv.get(\"count\") or 0\n"
    "  kv.set(\"count\", count + 1)\n"
    "  if not once:take(peer.name) then\n"
    "    return wavegate.deny { reason = \"asked \" .. count .. \" times before\" }\n"
    "  end\n"
    "  return wavegate.allow()\n"
    "end)\n";

static void ask_dry(struct policy_kit *kit, bool is_dry)
{
    kit->question.is_dry = is_dry;
    kit_ask(kit, WG_HOOK_PEER);
}

static void neither_takes_from_a_limiter_nor_writes(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(&kit, counting);
    for (int i = 0; i < 3; i++) {
        ask_dry(&kit, true);
        assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    }
    ask_dry(&kit, false);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    ask_dry(&kit, false);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_DENY);
    assert_str(kit.decision.reason, "asked 1 times before");
    kit_done(&kit);
}

static void reads_what_was_kept_before(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(&kit, "local wavegate = require \"wavegate\"\n"
                   "local kv = require \"wavegate.kv\"\n"
                   "wavegate.on(\"peer\", function(peer)\n"
                   "  if kv.get(\"known\") then return wavegate.allow() end\n"
                   "  kv.set(\"known\", true)\n"
                   "end)\n");
    ask_dry(&kit, true);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_DENY);
    ask_dry(&kit, false);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_DENY);
    ask_dry(&kit, true);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_done(&kit);
}

static void on_decided(void *owner)
{
    (void)owner;
    fail_msg("a call that was cancelled is not told of");
}

static void a_handler_that_waits_is_named_and_can_be_cancelled(void **state)
{
    struct policy_kit kit;
    struct wg_trace trace;

    (void)state;
    kit_init(&kit);
    kit_open_loop(&kit);
    kit_open(&kit, "local wavegate = require \"wavegate\"\n"
                   "local time = require \"wavegate.time\"\n"
                   "wavegate.on(\"peer\", function(peer)\n"
                   "  time.sleep(0.001)\n"
                   "  return wavegate.allow()\n"
                   "end)\n");
    for (int i = 0; i < 2; i++) {
        struct wg_policy_generation *generation = wg_policy_pin(kit.worker, 0);
        struct wg_policy_call *call;

        trace = (struct wg_trace){.arena = &kit.arena};
        kit.question.hook = WG_HOOK_PEER;
        kit.question.is_dry = true;
        kit.question.trace = &trace;
        call = wg_policy_ask(generation, &kit.question, &kit.arena, &kit.decision, on_decided,
                             NULL);
        assert_non_null(call);
        assert_int_equal(trace.count, 1);
        assert_string_equal(trace.steps[0].answer, "waiting");
        assert_int_equal(trace.steps[0].line, 3);
        wg_policy_cancel(call);
        wg_policy_unpin(generation);
    }
    kit.question.is_dry = false;
    kit.question.trace = NULL;
    kit_ask_waiting(&kit, WG_HOOK_PEER);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_takes_from_a_limiter_nor_writes),
        cmocka_unit_test(reads_what_was_kept_before),
        cmocka_unit_test(a_handler_that_waits_is_named_and_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
