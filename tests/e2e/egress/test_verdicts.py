# SPDX-License-Identifier: Apache-2.0
"""One event for several peers: what policy says of one is carried out for that one, and told."""
import json

import pytest

from harness import poll
from relaying import EVENT, PEER as DESTINATION, REASON

PEER, OTHER, B = "peer.example.test", "other.example.test", "b.example.test"
POLICY = """local wavegate = require "wavegate"

local function judge(word, name)
  if word == "hold" then return wavegate.quarantine { reason = "a look at " .. name } end
  if word == "defer" then return wavegate.defer { seconds = 90 } end
  if word == "deny" then return wavegate.deny { reason = "not for " .. name } end
end

-- The body is a list of what to say of whom: "peer.example.test=hold ..."
local function of(event, name)
  for who, word in event.content.body:gmatch("(%S+)=(%S+)") do
    if who == name then return judge(word, name) end
  end
end

wavegate.on("event", function(event, ctx)
  return of(event, ctx.direction == "outbound" and ctx.peer.name or ctx.server)
end)
wavegate.use("standard")
"""


def relay(town, words, *destinations):
    event = town.out.event(body=" ".join(f"{who}={word}" for who, word in words.items()))
    return event["id"], town.out.relay(event, list(destinations))


def audit(town, event_id):
    done = town.gateway.run("audit", "--event", event_id, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("order", [(PEER, OTHER), (OTHER, PEER)])
def test_what_is_held_for_one_goes_to_the_other(relay_town, order):
    event, answer = relay(relay_town, {PEER: "hold"}, *order)
    assert (answer.status, answer.json) == (
        202, {"status": "queued", "id": event, "queued": 1, "held": 1, "refused": []})
    relay_town.other.wait_for_taken(1)
    held = relay_town.queue.held()
    assert [(row[EVENT], row[DESTINATION], row[REASON]) for row in held] == \
        [(event, PEER, "a look at " + PEER)]
    assert relay_town.peer.attempts == []
    assert relay_town.queue.change("quarantine", "release", peer=PEER) == 1
    relay_town.peer.wait_for_taken(1)
    relay_town.queue.wait_until_empty()
    assert len(relay_town.other.attempts) == 1


def test_the_audit_says_of_each_what_was_decided_about_it(relay_town):
    event, _ = relay(relay_town, {PEER: "hold", B: "deny"}, PEER, B, OTHER)
    relay_town.other.wait_for_taken(1)
    rows = {row["peer"]: row for row in poll(
        lambda: [row for row in audit(relay_town, event) if row["verdict"] != "delivered"],
        what="the audit of " + event)}
    assert {peer: row["verdict"] for peer, row in rows.items()} == \
        {PEER: "held", B: "refused", OTHER: "queued"}
    assert rows[PEER]["reason"] == "a look at " + PEER
    assert rows[B]["reason"] == "not for " + B
    assert "main.lua" in rows[PEER]["policy"] and "main.lua" in rows[B]["policy"]
    assert rows[OTHER]["policy"] != rows[PEER]["policy"]


def test_what_is_held_for_all_goes_nowhere(relay_town):
    event, answer = relay(relay_town, {PEER: "hold", OTHER: "hold"}, PEER, OTHER)
    assert (answer.status, answer.json["queued"], answer.json["held"]) == (202, 0, 2)
    assert relay_town.queue.change("quarantine", "reject", peer=PEER, reason="no") == 1
    assert relay_town.queue.wait_for_dead(event)[DESTINATION] == PEER
    assert relay_town.queue.change("quarantine", "release", peer=OTHER) == 1
    relay_town.other.wait_for_taken(1)
    assert relay_town.peer.attempts == []


def test_an_instance_here_has_its_own_quarantine(relay_town):
    relay_town.b.trust("a.example.test", relay_town.world.keys["a.example.test"].public)
    event, answer = relay(relay_town, {B: "hold"}, B, PEER)
    assert (answer.json["queued"], answer.json["held"]) == (1, 1)
    relay_town.peer.wait_for_taken(1)
    assert [row[DESTINATION] for row in relay_town.queue.held()] == [B]
    assert relay_town.queue.change("quarantine", "release", peer=B) == 1
    poll(lambda: [sent["id"] for sent in relay_town.b.events] == [event], what="the event at b")


def test_each_that_is_refused_is_named_with_what_to_do(relay_town):
    event, answer = relay(relay_town, {PEER: "defer", B: "deny"}, PEER, B, OTHER)
    assert (answer.status, answer.json["queued"]) == (202, 1)
    refused = {row.pop("destination"): row for row in answer.json["refused"]}
    assert set(refused) == {PEER, B}
    assert (refused[PEER]["code"], refused[PEER]["retry_after"]) == ("SW_RATE_LIMIT_EXCEEDED", 90)
    assert (refused[B]["code"], refused[B]["message"]) == ("SW_FED_POLICY_REJECTED", "not for " + B)
    assert "retry_after" not in refused[B]
    relay_town.other.wait_for_taken(1)
    # Sent again for the one that was put off, it goes to that one only.
    again = relay_town.out.relay(relay_town.out.event(id=event, body="now"), [PEER, OTHER])
    assert (again.status, again.json["queued"]) == (202, 1)
    relay_town.peer.wait_for_taken(1)
    relay_town.queue.wait_until_empty()
    assert len(relay_town.other.attempts) == 1


@pytest.mark.parametrize("order", [(PEER, OTHER), (OTHER, PEER)])
def test_when_all_are_refused_the_answer_is_the_refusal_that_may_end(relay_town, order):
    _, answer = relay(relay_town, {PEER: "deny", OTHER: "defer"}, *order)
    assert (answer.status, answer.code) == (429, "SW_RATE_LIMIT_EXCEEDED")
    assert answer.headers.get("Retry-After") == "90"
    assert relay_town.queue.list() == relay_town.queue.held() == []
