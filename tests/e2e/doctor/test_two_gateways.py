# SPDX-License-Identifier: Apache-2.0
"""The same questions with a real gateway on the other side: what it answers is what the doctor understands."""
import os
import socket
import threading

import pytest

import harness
import relaying
from doctor_kit import NAME, examine, put_flag

OURS = "a.example.test"


class Door:
    """A port on the way to a gateway, known before the gateway is; what comes in goes on to target."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "%s:%d" % self.listener.getsockname()
        self.target = None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                inside, _ = self.listener.accept()
            except OSError:
                return
            host, _, port = self.target.rpartition(":")
            outside = socket.create_connection((host, int(port)))
            for pair in ((inside, outside), (outside, inside)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    @staticmethod
    def _carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()


class Side:
    """One gateway with its instance, in a folder of its own."""

    def __init__(self, folder, name):
        self.name, self.door = name, Door()
        self.world = harness.World(folder)
        self.instance = self.world.instance(name)
        self.gateway = None

    def start(self, other, federation):
        with open(self.world.path("both.pem"), "wb") as both:
            for world in (self.world, other.world):
                with open(world.authority.file, "rb") as authority:
                    both.write(authority.read())
        config = relaying.town_config(self.world)
        config["peers"].update(trust_anchors="both.pem",
                               resolve={side.name: side.door.address for side in (self, other)})
        config["instances"][self.name]["federation"] = {"default_mode": "open", **federation}
        self.gateway = self.world.gateway(config)
        self.door.target = self.gateway.ingress

    def close(self):
        self.door.close()
        self.world.close()


@pytest.fixture
def make_sides(tmp_path):
    made = []

    def make(**theirs):
        made.extend((Side(tmp_path / "ours", OURS), Side(tmp_path / "theirs", NAME)))
        made[0].start(made[1], {})
        made[1].start(made[0], theirs)
        return made
    yield make
    for side in made:
        side.close()


def test_two_gateways_that_federate_pass_every_check(make_sides):
    ours, _ = make_sides()
    report = examine(ours.gateway)
    assert report.ids("ok") == list(report.rows), report
    assert "answered 400" in report.seen("peer.send")
    assert "our descriptor came by its name" in report.seen("peer.sees_us")


def test_the_other_gateway_does_not_admit_us(make_sides):
    ours, _ = make_sides(default_mode="invite_only")
    report = examine(ours.gateway)
    assert report.failed == ["peer.knows_us"], report
    assert "SW_FED_PEER_UNKNOWN" in report.seen("peer.knows_us")
    assert f"admit {OURS} (allowed_peers)" in report.remedy("peer.knows_us")


def test_the_other_gateway_has_us_on_its_deny_list(make_sides):
    ours, _ = make_sides(denied_peers=[OURS])
    report = examine(ours.gateway)
    assert report.failed == ["peer.knows_us"], report
    assert "deny list" in report.remedy("peer.knows_us")


def test_the_other_gateway_cannot_reach_us(make_sides):
    ours, _ = make_sides()
    ours.door.close()
    report = examine(ours.gateway)
    assert report.failed == ["peer.knows_us"], report
    assert "SW_FED_PEER_UNREACHABLE" in report.seen("peer.knows_us")
    assert "'they can see us'" in report.remedy("peer.knows_us")
    assert "through our own listener" in report.seen("peer.sees_us")
    assert "connection refused" in report.seen("peer.sees_us")


def test_the_other_gateway_has_closed_the_room(make_sides):
    ours, theirs = make_sides()
    put_flag(theirs.gateway, "room-42", False)
    report = examine(ours.gateway, room="room-42")
    assert report.failed == ["room.there"], report
    assert "SW_ROOM_FORBIDDEN" in report.seen("room.there")


def test_our_key_was_exchanged_and_the_other_gateway_finds_it_by_itself(make_sides):
    """A mismatch makes a Wavegate fetch the descriptor again, so there is nothing to find."""
    ours, _ = make_sides()
    assert examine(ours.gateway).failed == []
    ours.gateway.stop()
    key = harness.SecretKey()
    os.unlink(ours.world.path("keys", OURS + ".key"))
    key.save(ours.world.path("keys", OURS + ".key"))
    ours.world.keys[OURS] = key
    config = ours.gateway.config_file
    ours.gateway = harness.Gateway(ours.world, config)
    ours.world.gateways.append(ours.gateway)
    ours.door.target = ours.gateway.ingress
    report = examine(ours.gateway)
    assert report.failed == [], report
    assert key.kid in report.seen("peer.sees_us")
