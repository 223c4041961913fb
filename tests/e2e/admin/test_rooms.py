# SPDX-License-Identifier: Apache-2.0
"""Backfill, invites and foreign profiles: what an operator sets in motion towards a peer."""
import http.client
import json
import threading

import pytest

import harness
from peer_kit import Archive

A = "?server_name=a.example.test"
BACKFILL = "/v1/admin/rooms/room-open/federation/backfill" + A
INVITE = "/v1/admin/rooms/room-open/federation/invite" + A
FOREIGN = "/v1/admin/federation/foreign/{}/refresh" + A


@pytest.fixture
def archive(town):
    return Archive(town.peer, town.world.keys)


def taken(instance, room_id="room-open"):
    return [event for event in instance.events if event["room_id"] == room_id]


def test_history_comes_page_by_page_verified_and_in_order(town, operator, archive):
    made = archive.fill("room-open", 25)
    archive.page_limit = 10
    answer = operator.post(BACKFILL, {"peer": "peer.example.test"})
    assert answer.status == 200, answer
    assert answer.json == {
        "room_id": "room-open", "events": 25,
        "peers": [{"peer": "peer.example.test", "pages": 3, "received": 25, "refused": 0}],
        "instance": {"accepted": 25, "duplicate": 0, "refused": 0}}
    assert taken(town.a) == made, "oldest first"
    assert town.a.requests[0]["gateway_signature"] == "verified"
    row, = operator.audit(action="federation.room.backfill")
    assert row["room_id"] == "room-open" and row["extra"]["events"] == 25


def test_the_documented_call_needs_no_body_when_the_members_tell_whom_to_ask(town, operator, archive):
    town.a.members["room-open"].add("@carol:peer.example.test")
    made = archive.fill("room-open", 3)
    answer = operator.post(BACKFILL)
    assert (answer.status, answer.json["events"]) == (200, 3), answer
    assert taken(town.a) == made


def test_without_a_foreign_member_it_asks_whom(operator):
    answer = operator.post(BACKFILL)
    assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST")
    assert "peer" in answer.message


def test_it_takes_no_more_than_asked_for_and_continues_before_an_event(town, operator, archive):
    made = archive.fill("room-open", 30)
    answer = operator.post(BACKFILL, {"peer": "peer.example.test", "limit": 10,
                                      "before": made[20]["id"]})
    assert answer.json["events"] == 10
    assert taken(town.a) == made[10:20]


def test_a_thousand_is_the_most(town, operator, archive):
    archive.fill("room-open", 1010)
    archive.page_limit = 300
    assert operator.post(BACKFILL, {"peer": "peer.example.test"}).json["events"] == 1000
    assert len(taken(town.a)) == 1000


def test_what_does_not_verify_or_belong_is_left_out_and_told(town, operator, archive):
    good = archive.fill("room-open", 3)
    forged = archive.fill("room-open", 1)[0]
    forged["content"]["body"] = "changed"
    astray = town.peer.event("room-private", "not from here", origin_ts=1778930100)
    archive.history["room-open"].append(astray)
    archive.history["room-open"].append(dict(good[0]))
    answer = operator.post(BACKFILL, {"peer": "peer.example.test"}).json
    assert answer["events"] == 3 and answer["peers"][0]["received"] == 6
    assert answer["peers"][0]["refused"] == 3 and answer["peers"][0]["refused_reason"]
    assert {event["id"] for event in town.a.events} == {event["id"] for event in good}


@pytest.mark.parametrize("refusal, cause", [
    ((403, "SW_FED_PEER_UNKNOWN", "who"), "peer_unknown"),
    ((403, "SW_ROOM_FORBIDDEN", "no"), "room_forbidden"),
    ((404, "SW_ROOM_NOT_FOUND", "where"), "room_not_found"),
    ((401, "SW_FED_SIGNATURE_MISMATCH", "61 s"), "signature"),
    ((500, "SW_WHATEVER", "x"), "unusable_answer")])
def test_nothing_came_and_the_peer_says_why(operator, archive, refusal, cause):
    archive.fill("room-open", 1)
    archive.refusal = refusal
    answer = operator.post(BACKFILL, {"peer": "peer.example.test"}).json
    assert (answer["events"], answer["cause"]) == (0, cause)
    assert refusal[1] in answer["peers"][0]["error"] and answer["remedy"]


def test_nothing_came_because_of_other_known_causes(town, operator, archive):
    ask = {"peer": "peer.example.test"}
    assert operator.post(BACKFILL, ask).json["cause"] == "empty"
    archive.fill("room-open", 2)
    archive.page_limit = 0
    assert operator.post(BACKFILL, ask).json["cause"] == "empty"
    archive.page_limit = 10
    town.a.set_mode("down")
    assert operator.post(BACKFILL, ask).json["cause"] == "instance_unavailable"
    town.a.set_mode("normal")
    assert operator.post(BACKFILL, ask).json["events"] == 2
    answer = operator.post(BACKFILL, ask).json
    assert (answer["cause"], answer["instance"]["duplicate"]) == ("duplicates", 2)
    for event in archive.fill("room-closed", 2):
        event["content"]["body"] = "changed"
    answer = operator.post(BACKFILL.replace("room-open", "room-closed"), ask).json
    assert answer["cause"] == "unverified"
    archive.history["room-private"] = []
    archive.fill("room-private", 2)
    answer = operator.post(BACKFILL.replace("room-open", "room-private"), ask).json
    assert (answer["cause"], answer["instance"]["refused"]) == ("instance_refused", 2)
    assert "SW_ROOM_FORBIDDEN" in answer["instance"]["refused_reason"]
    town.peer.stop()
    answer = operator.post(BACKFILL, {"peer": "gone.example.test"}).json
    assert answer["cause"] == "unreachable"


