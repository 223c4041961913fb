# SPDX-License-Identifier: Apache-2.0
"""What operators see of the queue and do to it: wavegate queue, with --json, filters and --dry-run."""
import contextlib
import http.client
import json
import os
import sqlite3
import time

import pytest

from harness import poll
from relaying import (ATTEMPTS, EVENT, EXPIRY, PEER as DESTINATION, REASON, RETRY, ROOM, STATE, TYPE,
                      WAITING)

PEER, OTHER = "peer.example.test", "other.example.test"
POLICY = """local wavegate = require "wavegate"
wavegate.on("event", function(event, ctx)
  if event.content.body:match("^hold") then
    return wavegate.quarantine { reason = "held for a look" }
  end
end)
wavegate.use("standard")
"""


def send(town, to=PEER, **members):
    event = town.out.event(**members)
    answer = town.out.send(event, to)
    assert answer.status == 202, answer
    return event["id"]


@pytest.fixture
def stuck(make_relay_town):
    """Two peers that answer 503, five events for them, and retries that are far away."""
    town = make_relay_town(queue={RETRY: "1h"})
    for sink in (town.peer, town.other):
        sink.set_mode("refuse", status=503)
    town.sent = [send(town, room_id="room-1"), send(town, room_id="room-1"),
                 send(town, room_id="room-2", type="swp.room.topic", content={"body": "x"}),
                 send(town, to=OTHER, room_id="room-1"), send(town, to=OTHER, room_id="room-3")]
    town.peer.wait_for_attempts(2)
    town.other.wait_for_attempts(2)
    poll(lambda: sum(row[ATTEMPTS] for row in town.queue.list()) == 4, what="attempts on record")
    return town


# -- looking -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("filters, wanted", [
    ({}, [0, 1, 2, 3, 4]), ({"peer": PEER}, [0, 1, 2]), ({"room": "room-1"}, [0, 1, 3]),
    ({"peer": PEER, "room": "room-1"}, [0, 1]), ({"kind": "swp.room.topic"}, [2]),
    ({"older_than": "1h"}, []), ({"state": "waiting"}, [0, 1, 2, 3, 4]),
    ({"state": "dead"}, []), ({"state": "held"}, []), ({"peer": "nobody.example.test"}, [])])
def test_list_shows_what_the_filters_leave(stuck, filters, wanted):
    assert sorted(stuck.queue.ids(**filters)) == sorted(stuck.sent[i] for i in wanted)


def test_a_row_says_what_waits_where_and_how_often_it_was_tried(stuck):
    row = next(row for row in stuck.queue.list() if row[EVENT] == stuck.sent[2])
    assert (row[DESTINATION], row[ROOM], row[TYPE]) == (PEER, "room-2", "swp.room.topic")
    assert (row[STATE], row[ATTEMPTS]) == ("waiting", 1)


def test_list_of_a_room_keeps_its_order(stuck):
    assert stuck.queue.ids(peer=PEER, room="room-1") == stuck.sent[:2]


@pytest.mark.parametrize("words", [["list"], ["shape"], ["dead"], ["quarantine", "list"]])
def test_people_get_text_and_programs_get_json(stuck, words):
    text = stuck.queue.run(*words, json_output=False)
    assert text.returncode == 0 and text.stdout, text
    assert not text.stdout.lstrip().startswith("{")
    stuck.queue.list(*words)


def test_shape_is_peers_by_the_age_of_what_waits(stuck):
    shape = {row[DESTINATION]: row[WAITING] for row in stuck.queue.list("shape")}
    assert shape == {PEER: 3, OTHER: 2}


def test_show_tells_the_whole_story_of_an_event(stuck):
    story = str(stuck.queue.show(stuck.sent[0]))
    assert PEER in story and "room-1" in story and "503" in story
    text = stuck.queue.run("show", stuck.sent[0], json_output=False)
    assert text.returncode == 0 and "503" in text.stdout


@pytest.mark.parametrize("words, options", [
    (["show", "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11"], {}), (["show", "nonsense"], {}),
    (["list"], {"older_than": "soon"}), (["list"], {"state": "sleeping"}), (["lst"], {}), ([], {})])
def test_mistakes_are_named_and_fail(relay_town, words, options):
    done = relay_town.queue.run(*words, json_output=False, **options)
    assert done.returncode not in (0, -6, -11) and done.stderr, done


# -- retry, drop, requeue ------------------------------------------------------------------------------

def test_retry_makes_it_due_now(stuck):
    stuck.peer.set_mode("accept")
    assert stuck.queue.change("retry", peer=PEER, dry_run=True) > 0
    assert stuck.peer.taken == []
    assert stuck.queue.change("retry", peer=PEER) > 0
    stuck.peer.wait_for_taken(3)
    assert stuck.peer.ids("room-1") == stuck.sent[:2]
    assert stuck.other.taken == []


