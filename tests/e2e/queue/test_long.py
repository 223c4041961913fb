# SPDX-License-Identifier: Apache-2.0
"""Verbs over some ten thousand deliveries: what --dry-run says is what is done, in pieces, and people see how far
it is."""
import json
import os
import pty
import re
import subprocess
import threading

import pytest

import harness
from harness import poll
from relaying import PEER, RETRY, WAITING

EVENTS, PEERS, ROOMS = 20000, ["p%d.example.test" % i for i in range(4)], 2500
HEADS = len(PEERS) * ROOMS
ONE = EVENTS // len(PEERS)


@pytest.fixture
def heap(make_relay_town):
    """20,000 events for four peers that cannot be found."""
    tool = os.path.join(os.environ.get("WAVEGATE_BUILD", ""), "tests", "relay_fill")
    if not os.path.exists(tool):
        pytest.skip(f"{tool} is not built")
    town = make_relay_town(queue={RETRY: "1h"})
    town.gateway.stop()
    subprocess.run([tool, "--folder", town.gateway.data, "--instance", "a.example.test",
                    "--peers", town.world.write("peers", "\n".join(PEERS) + "\n"),
                    "--events", str(EVENTS), "--rooms", str(ROOMS), "--size", "10"],
                   check=True, timeout=60)
    town.start(queue={RETRY: "1h"})
    return town


def sums(town):
    return {row[PEER]: row[WAITING] for row in town.queue.list("shape")}


def at_a_terminal(town, *words):
    """Runs the verb with standard error at a terminal: (standard output, what the terminal showed)."""
    ours, theirs = pty.openpty()
    shown = []

    def read():
        try:
            while data := os.read(ours, 4096):
                shown.append(data)
        except OSError:  # the other end has closed
            pass
    reader = threading.Thread(target=read)
    reader.start()
    try:
        done = subprocess.run([harness.wavegate_binary(), "queue", *words, "--config",
                               town.gateway.config_file], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True)
    finally:
        os.close(theirs)
        reader.join(10)
        os.close(ours)
    return done.stdout.decode(), b"".join(shown).decode()


def both(town, *words, **options):
    """The verb as a rehearsal, then for good; returns what both say they changed."""
    rehearsed = town.queue.change(*words, dry_run=True, **options)
    assert town.queue.change(*words, **options) == rehearsed
    return rehearsed


def test_a_rehearsal_counts_what_is_done(heap):
    assert sums(heap) == {peer: ONE for peer in PEERS}
    assert both(heap, "retry", all=True) == HEADS
    assert both(heap, "drop", peer=PEERS[0], reason="gone") == ONE
    assert sums(heap) == {peer: ONE for peer in PEERS[1:]}
    assert both(heap, "requeue", peer=PEERS[0]) == ONE
    assert sums(heap) == {peer: ONE for peer in PEERS}
    assert both(heap, "drop", all=True) == EVENTS
    assert sums(heap) == {}
    assert both(heap, "drop", all=True, state="dead") == EVENTS
    assert both(heap, "requeue", all=True) == 0


def test_a_rehearsal_changes_nothing(heap):
    before = sums(heap)
    assert heap.queue.change("drop", all=True, dry_run=True) == EVENTS
    assert heap.queue.change("drop", all=True, dry_run=True) == EVENTS
    assert (sums(heap), heap.queue.dead()) == (before, [])


@pytest.mark.parametrize("words", [["drop", "--all"], ["drop", "--all", "--dry-run"],
                                   ["retry", "--all"]])
def test_long_work_shows_how_far_it_is(heap, words):
    said, shown = at_a_terminal(heap, *words)
    total = HEADS if words[0] == "retry" else EVENTS
    steps = [int(number) for number in re.findall(r"\r%s: (\d+) so far" % words[0], shown)]
    assert len(steps) >= 3 and steps == sorted(set(steps)) and steps[-1] <= total, shown
    assert shown.endswith("\r\x1b[K"), "the line is taken away again"
    assert said.startswith(f"{words[0]}: {total} "), said


def test_long_work_holds_up_no_promise(heap):
    """While thousands are given up, what is sent is promised and delivered, and the rest is dropped by then."""
    drop = subprocess.Popen([harness.wavegate_binary(), "queue", "drop", "--all", "--type",
                             "swp.room.message", "--json", "--config", heap.gateway.config_file],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    sent = []
    while drop.poll() is None:
        event = heap.out.event(room_id=f"room-{len(sent)}", type="swp.room.topic")
        assert heap.out.send(event, "peer.example.test").status == 202
        sent.append(event["id"])
    assert json.loads(drop.stdout.read())["changed"] == EVENTS
    drop.stdout.close()
    heap.peer.wait_for_taken(len(sent))
    poll(lambda: sums(heap) == {}, what="an empty queue")
    assert sorted(heap.peer.ids()) == sorted(sent) and len(sent) > 3
