# SPDX-License-Identifier: Apache-2.0
"""What operators set down about a peer: labels, a note, the one key it may sign with."""
import json

import pytest

import harness
from operator_kit import Operator
from scaiwave.keys import SecretKey

ONE = "/_wavegate/v1/peers/peer.example.test"
LABELLED = """local wavegate = require "wavegate"
wavegate.use("standard")
wavegate.on("event", function(_, ctx)
  if ctx.peer.labels.tier == "partner" then return end
  return wavegate.deny { reason = "tier is " .. tostring(ctx.peer.labels.tier) }
end)
"""


def test_policies_read_the_labels_from_the_next_request_on_and_after_a_restart(world):
    world.instance()
    peer = world.peer()
    gateway = world.gateway(policy=LABELLED)
    operator = Operator(gateway)

    def send(through):
        return through.ask(peer.send_request("a.example.test", peer.event()))
    assert send(gateway).message == "tier is nil"
    row = operator.post(ONE + "/label", {"labels": {"tier": "partner", "asked": "2026-05"},
                                         "note": "call Ada"}).json
    assert row["labels"] == {"tier": "partner", "asked": "2026-05"} and row["note"] == "call Ada"
    assert send(gateway).status == 200
    gateway.stop()
    again = world.gateway()
    operator = Operator(again)
    assert send(again).status == 200
    done = again.run("peers", "label", "peer.example.test", "asked=", "tier=guest", "--note", "")
    assert done.returncode == 0 and "tier=guest" in done.stdout and "Ada" not in done.stdout
    assert send(again).message == "tier is guest"
    assert operator.get(ONE).json["labels"] == {"tier": "guest"}
    assert operator.delete(ONE).status == 200
    assert operator.get(ONE).json["labels"] == {"tier": "guest"}  # what a person said is not forgotten
    operator.post(ONE + "/label", {"labels": {"tier": None}})
    assert operator.get(ONE).status == 404
    row = operator.audit(action="federation.peer.label")[0]
    assert row["peer"] == "peer.example.test" and row["extra"]["labels_after"] is None


@pytest.mark.parametrize("body", [
    {}, {"labels": []}, {"labels": {"Upper": "x"}}, {"labels": {"a": 1}}, {"labels": {"a": "x" * 257}},
    {"labels": {"a": "\u00e9"}}, {"labels": {f"l{number}": "" for number in range(17)}},
    {"note": "x" * 1001}, {"note": 1}, {"lables": {}}])
def test_wrong_labels_change_nothing(shared_operator, body):
    answer = shared_operator.post(ONE + "/label", body)
    assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST")
    assert shared_operator.get(ONE).status == 404


def test_a_pinned_peer_is_refused_when_its_key_changes_until_it_is_unpinned(town, operator):
    town.send()
    old = town.peer.key
    row = operator.ask("PUT", ONE + "/pin", b"").json
    assert row["pin"]["kid"] == old.kid and row["pin"]["is_published"] is True
    assert town.send().status == 200
    town.peer.rotate()
    town.a.trust("peer.example.test", town.peer.key.public)
    answer = town.send()
    assert (answer.status, answer.code) == (403, "SW_FED_POLICY_REJECTED")
    assert f"pinned here to '{old.kid}'" in answer.message and town.peer.key.kid in answer.message
    record = town.log.wait("federation.policy_rejected", stage="recognise")
    assert record["policy"] == "pin"
    row = operator.get(ONE).json
    assert row["last_error_detail"]["stage"] == "recognise" and "pinned" in row["last_error"]
    assert row["pin"]["is_published"] is False
    refused = harness.poll(lambda: operator.audit(action="federation.policy_rejected"),
                           what="the row of the audit")[0]
    assert refused["policy"] == "pin" and refused["peer"] == "peer.example.test"
    shown = town.gateway.run("peers", "peer.example.test")
    assert "publishes another" in shown.stdout
    town.gateway.stop()
    gateway = town.world.gateway()
    again = Operator(gateway)
    request = town.peer.send_request("a.example.test", town.peer.event())
    assert gateway.ask(request).code == "SW_FED_POLICY_REJECTED"
    assert gateway.run("peers", "unpin", "peer.example.test").returncode == 0
    request = town.peer.send_request("a.example.test", town.peer.event())
    assert gateway.ask(request).status == 200
    assert [row["action"] for row in again.audit(action="federation.peer.*")] == \
        ["federation.peer.unpin", "federation.peer.pin"]
    assert again.delete(ONE + "/pin").status == 404


def test_a_policy_that_takes_every_key_does_not_take_it_from_a_pinned_peer(world):
    instance = world.instance()
    peer = world.peer()
    gateway = world.gateway(policy='local w = require "wavegate"\nw.use("standard")\n'
                                   'w.on("key", function() return w.allow() end)\n')
    operator = Operator(gateway)
    gateway.ask(peer.send_request("a.example.test", peer.event()))
    operator.ask("PUT", ONE + "/pin", {"key": peer.key.kid})
    peer.rotate()
    instance.trust("peer.example.test", peer.key.public)
    assert gateway.ask(peer.send_request("a.example.test", peer.event())).status == 403
    # The key it has now may be pinned in its place.
    assert operator.ask("PUT", ONE + "/pin", {"key": peer.key.kid}).json["pin"]["kid"] == peer.key.kid
    assert gateway.ask(peer.send_request("a.example.test", peer.event())).status == 200


def test_a_key_may_be_pinned_before_the_peer_was_ever_met(town, operator):
    other = SecretKey()
    assert operator.ask("PUT", ONE + "/pin", b"").status == 404
    assert operator.ask("PUT", ONE + "/pin", {"key": "q7f3K2aZ"}).status == 404
    for key in ("ed25519:AAAA", "ed25519:" + "A" * 43 + "=", 7):
        assert operator.ask("PUT", ONE + "/pin", {"key": key}).status == 400
    assert operator.ask("PUT", ONE + "/pin", {"key": other.public.text}).status == 200
    assert town.send().code == "SW_FED_POLICY_REJECTED"
    done = town.gateway.run("peers", "pin", "peer.example.test", "--json", "--key",
                            town.peer.key.public.text)
    assert json.loads(done.stdout)["pin"]["kid"] == town.peer.key.kid
    assert town.send().status == 200


def test_history_that_a_pinned_peer_signs_with_a_new_key_is_left_out(world):
    instance = world.instance()
    peer, reader = world.peer(), world.peer("reader.example.test")
    gateway = world.gateway()
    operator = Operator(gateway)
    target = "/_scaiwave/federation/v1/rooms/room-open/backfill?limit=10"

    def send(event):
        return gateway.ask(peer.send_request("a.example.test", event)).status

    def page():
        answer = gateway.ask(reader.request("a.example.test", "GET", target))
        assert answer.status == 200, answer
        return [event["id"] for event in answer.json["events"]]
    first = peer.event()
    assert send(first) == 200
    operator.ask("PUT", ONE + "/pin", b"")
    peer.rotate()
    forged = peer.event()
    assert send(forged) == 403  # but the key it was signed with is known from now on
    instance.events.append(forged)
    assert page() == [first["id"]]
    operator.delete(ONE + "/pin")
    assert page() == [first["id"], forged["id"]]
