# SPDX-License-Identifier: Apache-2.0
"""A town whose policy is the test's own."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

HEAD = 'local wavegate = require "wavegate"\n'
OPEN = HEAD + 'wavegate.on("peer", function() return wavegate.allow() end)\n'


class Town:
    def __init__(self, folder, policy, /, **changes):
        self.world = world = harness.World(folder)
        self.a = world.instance("a.example.test")
        self.peer = world.peer("peer.example.test")
        self.world.write("policies/main.lua", policy)
        self.changes = changes
        self.start()

    def start(self, policy=None, /, **changes):
        """The gateway, for the first time or again on the same data."""
        if policy is not None:
            self.world.write("policies/main.lua", policy)
        config = self.world.config(**{**self.changes, **changes})
        on_error = config.pop("on_error", None)
        if on_error:
            config["instances"]["a.example.test"]["on_error"] = on_error
        self.gateway = self.world.gateway(config)
        self.log = self.gateway.log

    def reload(self, policy):
        mark = self.log.mark()
        self.world.write("policies/main.lua", policy)
        return self.log.wait("policy.reloaded", since=mark, server="a.example.test")

    def event(self, peer=None, **members):
        return (peer or self.peer).event(**members)

    def send(self, event=None, peer=None, **signing):
        peer = peer or self.peer
        event = peer.event() if event is None else event
        return self.gateway.ask(peer.send_request("a.example.test", event, **signing))

    def get(self, target, peer=None, **signing):
        return self.gateway.ask((peer or self.peer).request("a.example.test", "GET", target,
                                                            **signing))

    def backfill(self, query="", room="room-open", **signing):
        return self.get(f"/_scaiwave/federation/v1/rooms/{room}/backfill{query}", **signing)

    def members(self, room="room-open", **signing):
        return self.get(f"/_scaiwave/federation/v1/rooms/{room}/members", **signing)

    def profile(self, local_id="bob", **signing):
        return self.get(f"/_scaiwave/federation/v1/profile/{local_id}", **signing)


@pytest.fixture
def build(tmp_path):
    """build(policy, **changes of the configuration) starts a town with it."""
    made = []

    def make(policy, /, **changes):
        made.append(Town(tmp_path / str(len(made)), policy, **changes))
        return made[-1]
    yield make
    for town in made:
        town.world.close()
