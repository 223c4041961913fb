# SPDX-License-Identifier: Apache-2.0
"""From peers to an instance that is down, slow or wrong: what was answered 202 is delivered, in order."""
import signal
import threading
import time

import pytest

from harness import poll
from relaying import REASON, ROOM

A = "a.example.test"
FEDERATION = "/_scaiwave/federation/v1"


def queued(town, event):
    answer = town.send(event)
    assert (answer.status, answer.json) == (202, {"status": "queued", "id": event["id"]})
    return event["id"]


def arrived(instance, count):
    poll(lambda: len(instance.events) >= count, what=f"{count} events at the instance")
    return [event["id"] for event in instance.events]


def test_an_event_for_an_instance_that_is_down_is_delivered_when_it_is_back(relay_town):
    relay_town.send()  # the peer is known, its connection open
    relay_town.a.stop()
    event = relay_town.peer.event()
    queued(relay_town, event)
    relay_town.a.start()
    assert arrived(relay_town.a, 2)[1] == event["id"]
    assert relay_town.a.events[1] == event
    seen = relay_town.a.requests[-1]
    assert (seen["gateway_signature"], seen["peer_signature"]) == ("verified", "verified")
    relay_town.queue.wait_until_empty()


def test_the_gateways_signature_is_made_when_it_is_delivered(relay_town):
    relay_town.a.stop()
    queued(relay_town, relay_town.peer.event())
    waited_until = time.time() + 2
    poll(lambda: time.time() > waited_until)
    relay_town.a.start()
    arrived(relay_town.a, 1)
    assert relay_town.a.requests[-1]["gateway_created"] >= int(waited_until)


def test_rooms_keep_their_order_behind_what_waits(relay_town):
    rooms = ["room-open", "room-2", "room-3"]
    for room in rooms:
        relay_town.a.rooms[room] = {"federated": True}
    relay_town.a.stop()
    sent = [relay_town.peer.event(room_id=rooms[i % 3], body=str(i)) for i in range(15)]
    for event in sent:
        queued(relay_town, event)
    relay_town.a.start()
    # Those that come while the backlog is delivered stand behind it, whichever way they go.
    late = [relay_town.peer.event(room_id=rooms[i % 3], body=f"late {i}") for i in range(9)]
    for event in late:
        assert relay_town.send(event).status in (200, 202)
    arrived(relay_town.a, 24)
    for room in rooms:
        assert [event["content"]["body"] for event in relay_town.a.events if event["room_id"] == room] \
            == [event["content"]["body"] for event in sent + late if event["room_id"] == room]


def test_another_room_does_not_wait_for_one_that_is_held_up(relay_town):
    relay_town.a.rooms["room-2"] = {"federated": True}
    relay_town.a.stop()
    first = relay_town.peer.event()
    queued(relay_town, first)
    relay_town.queue.ask("suspend", peer=A, room="room-open", reason="being looked at")
    relay_town.a.start()
    behind = relay_town.peer.event()
    queued(relay_town, behind)
    free = relay_town.peer.event(room_id="room-2")
    assert relay_town.send(free).status == 200
    assert arrived(relay_town.a, 1) == [free["id"]]
    relay_town.queue.ask("resume", peer=A, room="room-open")
    assert arrived(relay_town.a, 3) == [free["id"], first["id"], behind["id"]]


def test_the_backlog_survives_a_restart(relay_town):
    relay_town.a.stop()
    ids = [queued(relay_town, relay_town.peer.event(body=str(i))) for i in range(5)]
    relay_town.gateway.stop()
    relay_town.start()
    ids.append(queued(relay_town, relay_town.peer.event(body="after the restart")))
    relay_town.a.start()
    assert arrived(relay_town.a, 6) == ids


def test_the_backlog_survives_kill_9(relay_town):
    relay_town.a.stop()
    ids = [queued(relay_town, relay_town.peer.event(body=str(i))) for i in range(5)]
    relay_town.gateway.kill()
    relay_town.a.start()
    relay_town.start()
    assert arrived(relay_town.a, 5) == ids


def test_a_slow_instance_is_not_waited_for_longer_than_its_time(make_relay_town):
    town = make_relay_town(instance={"upstream_timeout": "500ms"})
    town.a.set_mode("slow", ms=3000)
    before = time.monotonic()
    event = town.peer.event()
    queued(town, event)
    assert time.monotonic() - before < 2.5
    town.a.set_mode("normal")
    # It may have taken the event after all; it knows it by its id.
    assert set(arrived(town.a, 1)) == {event["id"]}
    town.queue.wait_until_empty()
    assert [row["id"] for row in town.a.events] == [event["id"]]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_instance_that_fails_is_tried_again(relay_town, status):
    relay_town.a.set_mode("wrong", status=status)
    event = relay_town.peer.event()
    queued(relay_town, event)
    relay_town.a.set_mode("normal")
    assert arrived(relay_town.a, 1) == [event["id"]]


