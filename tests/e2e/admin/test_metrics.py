# SPDX-License-Identifier: Apache-2.0
"""/metrics: the text format of Prometheus, with figures that move."""
import re

import harness

LINE = re.compile(r'^[a-z_:]+(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? [-+0-9.e]+$')
POLICY = """local wavegate = require "wavegate"
local metrics = require "wavegate.metrics"
local list = wavegate.lists.open("deny.txt")
wavegate.use("standard")
wavegate.on("event", function(event, ctx)
  metrics.count("seen", 1)
  if list:has(ctx.peer.name) then return wavegate.deny { reason = "listed" } end
end)
"""


def read(operator):
    answer = operator.get("/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    figures, families = {}, set()
    for line in answer.body.decode().splitlines():
        if line.startswith("# "):
            families.add(line.split()[2])
            continue
        assert LINE.match(line), line
        name, _, value = line.rpartition(" ")
        assert name.split("{")[0] in families, "declared before it is used"
        figures[name] = float(value)
    return figures


def test_every_line_is_in_the_text_format(town, operator):
    figures = read(operator)
    assert figures['wavegate_policy_generation{server="a.example.test"}'] == 1
    assert figures['wavegate_queue_deliveries{state="waiting"}'] == 0


def test_a_policy_that_cannot_be_loaded_shows(town, operator):
    failed = 'wavegate_policy_load_failed{server="a.example.test"}'
    assert read(operator)[failed] == 0
    town.world.write("policies/main.lua", "this is not Lua")
    town.gateway.log.wait("policy.reload_failed")
    assert read(operator)[failed] == 1


def test_what_waits_shows(town, operator):
    town.a.stop()
    assert town.send().status == 202
    harness.poll(lambda: read(operator)['wavegate_queue_deliveries{state="waiting"}'] == 1,
                 what="the figure of what waits")


def test_what_policies_count_and_look_up_shows(town, operator):
    town.world.write("deny.txt", "spam.example.test  # sends spam\n")
    town.world.write("policies/main.lua", POLICY)
    town.gateway.log.wait("policy.reloaded", server="a.example.test")
    assert town.send().status == 200
    figures = read(operator)
    assert figures['wavegate_policy_counter_total{policy="main",name="seen"}'] == 1
    assert figures['wavegate_list_entries{server="a.example.test",list="deny.txt"}'] == 1
    assert figures['wavegate_list_lookups_total{server="a.example.test",list="deny.txt"}'] >= 1


def test_needs_a_token(town, operator):
    assert operator.get("/metrics", token=None).status == 401
