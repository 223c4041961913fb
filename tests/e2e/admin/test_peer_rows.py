# SPDX-License-Identifier: Apache-2.0
"""A peer's row: how it is treated and why, what policy said, how its clock goes, what waits for it."""
import time

import pytest

import harness
from operator_kit import Operator

PEERS = "/v1/admin/federation/peers"
ONE = "/_wavegate/v1/peers/peer.example.test"
A = "a.example.test"


def row_of(operator, name="peer.example.test"):
    return next(row for row in operator.get(PEERS).json["peers"] if row["server_name"] == name)


def start(world, policy=harness.STANDARD_POLICY, **federation):
    """Peer, gateway and operator; federation replaces what the document says."""
    world.instance()
    peer = world.peer()
    config = world.config()
    config["instances"][A]["federation"].update(federation)
    gateway = world.gateway(config, policy=policy)
    return peer, gateway, Operator(gateway)


@pytest.mark.parametrize("federation, mode, why", [
    ({}, "allowed", "in allowed_peers"),
    ({"allowed_peers": ["*.example.test"]}, "allowed", "in allowed_peers"),
    ({"default_mode": "open", "allowed_peers": []}, "open", "default_mode is open"),
    ({"denied_peers": ["*.example.test"]}, "denied", "policy standard: peer.example.test is in denied_peers"),
    ({"allowed_peers": []}, "denied", "policy standard: peer.example.test is not admitted"),
    ({"default_mode": "closed"}, "denied", "policy standard: federation is closed"),
])
def test_the_mode_says_how_a_peer_is_treated_and_why(world, federation, mode, why):
    peer, gateway, operator = start(world)
    gateway.ask(peer.send_request(A, peer.event()))
    document = {"default_mode": "invite_only", "allowed_peers": ["peer.example.test"]} | federation
    assert operator.put("/v1/admin/federation/policy", document).status == 200
    gateway.ask(peer.send_request(A, peer.event()))
    row = row_of(operator)
    assert row["mode"] == mode and row["modes"][A]["mode"] == mode
    assert row["modes"][A]["why"].startswith(why)
    assert row["queue"] == {"deliveries": 0}


def test_a_peer_that_another_policy_lets_in_is_allowed_by_that_one(world):
    peer, gateway, operator = start(
        world, 'local w = require "wavegate"\nw.use("allow_list", { peers = { "peer.example.test" } })\n',
        allowed_peers=[])
    gateway.ask(peer.send_request(A, peer.event()))
    assert row_of(operator)["modes"][A] == {"mode": "allowed", "why": "policy allow_list"}


def test_policies_are_told_the_mode(world):
    peer, gateway, operator = start(
        world, 'local w = require "wavegate"\nw.use("standard")\nw.on("event", function(_, ctx)\n'
               '  return w.deny { reason = "mode " .. ctx.peer.mode }\nend)\n')
    assert gateway.ask(peer.send_request(A, peer.event())).message == "mode allowed"
    operator.put("/v1/admin/federation/policy", {"default_mode": "open", "allowed_peers": []})
    assert gateway.ask(peer.send_request(A, peer.event())).message == "mode open"


VERDICTS = """local wavegate = require "wavegate"
wavegate.use("standard")
wavegate.on("event", function(event)
  local body = event.content.body
  if body == "deny" then return wavegate.deny { reason = "no" } end
  if body == "defer" then return wavegate.defer { seconds = 1 } end
  if body == "quarantine" then return wavegate.quarantine { reason = "look at it" } end
end)
"""


def test_the_verdict_mix_of_a_day_and_trial_outlast_a_restart(world):
    peer, gateway, operator = start(world, VERDICTS)
    for body in ("hello", "deny", "deny", "defer", "quarantine", "hello", "hello"):
        gateway.ask(peer.send_request(A, peer.event(body=body)))
    mix = {"allowed": 3, "denied": 2, "deferred": 1, "quarantined": 1}
    row = row_of(operator)
    assert row["verdicts_24h"] == mix and row["mode"] == "trial"
    client = gateway.client()
    assert client.send(client.event(body="deny")).status == 403
    assert client.send(client.event(body="hello")).status == 202
    mix["denied"] += 1
    mix["allowed"] += 1
    assert row_of(operator)["verdicts_24h"] == mix
    gateway.stop()
    assert row_of(Operator(world.gateway()))["verdicts_24h"] == mix


def test_the_clock_of_a_peer_is_seen_by_its_signatures_and_by_its_answers(world):
    peer, gateway, operator = start(world)
    gateway.ask(peer.send_request(A, peer.event(), created=int(time.time()) + 40))
    clock = row_of(operator)["clock"]
    assert clock["from"] == "signature" and 35 <= clock["skew_s"] <= 41
    operator.post(ONE + "/refresh")
    clock = row_of(operator)["clock"]
    assert clock["from"] == "date" and -2 <= clock["skew_s"] <= 2
    gateway.stop()
    gateway = world.gateway()
    assert row_of(Operator(gateway))["clock"] == clock
    shown = gateway.run("peers", "peer.example.test").stdout
    assert "s against ours, by its date" in shown and "allowed at a.example.test" in shown


def test_what_waits_stands_in_the_row_and_a_suspended_peer_says_so(relay_town):
    operator = Operator(relay_town.gateway)
    relay_town.queue.ask("suspend", "--peer", "peer.example.test", "--reason", "they asked",
                         json_output=False)
    for _ in range(3):
        assert relay_town.out.send(relay_town.out.event()).status == 202
    relay_town.out.send(relay_town.out.event(), "other.example.test")
    relay_town.send()
    row = row_of(operator)
    assert row["mode"] == "suspended" and row["modes"][A]["mode"] == "open"
    assert row["queue"]["deliveries"] == 3 and row["queue"]["suspended"] is True
    assert row["queue"]["suspended_reason"] == "they asked" and row["queue"]["oldest_age_s"] >= 0
    assert operator.get(ONE).json["queue"]["deliveries"] == 3
    relay_town.queue.ask("resume", "--peer", "peer.example.test", json_output=False)
    relay_town.queue.wait_until_empty()
    assert row_of(operator)["queue"] == {"deliveries": 0}
    assert row_of(operator)["mode"] == "open"