@pytest.mark.parametrize("room, status, code", [("room-none", 404, "SW_ROOM_NOT_FOUND"),
                                                ("room-private", 403, "SW_ROOM_FORBIDDEN")])
def test_what_an_instance_refuses_goes_back_to_the_peer_as_it_is(relay_town, room, status, code):
    answer = relay_town.send(relay_town.peer.event(room_id=room))
    assert (answer.status, answer.code) == (status, code)
    assert relay_town.queue.list() == []


def test_an_answer_429_goes_back_as_well(relay_town):
    body = {"error": {"code": "SW_RATE_LIMIT_EXCEEDED", "message": "slowly"}}
    relay_town.a.set_mode("wrong", status=429, body=body, retry_after=9)
    answer = relay_town.send()
    assert (answer.status, answer.headers["Retry-After"], answer.json) == (429, "9", body)
    assert relay_town.queue.list() == []


def test_what_an_instance_refuses_later_is_a_dead_letter(relay_town):
    relay_town.a.stop()
    refused = relay_town.peer.event(room_id="room-none")
    queued(relay_town, refused)
    follows = relay_town.peer.event()
    queued(relay_town, follows)
    relay_town.a.start()
    dead = relay_town.queue.wait_for_dead(refused["id"])
    assert "SW_ROOM_NOT_FOUND" in dead[REASON] and dead[ROOM] == "room-none"
    assert arrived(relay_town.a, 1) == [follows["id"]]


def test_a_queued_event_sent_again_is_a_duplicate(relay_town):
    relay_town.a.stop()
    event = relay_town.peer.event()
    queued(relay_town, event)
    again = relay_town.send(event)
    assert (again.status, again.json) == (200, {"status": "duplicate", "id": event["id"]})
    relay_town.a.start()
    arrived(relay_town.a, 1)
    relay_town.queue.wait_until_empty()
    assert relay_town.send(event).json["status"] == "duplicate"
    assert len(relay_town.a.events) == 1


def test_duplicates_are_known_after_a_restart(relay_town):
    direct, waited = relay_town.peer.event(), relay_town.peer.event()
    assert relay_town.send(direct).json["status"] == "accepted"
    relay_town.a.stop()
    queued(relay_town, waited)
    relay_town.gateway.stop()
    relay_town.a.start()
    relay_town.start()
    assert relay_town.send(direct).json["status"] == "duplicate"
    assert relay_town.send(waited).json["status"] == "duplicate"
    assert arrived(relay_town.a, 2) == [direct["id"], waited["id"]]


def test_reads_are_not_stored(relay_town):
    relay_town.a.stop()
    request = relay_town.peer.request(A, "GET", FEDERATION + "/profile/bob")
    answer = relay_town.gateway.ask(request)
    assert (answer.status, answer.code) == (503, "SW_FED_UPSTREAM_UNAVAILABLE")
    assert answer.headers["Retry-After"]


def test_one_instance_down_is_nothing_to_the_other(relay_town):
    relay_town.a.stop()
    queued(relay_town, relay_town.peer.event())
    assert relay_town.send(to="b.example.test").status == 200


def test_events_at_once_in_many_rooms_arrive_each_in_order(relay_town):
    rooms = [f"room-{i}" for i in range(8)]
    for room in rooms:
        relay_town.a.rooms[room] = {"federated": True}
    answers = []

    def speak(room):
        for i in range(15):
            answers.append(relay_town.send(relay_town.peer.event(room_id=room, body=i)).status)
    speakers = [threading.Thread(target=speak, args=(room,)) for room in rooms]
    for speaker in speakers:
        speaker.start()
    for mode in ("down", "normal", "down", "normal"):
        poll(lambda mode=mode: len(answers) >= 20 * (1 + len(mode)) / 5, 60)
        relay_town.a.set_mode(mode)
    for speaker in speakers:
        speaker.join()
    assert set(answers) <= {200, 202} and len(answers) == 120
    arrived(relay_town.a, 120)
    for room in rooms:
        assert [event["content"]["body"] for event in relay_town.a.events
                if event["room_id"] == room] == list(range(15))


def test_sigterm_loses_nothing_that_waits(relay_town):
    relay_town.a.set_mode("slow", ms=300)
    sent = [relay_town.peer.event(body=str(i)) for i in range(6)]
    relay_town.a.stop()
    for event in sent:
        queued(relay_town, event)
    relay_town.a.start()
    relay_town.a.wait_for_requests(1)
    relay_town.gateway.signal(signal.SIGTERM)
    relay_town.gateway.stop()
    relay_town.a.set_mode("normal")
    relay_town.start()
    assert arrived(relay_town.a, 6) == [event["id"] for event in sent]