@pytest.mark.parametrize("body", [{"peer": "127.0.0.1"}, {"peer": 7}, {"peer": "a.example.test"},
                                  {"limit": 0}, {"limit": 1001}, {"limit": 1.5}, {"before": "x"},
                                  {"peers": []}, {"before": 1}])
def test_a_backfill_that_makes_no_sense_is_refused(operator, body):
    answer = operator.post(BACKFILL, {"peer": "peer.example.test", **body})
    assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST"), answer


def test_an_invite_is_signed_and_sent(town, operator):
    answer = operator.post(INVITE, {"participant_id": "@carol:peer.example.test",
                                    "sender_id": "@bob:a.example.test",
                                    "content": {"reason": "come in"}})
    assert answer.status == 200, answer
    assert answer.json["status"] == "accepted" and answer.json["peer"] == "peer.example.test"
    request = [seen for seen in town.peer.received if seen.method == "POST"][0]
    event = json.loads(request.body)
    assert event["content"] == {"membership": "invite", "reason": "come in",
                                "participant_id": "@carol:peer.example.test"}
    assert event == answer.json["event"]
    from scaiwave import events, signatures
    key = town.world.keys["a.example.test"].public
    assert events.verify(event, key)
    signatures.verify(request, signatures.FEDERATION_TAG, lambda keyid: key)
    row, = operator.audit(action="federation.room.invite")
    assert row["event_id"] == event["id"] and row["verdict"] == "accepted"


def test_an_invite_to_a_peer_that_is_down_waits_in_the_queue(town, operator):
    answer = operator.post(INVITE, {"participant_id": "@carol:gone.example.test",
                                    "sender_id": "@bob:a.example.test"})
    assert (answer.status, answer.json["status"]) == (202, "queued"), answer
    assert answer.json["reason"]


def test_an_invite_to_the_other_instance_goes_inside(town, operator):
    town.b.trust("a.example.test", town.world.keys["a.example.test"].public)
    answer = operator.post(INVITE, {"participant_id": "@bob:b.example.test",
                                    "sender_id": "@bob:a.example.test"})
    assert answer.status == 200, answer
    assert [event["id"] for event in town.b.events] == [answer.json["event"]["id"]]


@pytest.mark.parametrize("body", [
    {}, {"participant_id": "carol"}, {"participant_id": "@carol:peer.example.test"},
    {"participant_id": "@bob:a.example.test", "sender_id": "@bob:a.example.test"},
    {"participant_id": "@carol:peer.example.test", "sender_id": "@carol:peer.example.test"},
    {"participant_id": "@carol:peer.example.test", "sender_id": "@bob:a.example.test", "content": 1},
    {"participant_id": "@carol:peer.example.test", "sender_id": "@bob:a.example.test", "x": 1},
    {"participant_id": "@carol:peer.example.test", "sender_id": "@bob:a.example.test",
     "content": {"x": "y" * 70000}}])
def test_an_invite_that_makes_no_sense_is_not_sent(town, operator, body):
    assert operator.post(INVITE, body).status in (400, 413)
    assert not [seen for seen in town.peer.received if seen.method == "POST"]


def test_a_foreign_profile_is_fetched_afresh(town, operator, archive):
    archive.profiles["carol"] = {"participant_id": "@carol:peer.example.test", "display_name": "Carol"}
    for fetches in (1, 2):
        answer = operator.post(FOREIGN.format("@carol:peer.example.test"))
        assert answer.status == 200, answer
        assert answer.json["profile"]["display_name"] == "Carol"
        town.peer.wait_for_fetches(fetches)
    archive.refusal = (404, "SW_PROFILE_NOT_FOUND", "nobody")
    answer = operator.post(FOREIGN.format("%40carol%3Apeer.example.test"))
    assert answer.status == 502 and "SW_PROFILE_NOT_FOUND" in answer.message
    for odd in ("carol", "@bob:a.example.test", "@x:127.0.0.1"):
        assert operator.post(FOREIGN.format(odd)).status == 400, odd
    answer = operator.post(FOREIGN.format("@x:gone.example.test"))
    assert (answer.status, answer.code) == (503, "SW_FED_PEER_UNREACHABLE")


def test_the_gateway_ends_cleanly_in_the_middle_of_a_backfill(town, operator, archive):
    archive.fill("room-open", 5)
    asked, go_on = threading.Event(), threading.Event()
    page = archive.page

    def wait(*arguments):
        asked.set()
        go_on.wait(30)
        return page(*arguments)

    archive.page = wait
    answers = []
    thread = threading.Thread(target=lambda: answers.append(_or_none(
        lambda: operator.post(BACKFILL, {"peer": "peer.example.test"}))))
    thread.start()
    assert asked.wait(30)
    town.gateway.stop()
    go_on.set()
    thread.join(30)
    assert len(answers) == 1


def _or_none(call):
    try:
        return call()
    except OSError:
        return None
    except http.client.HTTPException:
        return None
