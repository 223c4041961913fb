# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

import harness
import relaying

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import doctor_kit  # noqa: E402


class Street:
    """One instance, one neighbour, and a gateway between them."""

    def __init__(self, folder, policy=harness.STANDARD_POLICY, certificate=None, resolve=None,
                 **federation):
        self.world = harness.World(folder)
        self.a = self.world.instance("a.example.test")
        self.peer = self.world.peer(doctor_kit.NAME, kind=doctor_kit.Neighbour,
                                    **(certificate or {}))
        self.peer.trust("a.example.test", self.world.keys["a.example.test"].public)
        self.world.resolve.update(resolve(self) if resolve else {})
        config = relaying.town_config(self.world)
        config["instances"]["a.example.test"]["federation"] = {
            "default_mode": "invite_only", "allowed_peers": [doctor_kit.NAME], **federation}
        self.gateway = self.world.gateway(config, policy)

    def examine(self, room=None):
        return doctor_kit.examine(self.gateway, room=room)

    def receive(self, event=None, **signing):
        """An event from the neighbour to the instance."""
        event = self.peer.event() if event is None else event
        return self.gateway.ask(self.peer.send_request("a.example.test", event, **signing))


@pytest.fixture
def make_street(tmp_path):
    streets = []

    def make(**how):
        streets.append(Street(tmp_path, **how))
        return streets[-1]
    yield make
    for street in streets:
        street.world.close()


@pytest.fixture
def street(make_street):
    return make_street()