def test_drop_makes_dead_letters_and_requeue_brings_them_back_in_their_place(stuck):
    assert stuck.queue.change("drop", peer=PEER, room="room-1", reason="spam", dry_run=True) == 2
    assert len(stuck.queue.ids()) == 5
    assert stuck.queue.change("drop", peer=PEER, room="room-1", reason="spam") == 2
    assert len(stuck.queue.ids()) == 3
    dead = stuck.queue.dead(peer=PEER)
    assert {row[EVENT] for row in dead} == set(stuck.sent[:2])
    assert all("spam" in row[REASON] for row in dead)
    stuck.peer.set_mode("accept")
    assert stuck.queue.change("requeue", peer=PEER, dry_run=True) == 2
    assert len(stuck.queue.dead(peer=PEER)) == 2
    assert stuck.queue.change("requeue", peer=PEER) == 2
    stuck.peer.wait_for_taken(2)
    assert stuck.peer.ids("room-1") == stuck.sent[:2]
    assert stuck.queue.dead() == []


def test_verbs_ask_for_a_filter_before_they_touch_everything(stuck):
    done = stuck.queue.run("drop")
    assert done.returncode != 0 and done.stderr, done
    assert len(stuck.queue.ids()) == 5


# -- suspension ----------------------------------------------------------------------------------------

def test_a_suspended_peer_gets_nothing_until_it_is_resumed(relay_town):
    relay_town.queue.ask("suspend", peer=PEER, reason="maintenance on their side")
    sent = [send(relay_town) for _ in range(3)]
    send(relay_town, to=OTHER)
    relay_town.other.wait_for_taken(1)
    assert relay_town.peer.attempts == []
    assert "maintenance on their side" in relay_town.queue.ask("shape")
    relay_town.queue.ask("resume", peer=PEER)
    relay_town.peer.wait_for_taken(3)
    assert relay_town.peer.ids() == sent


def test_a_suspension_may_be_of_one_room_and_have_an_end(relay_town):
    began = time.monotonic()
    relay_town.queue.ask("suspend", **{"peer": PEER, "room": "room-open", "for": "3s",
                                       "reason": "test"})
    held, free = send(relay_town), send(relay_town, room_id="room-2")
    relay_town.peer.wait_for_taken(1)
    assert relay_town.peer.ids() == [free]
    relay_town.peer.wait_for_taken(2)
    assert relay_town.peer.ids() == [free, held]
    assert time.monotonic() - began > 2.5


def test_a_suspension_survives_a_restart(relay_town):
    relay_town.queue.ask("suspend", peer=PEER, reason="test")
    event_id = send(relay_town)
    relay_town.gateway.stop()
    relay_town.start()
    send(relay_town, to=OTHER)
    relay_town.other.wait_for_taken(1)
    assert relay_town.peer.attempts == []
    relay_town.queue.ask("resume", peer=PEER)
    relay_town.peer.wait_for_taken(1)
    assert relay_town.peer.ids() == [event_id]


def test_contact_does_not_wake_what_is_suspended(relay_town):
    relay_town.queue.ask("suspend", peer=PEER, reason="test")
    send(relay_town)
    assert relay_town.send().status == 200
    send(relay_town, to=OTHER)
    relay_town.other.wait_for_taken(1)
    assert relay_town.peer.attempts == []


def test_suspending_with_dry_run_changes_nothing(relay_town):
    relay_town.queue.ask("suspend", peer=PEER, reason="test", dry_run=True)
    send(relay_town)
    relay_town.peer.wait_for_taken(1)


# -- quarantine ----------------------------------------------------------------------------------------

def hold_inbound(town, *bodies):
    sent = [town.peer.event(body=body) for body in bodies]
    for event in sent:
        answer = town.send(event)
        assert (answer.status, answer.json) == (202, {"status": "queued", "id": event["id"]})
    return [event["id"] for event in sent]


def arrived(instance, count):
    poll(lambda: len(instance.events) >= count, what=f"{count} events at the instance")
    return [event["id"] for event in instance.events]


def test_held_events_wait_and_are_released_in_their_order(relay_town):
    held = hold_inbound(relay_town, "hold 1", "hold 2", "hold 3")
    free = relay_town.peer.event()
    assert relay_town.send(free).status == 200
    rows = relay_town.queue.held()
    assert [row[EVENT] for row in rows] == held
    assert all("held for a look" in row[REASON] for row in rows)
    assert arrived(relay_town.a, 1) == [free["id"]]
    assert relay_town.queue.change("quarantine", "release", room="room-open", dry_run=True) == 3
    assert len(relay_town.queue.held()) == 3
    assert relay_town.queue.change("quarantine", "release", room="room-open") == 3
    assert arrived(relay_town.a, 4) == [free["id"], *held]
    assert relay_town.queue.held() == []
    seen = relay_town.a.requests[-1]
    assert (seen["gateway_signature"], seen["peer_signature"]) == ("verified", "verified")


def test_a_rejected_event_is_a_dead_letter(relay_town):
    held = hold_inbound(relay_town, "hold 1")
    assert relay_town.queue.change("quarantine", "reject", room="room-open", reason="spam") == 1
    assert "spam" in relay_town.queue.wait_for_dead(held[0])[REASON]
    assert relay_town.queue.held() == [] and relay_town.a.events == []


