// SPDX-License-Identifier: Apache-2.0
#include "policy_kit.h"

static void a_handler_denies_with_its_reason_file_and_line(void **state)
{
    struct policy_kit kit;

    (void)state;
    kit_init(&kit);
    kit_open(&kit,
             "local wavegate = require 'wavegate'\n"
             "wavegate.on('event', function(event, ctx)\n"
             "  if event.type == 'swp.room.message' then\n"
             "    return wavegate.deny { reason = 'no messages from ' .. ctx.peer.name }\n"
             "  end\n"
             "end)\n");
    kit_ask(&kit, WG_HOOK_EVENT);
    if (kit.decision.failure)
        fail_msg("%.*s", WG_STR_F(kit.decision.failure_text));
    assert_int_equal(kit.decision.verdict, WG_VERDICT_DENY);
    assert_int_equal(kit.decision.code, WG_POLICY_REJECTED);
    assert_str(kit.decision.reason, "no messages from peer.example.test");
    assert_str(kit.decision.policy, "main");
    assert_str(kit.decision.file, "main.lua");
    assert_int_equal(kit.decision.line, 4);
    assert_int_equal(kit.decision.generation, 1);
    kit_event(&kit, "swp.room.topic", "{}");
    kit_ask(&kit, WG_HOOK_EVENT);
    assert_int_equal(kit.decision.verdict, WG_VERDICT_ALLOW);
    assert_str(kit.decision.policy, "default");
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_denies_with_its_reason_file_and_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
