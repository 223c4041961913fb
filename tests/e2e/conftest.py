# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests; WAVEGATE names the binary."""
import os
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
import relaying  # noqa: E402


@pytest.fixture
def world(tmp_path):
    """An empty world: the test says who lives in it and starts the gateway."""
    made = harness.World(tmp_path)
    yield made
    made.close()


class Town:
    """The usual neighbourhood: instances a and b, one admitted peer, one gateway."""

    def __init__(self, folder, policy=harness.STANDARD_POLICY):
        self.world = harness.World(folder)
        self.a = self.world.instance("a.example.test")
        self.b = self.world.instance("b.example.test")
        self.peer = self.world.peer("peer.example.test")
        self.gateway = self.world.gateway(policy=policy)
        self.log = self.gateway.log

    def send(self, event=None, to="a.example.test", **signing):
        """An event from the peer, signed as it should be unless signing says otherwise."""
        event = self.peer.event() if event is None else event
        return self.gateway.ask(self.peer.send_request(to, event, **signing))

    def get(self, target, server_name="a.example.test", **signing):
        return self.gateway.ask(self.peer.request(server_name, "GET", target, **signing))


@pytest.fixture
def town(tmp_path):
    made = Town(tmp_path)
    yield made
    made.world.close()


@pytest.fixture(scope="module")
def shared_town(tmp_path_factory, request):
    """One gateway for all tests of a file whose tests leave no traces that others would trip over.
    A module's POLICY replaces the standard policy."""
    made = Town(tmp_path_factory.mktemp("town"),
                getattr(request.module, "POLICY", harness.STANDARD_POLICY))
    yield made
    made.world.close()


class RelayTown:
    """Instances a and b, two peers that check all they get, and a gateway that retries quickly."""

    def __init__(self, folder, policy=harness.STANDARD_POLICY, **config):
        self.world = harness.World(folder)
        self.a = self.world.instance("a.example.test")
        self.b = self.world.instance("b.example.test")
        self.peer = self.world.sink("peer.example.test")
        self.other = self.world.sink("other.example.test")
        self.policy = policy
        self.gateway = None
        self.start(**config)

    def start(self, environment=None, **config):
        """The gateway, for the first time or again on the same data."""
        settings = relaying.town_config(self.world, **config)
        self.gateway = self.world.gateway(settings, self.policy, environment)
        self.log = self.gateway.log
        self.queue = relaying.Queue(self.gateway)
        self.out = self.gateway.client("a.example.test")

    def send(self, event=None, to="a.example.test", **signing):
        """An event from the peer to an instance."""
        event = self.peer.event() if event is None else event
        return self.gateway.ask(self.peer.send_request(to, event, **signing))


@pytest.fixture
def relay_town(tmp_path, request):
    """A module's POLICY replaces the standard policy."""
    made = RelayTown(tmp_path, getattr(request.module, "POLICY", harness.STANDARD_POLICY))
    yield made
    made.world.close()


@pytest.fixture
def make_relay_town(tmp_path, request):
    """For tests with settings of their own: make_relay_town(queue={...}, instance={...})."""
    towns = []

    def make(policy=None, **config):
        chosen = policy or getattr(request.module, "POLICY", harness.STANDARD_POLICY)
        towns.append(RelayTown(tmp_path, chosen, **config))
        return towns[-1]
    yield make
    for town in towns:
        town.world.close()
