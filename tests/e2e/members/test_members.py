# SPDX-License-Identifier: Apache-2.0
"""How many participants of other servers a room may have: counted from what passes, kept across restarts."""
import concurrent.futures
import os
import sys

import pytest

import harness

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "admin"))
from operator_kit import Operator  # noqa: E402

BOUND = {"default_mode": "open", "max_foreign_participants_per_room": 2}
MEMBERS = "/_scaiwave/federation/v1/rooms/room-open/members"


class Rooms:
    def __init__(self, world, bound=2):
        self.world = world
        self.a = world.instance("a.example.test")
        self.b = world.instance("b.example.test")
        self.one = world.peer("one.example.test")
        self.two = world.peer("two.example.test")
        self.bound = bound
        self.start()

    def start(self):
        config = self.world.config()
        config["queue"] = {"retry": "100ms*20, 1s"}
        for settings in config["instances"].values():
            settings["federation"] = {**BOUND, "max_foreign_participants_per_room": self.bound}
        self.gateway = self.world.gateway(config)

    def send(self, peer, who, membership=None, room="room-open", **content):
        members = {"sender_id": f"@{who}:{peer.server_name}", "room_id": room}
        if membership:
            members |= {"type": "swp.room.member", "content": {"membership": membership, **content}}
        return self.gateway.ask(peer.send_request("a.example.test", peer.event(**members)))

    def join(self, peer, who, **more):
        return self.send(peer, who, "join", **more)


@pytest.fixture
def rooms(world):
    return Rooms(world)


def refused(answer, count=2):
    return (answer.status, answer.code) == (403, "SW_FED_POLICY_REJECTED") and answer.message == \
        f"the room has {count} participants of other servers; max_foreign_participants_per_room is 2"


def test_one_too_many_is_refused_until_somebody_leaves(rooms):
    assert rooms.join(rooms.one, "x").status == 200
    assert rooms.join(rooms.two, "y").status == 200
    assert refused(rooms.join(rooms.two, "z"))
    assert rooms.join(rooms.one, "x").status == 200  # is there already
    assert rooms.send(rooms.one, "x").status == 200
    assert refused(rooms.send(rooms.two, "z"))  # nor may he speak
    assert rooms.join(rooms.two, "z", room="room-private").status == 403  # another room; the instance's no
    assert rooms.send(rooms.one, "x", "leave").status == 200
    assert rooms.join(rooms.two, "z").status == 200
    assert refused(rooms.join(rooms.one, "x"))


def test_operators_see_the_count(rooms):
    operator = Operator(rooms.gateway)
    flag = "/v1/admin/rooms/room-open/federate?server_name=a.example.test"
    assert operator.get(flag).json["foreign_participants"] is None
    rooms.join(rooms.one, "x")
    assert operator.get(flag).json["foreign_participants"] == 1
    rooms.send(rooms.one, "x", "leave")
    assert operator.get(flag).json["foreign_participants"] == 0


def test_who_was_only_heard_counts_too(rooms):
    assert rooms.send(rooms.one, "x").status == 200
    assert rooms.send(rooms.one, "y").status == 200
    assert refused(rooms.join(rooms.two, "z"))


def test_what_the_instance_refuses_brings_nobody(rooms):
    rooms.a.rooms["room-open"]["federated"] = False
    for who in "vwxyz":
        assert rooms.join(rooms.one, who).code == "SW_ROOM_FORBIDDEN"
    rooms.a.rooms["room-open"]["federated"] = True
    assert rooms.join(rooms.two, "y").status == 200
    assert rooms.join(rooms.two, "z").status == 200
    assert refused(rooms.join(rooms.one, "x"))


def test_of_many_at_once_only_as_many_pass_as_there_are_places(rooms):
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda number: rooms.join(rooms.one, f"u{number}"), range(12)))
    assert sorted(answer.status for answer in answers) == [200] * 2 + [403] * 10
    assert len(rooms.a.members["room-open"]) == 3


def test_the_count_outlasts_a_restart(rooms):
    assert rooms.join(rooms.one, "x").status == 200
    assert rooms.join(rooms.two, "y").status == 200
    assert rooms.send(rooms.one, "x", "leave").status == 200
    assert rooms.join(rooms.one, "w").status == 200
    rooms.gateway.stop()
    rooms.start()
    assert refused(rooms.join(rooms.one, "x"))
    assert rooms.join(rooms.one, "w").status == 200


def test_the_instances_own_list_counts_most(rooms):
    assert rooms.join(rooms.one, "x").status == 200
    rooms.a.members["room-open"] = {"@bob:a.example.test", "@p:one.example.test", "@q:one.example.test"}
    answer = rooms.gateway.ask(rooms.one.request("a.example.test", "GET", MEMBERS))
    assert answer.status == 200
    assert refused(rooms.join(rooms.two, "y"))
    assert refused(rooms.join(rooms.one, "x"))  # the list did not have him any more
    assert rooms.send(rooms.one, "p").status == 200
    rooms.a.members["room-open"] = set()
    rooms.gateway.ask(rooms.one.request("a.example.test", "GET", MEMBERS))
    assert rooms.join(rooms.two, "y").status == 200


def test_an_invite_of_ours_is_bounded_and_a_ban_of_ours_makes_room(rooms):
    client = rooms.gateway.client("a.example.test")

    def member(membership, participant):
        return client.send(client.event(
            type="swp.room.member",
            content={"membership": membership, "participant_id": participant}), rooms.one.server_name)
    for who in "xy":
        assert rooms.join(rooms.one, who).status == 200
    answer = member("invite", "@z:two.example.test")
    assert (answer.status, answer.code) == (403, "SW_FED_POLICY_REJECTED")
    assert member("invite", "@bob:a.example.test").status == 202
    assert member("ban", "@x:one.example.test").status == 202
    assert member("invite", "@z:two.example.test").status == 202
    assert rooms.join(rooms.two, "z").status == 200


def test_a_join_that_waits_counts_and_is_taken_back_when_it_comes_to_nothing(rooms):
    rooms.a.set_mode("down")
    for who in "xy":
        assert rooms.join(rooms.one, who).status == 202
    assert refused(rooms.join(rooms.two, "z"))
    rooms.a.rooms["room-open"]["federated"] = False
    rooms.a.set_mode("normal")
    rooms.gateway.log.wait("federation.send.failed", count=2, status=403)
    rooms.a.rooms["room-open"]["federated"] = True
    harness.poll(lambda: rooms.join(rooms.two, "z").status == 200)


def test_an_instance_behind_the_same_gateway_is_another_server(rooms):
    b = rooms.gateway.client("b.example.test")
    rooms.a.trust("b.example.test", rooms.world.keys["b.example.test"].public)

    def join(who):
        return b.send(b.event(type="swp.room.member", sender_id=f"@{who}:b.example.test",
                              content={"membership": "join"}), "a.example.test")
    assert join("x").status == 202
    assert rooms.join(rooms.one, "y").status == 200
    answer = join("z")
    assert (answer.status, answer.code) == (403, "SW_FED_POLICY_REJECTED")
    assert "has 2 participants" in answer.message
