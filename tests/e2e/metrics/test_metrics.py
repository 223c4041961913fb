# SPDX-License-Identifier: Apache-2.0
"""/metrics: the text format of Prometheus, with figures that move when what they tell of happens."""
import os
import re
import signal
import subprocess
import time

import harness
import pytest
from metrics_kit import read
from operator_kit import Operator
from scaiwave import events, keys

A = "a.example.test"
LISTS_POLICY = """local wavegate = require "wavegate"
local metrics = require "wavegate.metrics"
local list = wavegate.lists.open("deny.txt")
wavegate.use("standard")
wavegate.on("event", function(event, ctx)
  metrics.count("seen", 1)
  if list:has(ctx.peer.name) then return wavegate.deny { reason = "listed" } end
end)
"""
BROKEN_POLICY = """local wavegate = require "wavegate"
wavegate.use("standard")
wavegate.on("event", function(event, ctx)
  if event.content.body == "loop" then while true do end end
  if event.content.body == "error" then error("a mistake") end
  if event.content.body == "no" then return wavegate.deny { reason = "no" } end
end)
"""


def test_promtool_has_nothing_to_say(town, operator):
    assert town.send().status == 200
    town.get("/_scaiwave/federation/v1/profile/alice")
    checked = subprocess.run(["promtool", "check", "metrics"], capture_output=True, timeout=30,
                             input=read(operator).text.encode(), check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_every_family_of_the_reference_is_there(town, operator):
    with open(os.path.join(os.path.dirname(harness.HERE), "..", "docs", "metrics.md"),
              encoding="utf-8") as file:
        rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \|", file.read(), re.M)
    assert len(rows) > 50
    assert read(operator).types == dict(rows)


def test_an_event_shows_in_its_exchange_its_stages_its_hooks_and_its_signatures(town, operator):
    assert town.send().status == 200
    page = read(operator)
    here = {"direction": "inbound", "endpoint": "send"}
    assert page.get("wavegate_exchanges_total", outcome="accepted", code="none", **here) == 1
    assert page.get("wavegate_exchange_duration_seconds_count", outcome="accepted", **here) == 1
    stages = page.values("wavegate_stage_duration_seconds_count", "stage")
    assert {"route", "claim", "authenticate", "judge", "deliver", "record"} <= stages
    whole = page.sum("wavegate_exchange_duration_seconds_sum")
    parts = page.sum("wavegate_stage_duration_seconds_sum")
    # Stages make up the whole, waiting included; it is taken within record, whose end comes after.
    record = page.sum("wavegate_stage_duration_seconds_sum", stage="record")
    assert 0 < whole <= parts + 1e-6 <= whole + record + 2e-6
    assert page.get("wavegate_stage_duration_seconds_bucket", direction="inbound", stage="judge",
                    le="+Inf") == 1
    assert page.get("wavegate_hook_duration_seconds_count", hook="event") == 1
    assert page.get("wavegate_hook_duration_seconds_count", hook="invite") is None, "not asked"
    assert page.get("wavegate_hook_running_seconds_count", hook="peer") >= 1
    assert page.get("wavegate_verdicts_total", hook="peer", verdict="allow") >= 1
    assert page.get("wavegate_signature_checks_total", signed="request", result="success") == 1
    assert page.get("wavegate_signature_checks_total", signed="event", result="success") == 1
    assert page.get("wavegate_discoveries_total", result="success") == 1
    assert page.sum("wavegate_client_request_duration_seconds_count", purpose="upstream") >= 1
    assert page.sum("wavegate_client_request_duration_seconds_count", purpose="discovery") == 1
    assert page.get("wavegate_store_commit_duration_seconds_count") >= 1
    assert page.get("wavegate_exchanges_in_progress", direction="inbound") == 0


def test_a_refusal_shows_with_its_code(town, operator):
    stranger = town.world.peer("stranger.example.test", trusted=False)
    answer = town.gateway.ask(stranger.send_request(A, stranger.event()))
    assert answer.status == 403
    event = town.peer.event()
    answer = town.send(event, key=keys.SecretKey())
    assert answer.status == 401
    page = read(operator)
    assert page.sum("wavegate_exchanges_total", outcome="refused", code="SW_FED_PEER_UNKNOWN") == 1
    assert page.sum("wavegate_exchanges_total", outcome="refused",
                    code="SW_FED_SIGNATURE_MISMATCH") == 1
    assert page.get("wavegate_signature_checks_total", signed="request", result="failure") >= 1


def test_what_breaks_in_policies_shows_by_kind(town, operator):
    town.world.write("policies/main.lua", BROKEN_POLICY)
    town.log.wait("policy.reloaded", server=A)
    for body in ("loop", "error", "no"):
        assert town.send(town.peer.event(body=body)).status == 403
    page = read(operator)
    budgets = page.get("wavegate_policy_failures_total", hook="event", kind="instructions") + \
        page.get("wavegate_policy_failures_total", hook="event", kind="time")
    assert budgets == 1
    assert page.get("wavegate_policy_failures_total", hook="event", kind="error") == 1
    assert page.get("wavegate_verdicts_total", hook="event", verdict="deny") == 3
    assert page.get("wavegate_reloads_total", what="policy", result="success") >= 2


def test_a_policy_that_cannot_be_loaded_shows(town, operator):
    assert read(operator).get("wavegate_policy_load_failed", server=A) == 0
    assert read(operator).get("wavegate_policy_generation", server=A) == 1
    town.world.write("policies/main.lua", "this is not Lua")
    town.gateway.log.wait("policy.reload_failed")
    page = read(operator)
    assert page.get("wavegate_policy_load_failed", server=A) == 1
    assert page.get("wavegate_reloads_total", what="policy", result="failure") >= 1


def test_what_policies_count_and_look_up_shows(town, operator):
    town.world.write("deny.txt", "spam.example.test  # sends spam\n")
    town.world.write("policies/main.lua", LISTS_POLICY)
    town.gateway.log.wait("policy.reloaded", server=A)
    assert town.send().status == 200
    page = read(operator)
    assert page.get("wavegate_policy_counter_total", policy="main", name="seen") == 1
    assert page.get("wavegate_list_entries", server=A, list="deny.txt") == 1
    assert page.get("wavegate_list_lookups_total", server=A, list="deny.txt") >= 1


def test_what_waits_and_why_shows(relay_town):
    operator = Operator(relay_town.gateway)
    page = read(operator)
    assert page.get("wavegate_queue_deliveries", state="waiting") == 0
    assert page.get("wavegate_queue_oldest_age_seconds", direction="outbound") == 0
    assert relay_town.out.send(events.make(A, "room-open", "Hello")).status == 202
    harness.poll(lambda: read(operator).get("wavegate_delivery_attempts_total",
                                            direction="outbound", result="sent") == 1,
                 what="the first delivery")
    relay_town.peer.stop()
    assert relay_town.out.send(events.make(A, "room-open", "Anybody?")).status == 202
    harness.poll(lambda: read(operator).get("wavegate_delivery_attempts_total",
                                            direction="outbound", result="retry") >= 3,
                 what="three attempts")
    page = read(operator)
    assert page.get("wavegate_queue_deliveries", state="waiting") == 1
    assert page.get("wavegate_queue_oldest_age_seconds", direction="outbound") > 0
    assert page.get("wavegate_peer_queue_deliveries", peer="peer.example.test") == 1
    assert page.get("wavegate_peer_events_total", peer="peer.example.test", result="failed") >= 3
    assert page.sum("wavegate_delivery_attempt_duration_seconds_count", result="retry") >= 3
    harness.poll(lambda: read(operator).get("wavegate_queue_circuits_open") == 1,
                 what="the open circuit")
    relay_town.queue.ask("suspend", peer="peer.example.test", reason="test")
    harness.poll(lambda: read(operator).get("wavegate_queue_suspensions") == 1,
                 what="the suspension")


def test_connections_show_while_they_are_open(town, operator):
    with town.gateway.connect(A) as connection:
        assert connection.ask(town.peer.send_request(A, town.peer.event())).status == 200
        page = read(operator)
        assert page.get("wavegate_connections_open", door="ingress") == 1
        assert page.get("wavegate_connections_total", door="ingress", result="accepted") == 1
    harness.poll(lambda: read(operator).get("wavegate_connections_open", door="ingress") == 0,
                 what="the end of the connection")


def test_certificates_and_keys_show_how_much_time_is_left(town, operator):
    page = read(operator)
    until = page.get("wavegate_certificate_expiry_timestamp_seconds", server=A)
    left = page.get("wavegate_certificate_remaining_seconds", server=A)
    assert abs(until - time.time() - left) < 5 and left > 0
    assert 0 <= page.get("wavegate_signing_key_age_seconds", server=A) < 600
    town.world.authority.issue(A, days=2)
    town.gateway.signal(signal.SIGHUP)
    harness.poll(lambda: read(operator).get("wavegate_certificate_remaining_seconds", server=A)
                 < 2 * 86400 + 60, what="the new certificate")
    assert read(operator).get("wavegate_reloads_total", what="certificates", result="success") >= 1


def test_the_process_shows_under_the_usual_names(town, operator):
    page = read(operator)
    pid = town.gateway.process.pid
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    assert abs(page.get("process_resident_memory_bytes") - resident) < resident / 2
    assert page.get("process_cpu_seconds_total") > 0
    assert abs(page.get("process_open_fds") - len(os.listdir(f"/proc/{pid}/fd"))) <= 3
    assert page.get("process_max_fds") >= page.get("process_open_fds")
    assert 0 <= time.time() - page.get("process_start_time_seconds") < 300
    assert page.sum("wavegate_loop_turn_duration_seconds_count", loop="control") > 0
    assert page.sum("wavegate_loop_turn_duration_seconds_count", loop="0") > 0


def test_needs_a_token(town, operator):
    assert operator.get("/metrics", token=None).status == 401


@pytest.mark.parametrize("limit", [0, 2])
def test_peers_with_series_of_their_own_are_bounded(world, limit):
    world.instance(A)
    peers = [world.peer(f"peer{number}.example.test") for number in range(5)]
    gateway = world.gateway(metrics={"peers": limit})
    for peer in peers:
        assert gateway.ask(peer.send_request(A, peer.event())).status == 200
    page = read(Operator(gateway))
    counted = {name: page.get("wavegate_peer_events_total", peer=name, result="received")
               for name in page.values("wavegate_peer_events_total", "peer")}
    assert counted.pop("_other") == 5 - limit
    assert len(counted) == limit and set(counted.values()) <= {1}
    assert page.get("wavegate_peers") == 5
    assert len(page.values("wavegate_peer_last_seen_timestamp_seconds", "peer")) == limit \
        if limit else True
