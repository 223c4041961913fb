# SPDX-License-Identifier: Apache-2.0
"""The peer that the relay is tested with checks what it says it checks, and misbehaves as told."""
import http.client
import time

import pytest

from scaiwave import events, signatures
from scaiwave.certs import Authority
from scaiwave.egress import Egress
from scaiwave.keys import SecretKey
from scaiwave.peer import Connection, Peer
from scaiwave.serving import Service
from scaiwave.sink import Sink

NAME = "peer.example.test"


class Sender(Peer):
    """An instance with its key: what the gateway is when it delivers."""

    def start(self):
        pass


@pytest.fixture
def near(tmp_path):
    class Near:
        authority = Authority(tmp_path)
        sender = Sender("a.example.test", *authority.issue("a.example.test"))
        sink = Sink(NAME, *authority.issue(NAME))

        def ask(self, request):
            with Connection(self.sink.address, NAME, self.authority.file) as connection:
                return connection.ask(request)

        def send(self, event, **signing):
            return self.ask(self.sender.send_request(NAME, event, **signing))
    made = Near()
    made.sink.trust("a.example.test", made.sender.key.public)
    yield made
    made.sink.stop()


def test_takes_what_is_signed_and_remembers_order_and_times(near):
    sent = [near.sender.event(body=str(i)) for i in range(3)]
    before = time.monotonic()
    assert [near.send(event).json["status"] for event in sent] == ["accepted"] * 3
    assert near.send(sent[0]).json["status"] == "duplicate"
    assert near.sink.taken == sent
    assert near.sink.problems == []
    times = [attempt.at for attempt in near.sink.attempts]
    assert len(times) == 4 and before <= times[0] and times == sorted(times)


def test_complains_about_a_nonce_used_twice(near):
    request = near.sender.send_request(NAME, near.sender.event())
    assert near.ask(request).status == 200
    assert near.ask(request).status == 401
    assert "used before" in near.sink.problems[0]


@pytest.mark.parametrize("spoil, why", [
    (lambda near: near.sender.send_request(NAME, near.sender.event(), created=1), "stale"),
    (lambda near: near.sender.send_request(NAME, near.sender.event(), key=SecretKey()),
     "another key over the request"),
    (lambda near: near.sender.send_request(NAME, near.sender.event(key=SecretKey())),
     "another key over the event"),
    (lambda near: near.sender.send_request(NAME, near.sender.event(signed=False)), "unsigned"),
    (lambda near: near.sender.send_request(NAME, near.sender.event(origin="b.example.test")),
     "a foreign origin"),
])
def test_complains_about_what_does_not_verify(near, spoil, why):
    assert near.ask(spoil(near)).status == 401, why
    assert len(near.sink.problems) == 1 and near.sink.taken == [], why


def test_misbehaves_as_told(near):
    sink, event = near.sink, near.sender.event()
    sink.set_mode("refuse", times=1, status=429, retry_after=7)
    answer = near.send(event)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    sink.set_mode("cut", times=1)
    with pytest.raises((http.client.HTTPException, OSError)):
        near.send(event)
    assert sink.taken == []
    sink.set_mode("drop", times=1)
    with pytest.raises((http.client.HTTPException, OSError)):
        near.send(event)
    assert sink.taken == [event]
    assert near.send(event).json["status"] == "duplicate"
    sink.set_mode("slow", ms_per_byte=1, room="room-slow")
    slow = near.sender.event(room_id="room-slow")
    before = time.monotonic()
    assert near.send(slow).status == 200
    assert time.monotonic() - before > 0.05
    assert [attempt.answer for attempt in sink.attempts] == [429, "cut", "drop", 200, 200]


def test_gives_signed_readers_what_they_ask_for(near):
    near.sink.history = [near.sender.event(room_id="room-open", body=str(i)) for i in range(5)]
    path = "/_scaiwave/federation/v1/rooms/room-open/backfill?limit=2"
    answer = near.ask(near.sender.request(NAME, "GET", path))
    assert [event["content"]["body"] for event in answer.json["events"]] == ["3", "4"]
    unsigned = signatures.Request("GET", path, NAME, [("Host", NAME)])
    assert near.ask(unsigned).status == 401


class Door(Service):
    def answer(self, handler, request):
        self.seen = request
        handler.reply(202, {"status": "queued", "id": "x"})


@pytest.mark.parametrize("form, target, header", [
    ("absolute", "http://" + NAME + events.SEND, "Proxy-Authorization"),
    ("host", events.SEND, "Authorization")])
def test_speaks_to_the_egress_door_in_both_forms(form, target, header):
    door = Door()
    try:
        client = Egress(lambda: door.address, "a.example.test", "wgt_x")
        assert client.send(client.event(), NAME, form=form, header=header).status == 202
        assert (door.seen.target, door.seen.authority) == (target, NAME)
        assert door.seen.all(header) == ["Bearer wgt_x"]
        assert client.relay(client.event(), [NAME]).status == 202
        assert door.seen.target == "/_wavegate/v1/relay"
    finally:
        door.stop()
