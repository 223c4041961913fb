# SPDX-License-Identifier: Apache-2.0
"""From an instance to its peers: retries, order, expiry, and peers that do not behave.

Every delivery that reaches a stand-in has been verified there: signatures made afresh, no nonce twice."""
import itertools
import time

import pytest

from harness import poll
from relaying import ATTEMPTS, EXPIRY, EXPIRY_BY_TYPE, REASON, RETRY

PEER, OTHER = "peer.example.test", "other.example.test"
POLICY = """local wavegate = require "wavegate"
wavegate.on("delivery", function(attempt, ctx)
  if ctx.peer.name == "hopeless.example.test" then
    return wavegate.deny { reason = "the policy gave up" }
  end
end)
wavegate.use("standard")
"""


def send(town, to=PEER, **members):
    event = town.out.event(**members)
    answer = town.out.send(event, to)
    assert answer.status == 202, answer
    return event["id"]


def gaps(attempts):
    return [after.at - before.at for before, after in itertools.pairwise(attempts)]


# -- retries ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode, options", [
    ("refuse", {"status": 500}), ("refuse", {"status": 502}), ("refuse", {"status": 503}),
    ("refuse", {"status": 408}), ("refuse", {"status": 425}), ("refuse", {"status": 429}),
    ("refuse", {"status": 302}), ("cut", {}), ("drop", {})])
def test_tries_again_until_it_is_taken(relay_town, mode, options):
    relay_town.peer.set_mode(mode, times=2, **options)
    event_id = send(relay_town)
    attempts = relay_town.peer.wait_for_attempts(3)
    assert [attempt.event_id for attempt in attempts] == [event_id] * 3
    assert len({attempt.nonce for attempt in attempts}) == 3
    relay_town.queue.wait_until_empty()
    assert relay_town.peer.ids() == [event_id]
    assert len(relay_town.peer.attempts) == 3


def test_keeps_to_the_schedule(make_relay_town):
    town = make_relay_town(queue={RETRY: "200ms*2, 900ms"})
    town.peer.set_mode("refuse", times=4, status=500)
    send(town)
    waits = gaps(town.peer.wait_for_attempts(5))
    assert all(0.18 <= wait < 0.7 for wait in waits[:2]), waits
    assert all(0.85 <= wait < 2.5 for wait in waits[2:]), waits


def test_without_a_schedule_waits_at_random_and_longer_each_time(make_relay_town):
    town = make_relay_town(queue={RETRY: None})
    town.peer.set_mode("refuse", times=2, status=500)
    send(town)
    waits = gaps(town.peer.wait_for_attempts(3))
    assert waits[0] < 1.5 and waits[1] < 2.5, waits


@pytest.mark.parametrize("status", [429, 503])
def test_waits_as_long_as_the_peer_asks(relay_town, status):
    relay_town.peer.set_mode("refuse", times=1, status=status, retry_after=2)
    send(relay_town)
    assert gaps(relay_town.peer.wait_for_attempts(2))[0] >= 1.9


@pytest.mark.parametrize("value", ["soon", "-1", "99999999999999999999", ""])
def test_takes_no_harm_from_an_odd_retry_after(relay_town, value):
    relay_town.peer.set_mode("refuse", times=1, status=503, retry_after=value)
    send(relay_town)
    if value != "99999999999999999999":
        relay_town.peer.wait_for_taken(1)
    else:
        relay_town.peer.wait_for_attempts(1)
        assert len(relay_town.queue.list()) == 1


@pytest.mark.parametrize("status, code", [(400, "SW_FED_BAD_REQUEST"), (403, "SW_ROOM_FORBIDDEN"),
                                          (404, "SW_ROOM_NOT_FOUND"), (410, "SW_GONE"),
                                          (413, "SW_CONTENT_TOO_LARGE")])
def test_a_refusal_for_good_ends_the_delivery_at_once(relay_town, status, code):
    relay_town.peer.set_mode("refuse", times=1, status=status, code=code)
    refused, follows = send(relay_town), send(relay_town)
    dead = relay_town.queue.wait_for_dead(refused)
    assert code in dead[REASON] and dead[ATTEMPTS] == 1
    relay_town.peer.wait_for_taken(1)
    assert relay_town.peer.ids() == [follows]
    assert len(relay_town.peer.attempts_at(refused)) == 1


def test_the_delivery_hook_may_end_it(relay_town):
    hopeless = relay_town.world.sink("hopeless.example.test")
    relay_town.gateway.stop()
    relay_town.start()
    hopeless.set_mode("refuse", status=500)
    event_id = send(relay_town, to="hopeless.example.test")
    assert "the policy gave up" in relay_town.queue.wait_for_dead(event_id)[REASON]
    assert len(hopeless.attempts) == 1


# -- order and independence --------------------------------------------------------------------------

def test_a_room_keeps_its_order_while_its_first_is_refused(relay_town):
    relay_town.peer.set_mode("refuse", room="room-open", status=503)
    stuck = [send(relay_town, body=str(i)) for i in range(4)]
    free = [send(relay_town, room_id="room-2", body=str(i)) for i in range(4)]
    relay_town.peer.wait_for_taken(4)
    assert relay_town.peer.ids() == free
    assert {attempt.event_id for attempt in relay_town.peer.attempts
            if attempt.room_id == "room-open"} == {stuck[0]}
    relay_town.peer.set_mode("accept")
    relay_town.peer.wait_for_taken(8)
    assert relay_town.peer.ids("room-open") == stuck


