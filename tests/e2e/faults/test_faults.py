# SPDX-License-Identifier: Apache-2.0
"""A full disk, a disk that fails, a clock that is stepped, peers that change: no promise is broken by it."""
import json
import os
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import DEADLINE_S, Gateway, poll  # noqa: E402
from levers import Levers  # noqa: E402
from relaying import FREE_DISK, RETRY  # noqa: E402

PEER, OTHER, A = "peer.example.test", "other.example.test", "a.example.test"


def offer(town, count, **members):
    """Sends that many; returns the ids of those that were promised, and of those refused."""
    promised, refused = [], []
    for _ in range(count):
        event = town.out.event(**members)
        answer = town.out.send(event, PEER)
        assert answer.status in (202, 503), answer
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0
        (promised if answer.status == 202 else refused).append(event["id"])
    return promised, refused


# -- a full disk ---------------------------------------------------------------------------------------

@pytest.fixture
def small_disk(tmp_path):
    """data on a file system of 8 MiB"""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", data],
                             capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip("no tmpfs may be mounted here: " + mounted.stderr.strip())
    yield data
    subprocess.run(["umount", "-l", data], check=True)


def fill(path):
    """Takes what is left."""
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


@pytest.mark.parametrize("kept", ["1MiB", "4KiB"], ids=["bound", "really_full"])
def test_a_full_disk_refuses_and_breaks_no_promise(small_disk, make_relay_town, kept):
    town = make_relay_town(queue={FREE_DISK: kept})
    town.peer.set_mode("refuse", status=503)
    before, refused = offer(town, 5)
    assert refused == []
    fill(small_disk / "filler")
    full, refused = offer(town, 60, body="x" * 20000)
    assert len(refused) > 0
    os.unlink(small_disk / "filler")
    poll(lambda: town.out.send(town.out.event(room_id="room-2"), PEER).status == 202, 30,
         "promises again when there is room")
    after, refused_later = offer(town, 5)
    assert refused_later == []
    town.peer.set_mode("accept")
    promised = before + full + after
    town.peer.wait_for(lambda sink: set(promised) <= set(sink.ids()), 60)
    assert town.peer.ids("room-open") == promised
    assert not set(refused) & set(town.peer.ids())


def test_a_full_disk_and_a_kill_lose_nothing(small_disk, make_relay_town):
    town = make_relay_town(queue={FREE_DISK: "4KiB"})
    town.peer.set_mode("refuse", status=503)
    fill(small_disk / "filler")
    os.truncate(small_disk / "filler", os.path.getsize(small_disk / "filler") - 200000)
    promised, _ = offer(town, 40, body="x" * 20000)
    town.gateway.kill()
    os.unlink(small_disk / "filler")
    town.peer.set_mode("accept")
    town.start()
    if promised:
        town.peer.wait_for_taken(len(promised), 60)
    assert town.peer.ids() == promised


# -- a disk that fails ---------------------------------------------------------------------------------

@pytest.fixture
def levers(tmp_path):
    return Levers(str(tmp_path / "levers"))


def lever_town(make_relay_town, levers, **config):
    """A town whose gateway runs with the levers; the first start made the data."""
    town = make_relay_town(**config)
    town.gateway.stop()
    town.start(environment=levers.environment, **config)
    levers.require()
    return town


def test_an_fsync_that_fails_is_no_promise(make_relay_town, levers):
    town = lever_town(make_relay_town, levers)
    town.peer.set_mode("refuse", status=503)
    before, refused = offer(town, 3)
    assert refused == []
    levers.fail_fsync()
    promised, refused = offer(town, 5)
    assert promised == [] and levers.fsyncs_failed > 0
    levers.fail_fsync(0)
    poll(lambda: town.out.send(town.out.event(room_id="room-2"), PEER).status == 202, 30,
         "promises again when fsync works")
    after, _ = offer(town, 3)
    town.peer.set_mode("accept")
    town.peer.wait_for(lambda sink: set(before + after) <= set(sink.ids()), 60)
    assert town.peer.ids("room-open") == before + after


def test_inbound_events_go_on_while_the_store_fails(make_relay_town, levers):
    """The instance has taken it, so there is nothing to store but the memory of it."""
    town = lever_town(make_relay_town, levers)
    assert town.send().status == 200
    levers.fail_fsync()
    event = town.peer.event()
    assert town.send(event).json["status"] == "accepted"
    assert [seen["id"] for seen in town.a.events][-1] == event["id"]
    town.a.stop()
    answer = town.send()
    assert (answer.status, answer.code) == (503, "SW_FED_UPSTREAM_UNAVAILABLE")
    levers.fail_fsync(0)
    town.a.start()
    poll(lambda: town.send().status == 200, 30)