def test_quarantine_survives_a_restart(relay_town):
    held = hold_inbound(relay_town, "hold 1", "hold 2")
    relay_town.gateway.kill()
    relay_town.start()
    assert relay_town.send(relay_town.peer.event()).status == 200
    assert relay_town.queue.change("quarantine", "release", room="room-open") == 2
    assert arrived(relay_town.a, 3)[1:] == held


def test_a_held_event_sent_again_is_a_duplicate(relay_town):
    event = relay_town.peer.event(body="hold")
    assert relay_town.send(event).status == 202
    assert relay_town.send(event).json["status"] == "duplicate"
    assert len(relay_town.queue.held()) == 1


def test_quarantine_works_outbound_too(relay_town):
    held = [send(relay_town, body=f"hold {i}") for i in range(3)]
    free = send(relay_town)
    relay_town.peer.wait_for_taken(1)
    assert relay_town.peer.ids() == [free]
    assert relay_town.queue.change("quarantine", "release", peer=PEER) == 3
    relay_town.peer.wait_for_taken(4)
    assert relay_town.peer.ids() == [free, *held]


def test_what_is_held_expires(make_relay_town):
    town = make_relay_town(queue={EXPIRY: "2s"})
    held = hold_inbound(town, "hold 1")
    assert "expired" in town.queue.wait_for_dead(held[0])[REASON]
    assert town.queue.held() == []


def test_release_verifies_with_former_keys(relay_town):
    held = hold_inbound(relay_town, "hold 1")
    relay_town.peer.rotate()
    relay_town.queue.ask("quarantine", "release", room="room-open")
    assert arrived(relay_town.a, 1) == held
    assert relay_town.queue.held() == relay_town.queue.dead() == []


def test_release_verifies_again(relay_town):
    """What lay in quarantine was changed there: it stays out, and the dead letter says why."""
    held = hold_inbound(relay_town, "hold 1")
    relay_town.gateway.stop()
    with contextlib.closing(sqlite3.connect(
            os.path.join(relay_town.gateway.data, "wavegate.db"))) as store, store:
        changed = store.execute("UPDATE message SET body = CAST(replace(CAST(body AS TEXT), "
                                "'hold 1', 'hold 2') AS BLOB)").rowcount
    assert changed == 1
    relay_town.start()
    relay_town.queue.ask("quarantine", "release", room="room-open")
    dead = relay_town.queue.wait_for_dead(held[0])
    assert "signature" in dead[REASON], dead
    assert relay_town.queue.held() == []
    assert relay_town.a.requests == [], "the gateway itself finds it out"


@pytest.mark.parametrize("verb, body, told", [
    ("drop", {"filter": {"room_id": 5}}, "room_id: must be a text"),
    ("drop", {"filter": {"peer": None}}, "peer: must be a text"),
    ("drop", {"filter": {"state": ["waiting"]}}, "state: must be a text"),
    ("drop", {"filter": {}, "dry_run": "true"}, "dry_run: must be true or false"),
    ("drop", {"filter": {}, "dry_run": 1}, "dry_run: must be true or false"),
    ("drop", {"filter": {}, "cursor": 7}, "cursor: must be a text"),
    ("drop", {"filter": {}, "limit": "10"}, "limit: must be a whole number"),
    ("suspend", {"destination": PEER, "reason": "x", "room_id": 5}, "room_id: must be a text"),
    ("suspend", {"destination": PEER, "reason": "x", "for_ms": "1000"}, "for_ms: must be a whole number"),
    ("suspend", {"destination": PEER, "reason": "x", "direction": "outbond"}, "direction: must be"),
    ("resume", {"destination": PEER, "room_id": None}, "room_id: must be a text"),
])
def test_a_member_of_the_wrong_kind_narrows_nothing_and_is_refused(stuck, verb, body, told):
    before = stuck.queue.list()
    address, _, port = stuck.gateway.admin.rpartition(":")
    with contextlib.closing(http.client.HTTPConnection(address, int(port), timeout=30)) as connection:
        connection.request("POST", f"/_wavegate/v1/queue/{verb}", json.dumps(body),
                           {"Authorization": f"Bearer {stuck.gateway.admin_token}"})
        response = connection.getresponse()
        said = response.read().decode()
    assert response.status == 400 and told in said, said
    assert stuck.queue.ids() == [row[EVENT] for row in before] != []
    assert stuck.queue.list("list", state="dead") == []


def test_an_event_from_outside_goes_behind_one_of_a_neighbour(make_relay_town):
    town = make_relay_town(queue={RETRY: "1h"})
    town.b.set_mode("down")
    assert town.out.send(town.out.event("room-1"), "b.example.test").status == 202
    poll(lambda: any(row[ATTEMPTS] for row in town.queue.list()), what="the first attempt at b")
    town.b.set_mode("normal")
    assert town.send(town.peer.event("room-1"), to="b.example.test").status == 202
    assert len(town.queue.list()) == 2
