# SPDX-License-Identifier: Apache-2.0
"""One line for each outcome, with all that is known of it, whichever way the request went."""
import os
import re

import harness

A, PEER = "a.example.test", "peer.example.test"
FIELDS = {"request_id", "server", "peer", "room", "event_id", "type", "ms"}
ROOT = os.path.join(os.path.dirname(harness.HERE), "..")


def one(log, event, **fields):
    line = log.wait(event, **fields)
    assert len(log.find(event, **fields)) == 1, "one line an outcome"
    return line


def test_an_event_that_comes_in_has_one_line(town):
    event = town.peer.event()
    answer = town.send(event)
    line = one(town.log, "federation.send.success", event_id=event["id"])
    assert FIELDS <= set(line) and line["status"] == 200 and line["level"] == "info"
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["peer"], line["room"], line["server"]) == (PEER, "room-open", A)


def test_a_refusal_says_stage_code_and_reason(town):
    answer = town.send(town.peer.event(), created=1)
    line = one(town.log, "federation.signature_verify_failed")
    assert (line["stage"], line["code"]) == ("claim", "SW_FED_SIGNATURE_MISMATCH")
    assert line["reason"] == answer.message and line["ms"] >= 0 and line["level"] == "warn"


def test_a_refusal_of_the_instance_says_so(town):
    assert town.send(town.peer.event("room-private")).status == 403
    line = one(town.log, "federation.send.failed")
    assert line["status"] == 403 and line["reason"] == "the instance answered 403"
    assert line["stage"] == "deliver"


def test_what_waited_bears_the_request_that_brought_it(town):
    town.a.set_mode("wrong", status=500)
    event = town.peer.event()
    answer = town.send(event)
    assert answer.status == 202
    line = town.log.wait("federation.send.failed", direction="inbound")
    assert FIELDS | {"attempt", "retry_in_ms", "code", "reason", "stage"} <= set(line)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["event_id"] == event["id"]


def test_each_attempt_towards_a_peer_has_one_line(relay_town):
    out = relay_town.out
    event = out.event()
    answer = out.send(event)
    assert answer.status == 202
    relay_town.peer.wait_for_taken(1)
    line = one(relay_town.log, "federation.send.success", direction="outbound")
    assert FIELDS | {"attempt", "age_ms", "status", "stage"} <= set(line)
    assert (line["peer"], line["event_id"], line["attempt"]) == (PEER, event["id"], 1)
    assert line["request_id"] == answer.headers["x-request-id"]
    accepted = relay_town.log.find("federation.send.success", request_id=line["request_id"])
    assert len(accepted) == 2, "the promise, and its delivery"


def test_the_documented_events_appear(relay_town):
    refused = relay_town.world.peer("refused.example.test", trusted=False)
    relay_town.other.stop()
    relay_town.send()
    relay_town.send(relay_town.peer.event("room-private"))
    relay_town.send(created=1)
    for peer in (relay_town.other, refused):
        relay_town.gateway.ask(peer.send_request(A, peer.event()))
    for event in ("send.success", "send.failed", "signature_verify_failed", "peer_discovery_failed",
                  "policy_rejected"):
        relay_town.log.wait("federation." + event)


def test_every_event_of_the_log_is_documented():
    names = set()
    for folder, _, files in os.walk(os.path.join(ROOT, "core")):
        for name in files:
            if name.endswith(".c"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text = file.read()
                for call in re.findall(r"\bwg_log\((?:[^;\"]|\"(?:[^\"\\]|\\.)*\")*;", text):
                    # Behind level and comma: the event, or a choice of two.
                    names |= set(re.findall(r'"([a-z]+\.[a-z_.]+)"', call))
    with open(os.path.join(ROOT, "docs", "log.md"), encoding="utf-8") as file:
        documented = set(re.findall(r"`([a-z]+\.[a-z_.]+)`", file.read()))
    assert len(names) > 30
    assert names - documented == set(), "each event of the log has its row in docs/log.md"