def test_a_failing_fsync_and_a_kill_break_no_promise(make_relay_town, levers):
    town = lever_town(make_relay_town, levers)
    town.peer.set_mode("refuse", status=503)
    before, _ = offer(town, 4)
    levers.fail_fsync()
    offer(town, 3)
    town.gateway.kill()
    levers.fail_fsync(0)
    town.peer.set_mode("accept")
    town.start(environment=levers.environment)
    town.peer.wait_for_taken(4)
    assert town.peer.ids()[:4] == before


def test_a_database_that_cannot_be_written_is_said_at_the_start(small_disk, make_relay_town):
    town = make_relay_town(queue={FREE_DISK: "1MiB"})
    town.peer.set_mode("refuse", status=503)
    promised, _ = offer(town, 3)
    town.gateway.stop()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    process = subprocess.run([os.environ["WAVEGATE"], "serve", "--config",
                              town.gateway.config_file], stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert process.returncode not in (0, -6, -11), process
    words = process.stderr.lower()
    assert "data" in words and ("read-only" in words or "writ" in words), process.stderr
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    town.peer.set_mode("accept")
    town.start()
    town.peer.wait_for_taken(3)
    assert town.peer.ids() == promised


# -- a clock that is stepped -----------------------------------------------------------------------------

def step_everybody(town, levers, seconds):
    levers.step_clock(seconds)
    for stand_in in (town.a, town.b, town.peer, town.other):
        stand_in.clock = lambda: time.time() + seconds


@pytest.mark.parametrize("seconds", [-3600, 3600], ids=["back", "forth"])
def test_a_stepped_clock_delays_nothing_that_waits(make_relay_town, levers, seconds):
    town = lever_town(make_relay_town, levers, queue={RETRY: "500ms"})
    town.peer.set_mode("refuse", status=503)
    promised, _ = offer(town, 3)
    town.peer.wait_for_attempts(1)
    step_everybody(town, levers, seconds)
    later, _ = offer(town, 3)
    town.peer.set_mode("accept")
    town.peer.wait_for_taken(6, deadline_s=15)
    assert town.peer.ids() == promised + later


@pytest.mark.parametrize("seconds", [-3600, 3600], ids=["back", "forth"])
def test_a_clock_stepped_between_two_runs_delays_nothing_either(make_relay_town, levers, seconds):
    town = lever_town(make_relay_town, levers, queue={RETRY: "500ms"})
    town.peer.set_mode("refuse", status=503)
    town.a.stop()
    promised, _ = offer(town, 3)
    event = town.peer.event()
    assert town.send(event).status == 202
    town.gateway.kill()
    step_everybody(town, levers, seconds)
    town.peer.set_mode("accept")
    town.a.start()
    town.start(environment=levers.environment, queue={RETRY: "500ms"})
    town.peer.wait_for_taken(3, deadline_s=15)
    assert town.peer.ids() == promised
    poll(lambda: town.a.events, 15, "the inbound event")
    # What came in long ago is known still.
    assert town.send(event, created=int(time.time()) + seconds).json["status"] == "duplicate"


# -- peers that change -----------------------------------------------------------------------------------

def test_a_peer_that_changes_its_key_in_between(relay_town):
    relay_town.a.stop()
    sent = [relay_town.peer.event(body="old key")]
    assert relay_town.send(sent[0]).status == 202
    relay_town.peer.set_mode("refuse", status=503)
    promised, _ = offer(relay_town, 2)
    relay_town.peer.rotate()
    relay_town.a.trust(PEER, relay_town.peer.key.public)
    sent.append(relay_town.peer.event(body="new key"))
    assert relay_town.send(sent[1]).status == 202
    relay_town.peer.set_mode("accept")
    relay_town.a.start()
    relay_town.peer.wait_for_taken(2)
    assert relay_town.peer.ids() == promised
    poll(lambda: len(relay_town.a.events) == 2, what="both events")
    assert relay_town.a.events == sent
    assert {seen["peer_signature"] for seen in relay_town.a.requests} == {"verified"}


def test_a_peer_that_moves_to_another_port_and_certificate(relay_town):
    relay_town.peer.set_mode("refuse", status=503)
    promised, _ = offer(relay_town, 3)
    old = relay_town.peer
    old.stop()
    new = relay_town.world.sink(PEER, stem="peer-renewed")
    relay_town.gateway.stop()
    relay_town.peer = new
    relay_town.start()
    new.wait_for_taken(3)
    assert new.ids() == promised