def test_one_peer_that_hangs_takes_nothing_from_another(relay_town):
    relay_town.peer.set_mode("slow", ms=5000)
    for i in range(20):
        send(relay_town, room_id=f"room-{i}")
    before = time.monotonic()
    sent = [send(relay_town, to=OTHER, body=str(i)) for i in range(20)]
    relay_town.other.wait_for_taken(20)
    assert time.monotonic() - before < 5
    assert relay_town.other.ids() == sent
    relay_town.peer.set_mode("accept")


def test_rooms_go_in_parallel_to_one_peer(relay_town):
    relay_town.peer.set_mode("slow", ms=200)
    for i in range(40):
        send(relay_town, room_id=f"room-{i}")
    attempts = relay_town.peer.wait_for_attempts(40)
    assert attempts[-1].at - attempts[0].at < 6, "one after the other they take 8 s"


def test_a_peer_that_keeps_failing_is_only_probed(relay_town):
    relay_town.peer.set_mode("refuse", status=500)
    for i in range(20):
        send(relay_town, room_id=f"room-{i}")
    relay_town.peer.wait_for_attempts(8)
    since = len(relay_town.peer.attempts)
    end = time.monotonic() + 3
    poll(lambda: time.monotonic() > end)
    assert len(relay_town.peer.attempts) - since < 20, "20 rooms at 100 ms would be 600"
    relay_town.peer.set_mode("accept")
    relay_town.peer.wait_for_taken(20)


def test_what_comes_from_the_peer_wakes_its_queue(make_relay_town):
    town = make_relay_town(queue={RETRY: "30m"})
    town.peer.set_mode("refuse", status=503)
    event_id = send(town)
    poll(lambda: town.queue.list()[0][ATTEMPTS] == 1, what="the attempt on record")
    town.peer.set_mode("accept")
    assert town.send().status == 200
    town.peer.wait_for_taken(1, deadline_s=10)
    assert town.peer.ids() == [event_id]


def test_a_connection_that_ends_after_the_peer_took_it_brings_it_once_more_and_no_harm(relay_town):
    relay_town.peer.set_mode("drop", times=1)
    first, second = send(relay_town), send(relay_town)
    relay_town.peer.wait_for_taken(2)
    relay_town.queue.wait_until_empty()
    assert relay_town.peer.ids() == [first, second]


def test_an_answer_that_comes_byte_by_byte_counts(relay_town):
    relay_town.peer.set_mode("slow", ms_per_byte=10)
    sent = [send(relay_town) for _ in range(2)]
    relay_town.queue.wait_until_empty()
    assert relay_town.peer.ids() == sent
    assert len(relay_town.peer.attempts) == 2


def test_survives_restart_and_kill_9_in_order(relay_town):
    relay_town.peer.set_mode("refuse", status=503)
    sent = [send(relay_town, body=str(i)) for i in range(4)]
    relay_town.gateway.stop()
    relay_town.start()
    sent += [send(relay_town, body=str(i)) for i in range(4, 8)]
    relay_town.gateway.kill()
    relay_town.peer.set_mode("accept")
    relay_town.start()
    relay_town.peer.wait_for_taken(8)
    assert relay_town.peer.ids() == sent


def test_duplicates_are_known_after_a_restart(relay_town):
    delivered = relay_town.out.event()
    assert relay_town.out.send(delivered, PEER).status == 202
    relay_town.peer.wait_for_taken(1)
    relay_town.queue.wait_until_empty()
    relay_town.peer.set_mode("refuse", status=503)
    waiting = relay_town.out.event()
    assert relay_town.out.send(waiting, PEER).status == 202
    relay_town.gateway.kill()
    relay_town.start()
    for event in (delivered, waiting):
        answer = relay_town.out.send(event, PEER)
        assert (answer.status, answer.json["status"]) == (200, "duplicate")
    relay_town.peer.set_mode("accept")
    relay_town.peer.wait_for_taken(2)
    relay_town.queue.wait_until_empty()
    assert relay_town.peer.ids() == [delivered["id"], waiting["id"]]


# -- expiry ------------------------------------------------------------------------------------------

def test_what_expires_is_a_dead_letter_with_its_story(make_relay_town):
    town = make_relay_town(queue={EXPIRY: "2s"})
    town.peer.set_mode("refuse", status=503)
    event_id = send(town)
    dead = town.queue.wait_for_dead(event_id)
    assert "expired" in dead[REASON]
    assert dead[ATTEMPTS] >= 1
    town.peer.set_mode("accept")
    follows = send(town)
    town.peer.wait_for_taken(1)
    assert town.peer.ids() == [follows]


def test_expiry_goes_by_type(make_relay_town):
    town = make_relay_town(queue={EXPIRY_BY_TYPE: {"swp.room.message.chunk": "1s"}})
    town.peer.set_mode("refuse", status=503)
    chunk = send(town, room_id="room-2", type="swp.room.message.chunk")
    message = send(town)
    town.queue.wait_for_dead(chunk)
    assert town.queue.ids() == [message]


def test_a_suspended_delivery_expires_as_well(make_relay_town):
    town = make_relay_town(queue={EXPIRY: "2s"})
    town.queue.ask("suspend", peer=PEER, reason="test")
    event_id = send(town)
    town.queue.wait_for_dead(event_id)
    assert town.peer.attempts == []
