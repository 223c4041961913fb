# SPDX-License-Identifier: Apache-2.0
"""The audit: one row for each event that was refused or taken, and for each act of an operator."""
import uuid

import pytest

import harness
from operator_kit import Operator

AUDIT = "/_wavegate/v1/audit"


def rows_of(operator, event):
    return harness.poll(lambda: operator.audit(event_id=event["id"]), what="the row")


def test_an_accepted_event_has_one_row_with_its_story(town, operator):
    event = town.peer.event()
    request_id = town.send(event).headers["X-Request-Id"]
    row, = rows_of(operator, event)
    assert {name: row[name] for name in ("action", "server", "peer", "direction", "room_id",
                                         "event_id", "verdict", "request_id", "actor")} == {
        "action": "federation.send.success", "server": "a.example.test",
        "peer": "peer.example.test", "direction": "inbound", "room_id": "room-open",
        "event_id": event["id"], "verdict": "accepted", "request_id": request_id,
        "actor": "peer.example.test"}
    assert row["generation"] == 1 and row["latency_us"] >= 0 and row["policy"]
    assert row["extra"]["type"] == event["type"] and row["extra"]["remote"] == "127.0.0.1"
    assert "Hello" not in str(row), "what was said is nobody's business here"


def test_a_second_copy_and_an_odd_spelling_of_the_id_are_found_too(town, operator):
    event = town.peer.event()
    town.send(event)
    town.send(event)
    spelled = {"id": "evt-" + event["id"].upper()}

    def both():
        rows = operator.audit(event_id=spelled["id"])
        return rows if len(rows) == 2 else None

    rows = harness.poll(both, what="two rows of the audit")
    assert sorted(row["verdict"] for row in rows) == ["accepted", "duplicate"]


@pytest.mark.parametrize("how, action, code", [
    ("stranger", "federation.policy_rejected", "SW_FED_PEER_UNKNOWN"),
    ("forged", "federation.signature_verify_failed", "SW_FED_SIGNATURE_MISMATCH"),
    ("refused by the instance", "federation.send.failed", None)])
def test_a_refused_event_has_a_row_that_says_why(town, operator, how, action, code):
    event = town.peer.event()
    if how == "stranger":
        stranger = town.world.peer("stranger.example.test")
        event = stranger.event()
        town.gateway.ask(stranger.send_request("a.example.test", event))
    elif how == "forged":
        town.peer.key, kept = type(town.peer.key)(), town.peer.key
        town.send(event)
        town.peer.key = kept
    else:
        event = town.peer.event(room_id="room-private")
        town.send(event)
    row = harness.poll(lambda: [row for row in operator.audit(action=action)
                                if row["verdict"] == "refused"])[0]
    assert row.get("code") == code
    assert row["peer"] in ("peer.example.test", "stranger.example.test")
    assert code is None or row["reason"]


def test_the_policy_that_refused_is_named_with_file_and_line(town, operator):
    town.world.write("policies/main.lua", 'local w = require "wavegate"\nw.use("standard")\n'
                     'w.on("event", function(event)\n  return w.deny { reason = "not this" }\nend)\n')
    assert operator.post("/_wavegate/v1/generations/reload?server_name=a.example.test").status == 200
    event = town.peer.event()
    town.send(event)
    row, = rows_of(operator, event)
    assert row["policy"] == "policies/main.lua:4" and row["reason"] == "not this"
    assert row["verdict"] == "refused" and row["code"] == "SW_FED_POLICY_REJECTED"
    assert row["generation"] == 2


def test_an_event_that_waits_for_its_instance_has_both_its_rows(town, operator):
    town.a.set_mode("down")
    event = town.peer.event()
    assert town.send(event).status == 202
    row, = rows_of(operator, event)
    assert row["verdict"] == "queued" and row["reason"]
    town.a.set_mode("normal")
    rows = harness.poll(lambda: [row for row in operator.audit(event_id=event["id"])
                                 if row["verdict"] == "delivered"])
    assert rows[0]["direction"] == "inbound" and rows[0]["peer"] == "peer.example.test"


def test_filters_narrow_and_pages_join(town, operator):
    events = [town.peer.event(room_id=room) for room in ["room-open", "room-private"] * 5]
    for event in events:
        town.send(event)
    harness.poll(lambda: len(operator.audit(peer="peer.example.test")) == 10)
    assert len(operator.audit(room_id="room-private")) == 5
    assert len(operator.audit(verdict="accepted", action="federation.*")) == 5
    assert operator.audit(server="b.example.test") == []
    assert operator.audit(direction="outbound") == []
    newest = operator.audit(peer="peer.example.test")[0]
    assert len(operator.audit(peer="peer.example.test", since_ms=newest["at_ms"] + 1)) == 0
    assert len(operator.audit(peer="peer.example.test", until_ms=newest["at_ms"] + 1)) == 10
    for order in ("newest", "oldest"):
        numbers, cursor = [], ""
        while True:
            page = operator.get(f"{AUDIT}?limit=3&order={order}&peer=peer.example.test{cursor}").json
            numbers += [row["number"] for row in page["rows"]]
            if page["end"]:
                break
            cursor = "&cursor=" + page["next_cursor"]
        assert numbers == sorted(numbers, reverse=order == "newest") and len(numbers) == 10


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "since_ms=yesterday", "order=up",
                                   "cursor=%00", "cursor=nonsense", "action=a&action=b"])
def test_a_search_that_makes_no_sense_is_refused(shared_operator, query):
    answer = shared_operator.get(f"{AUDIT}?{query}")
    assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST"), answer


def test_the_chain_is_whole_also_after_a_restart(town, operator):
    for _ in range(3):
        town.send()
    harness.poll(lambda: len(operator.audit(verdict="accepted")) == 3)
    town.gateway.stop()
    again = Operator(town.world.gateway())
    check = again.get(AUDIT + "/verify").json
    assert check["end"] is True and check["broken"] is False and check["rows"] >= 3
    assert check["checkpoints"] >= 1, "the end of the process before signed what it wrote"


def test_what_an_instance_sends_out_has_a_row_for_each_peer(town, operator):
    token = operator.new_token(instance="a.example.test")["token"]
    event = {"id": str(uuid.uuid4()), "type": "swp.room.message", "room_id": "room-open",
             "sender_id": "@bob:a.example.test", "origin": "a.example.test",
             "origin_ts": 1778939467, "content": {"body": "out"}}
    import http.client
    import json
    host, _, port = town.gateway.egress.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("POST", "http://peer.example.test/_scaiwave/federation/v1/send",
                       json.dumps(event), {"Proxy-Authorization": "Bearer " + token,
                                           "Host": "peer.example.test"})
    answer = connection.getresponse()
    assert answer.status == 202, answer.read()
    connection.close()
    rows = harness.poll(lambda: [row for row in operator.audit(event_id=event["id"])
                                 if row["verdict"] == "delivered"])
    assert rows[0]["direction"] == "outbound" and rows[0]["peer"] == "peer.example.test"
    queued, = [row for row in operator.audit(event_id=event["id"]) if row["verdict"] == "queued"]
    assert queued["actor"] == "a.example.test"
