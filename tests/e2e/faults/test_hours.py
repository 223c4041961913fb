# SPDX-License-Identifier: Apache-2.0
"""A peer that fails for an hour, and an hour that comes twice: what waits is tried by the schedule, not less and
not more often, and arrives afterwards, in order. The hour passes on the gateway's clocks only (levers.py)."""
import json
import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import poll  # noqa: E402
from levers import Levers  # noqa: E402
from relaying import RETRY  # noqa: E402
from scaiwave import events, signatures  # noqa: E402

A, PEER = "a.example.test", "peer.example.test"
HOUR, LONGEST, BEFORE_PROBES = 3600, 900, 5
STEPS = 8  # in which the time since the last attempt grows by its half, so that a late look is a small error


class Time:
    """The gateway's time, which passes while it has nothing else to do."""

    def __init__(self, town, levers):
        self.town, self.levers, self.stepped = town, levers, 0
        for stand_in in (town.a, town.b, town.peer, town.other):
            stand_in.clock = lambda: time.time() + levers.passed + self.stepped

    def step_wall_clock(self, seconds):
        self.stepped = seconds
        self.levers.step_clock(seconds)

    def _turn(self):
        """The gateway's worker has looked at the clock, and what was due by it has come to its end, when this
        returns: no time passes for what is on its way, which would be a timeout."""
        peer = self.town.peer
        connections, attempts = peer.connections, len(peer.attempts)
        for _ in range(2):
            answer = self.town.gateway.ask(
                signatures.Request("GET", events.WELL_KNOWN, A, [("Host", A)]))
            assert answer.status == 200, answer
        if peer.connections > connections:
            peer.wait_for_attempts(attempts + 1)
        poll(lambda: len(self._outcomes()) >= len(peer.attempts), what="the end of the attempt")

    def _outcomes(self):
        return [record for name in ("federation.send.failed", "federation.send.success")
                for record in self.town.log.find(name, stage="deliver")]

    def pass_until(self, question, at_most):
        """Little by little, in steps that grow with the time since the last attempt. -> how long it was"""
        began, since, count = self.levers.passed, self.levers.passed, len(self.town.peer.attempts)
        while not question():
            assert self.levers.passed - began < at_most, f"nothing within {at_most} s"
            if len(self.town.peer.attempts) > count:
                since, count = self.levers.passed, len(self.town.peer.attempts)
            self.levers.pass_time(0.1 + (self.levers.passed - since) / STEPS)
            self._turn()
        return self.levers.passed - began


@pytest.fixture
def hour(make_relay_town, tmp_path):
    """A town with the schedule as it is shipped, whose peer answers 500."""
    levers = Levers(str(tmp_path / "levers"))
    settings = {"queue": {RETRY: None}, "workers": 1}
    town = make_relay_town(**settings)
    town.gateway.stop()
    town.start(environment=levers.environment, **settings)
    levers.require()
    town.time = Time(town, levers)
    town.peer.set_mode("refuse", status=500)
    town.sent = []
    for i in range(3):
        event = town.out.event(body=str(i))
        assert town.out.send(event, PEER).status == 202
        town.sent.append(event["id"])
    town.peer.wait_for_attempts(1)
    return town


def bounds(number):
    """Between which the next attempt comes after that one: full jitter, then probes in the upper half."""
    if number < BEFORE_PROBES:
        return 0, 2 ** (number - 1)
    bound = min(2 ** (number - BEFORE_PROBES), LONGEST)
    return bound / 2, bound


def check_schedule(times):
    for number, (at, after) in enumerate(zip(times, times[1:]), 1):
        least, most = bounds(number)
        # A second for times that are whole ones; what is due is seen when the clock is next looked at.
        assert least - 1 <= after - at <= most * (1 + 3 / STEPS) + 2, (number, after - at, times)


def expected_attempts():
    """The fewest and the most that an hour has room for, if all gaps are the longest, or the middle of theirs."""
    def fit(length):
        number, used = 1, 0
        while used + length(*bounds(number)) <= HOUR:
            used += length(*bounds(number))
            number += 1
        return number
    return fit(lambda least, most: most * (1 + 3 / STEPS) + 2) - 1, fit(lambda least, most: least) + 1


def check_all_arrive(town, attempts):
    town.peer.set_mode("accept")
    town.time.pass_until(lambda: len(town.peer.taken) == 3, 2 * LONGEST)
    assert town.peer.ids() == town.sent
    town.queue.wait_until_empty()
    assert town.queue.dead() == [] and town.peer.problems == []
    story = town.queue.show(town.sent[0])
    assert json.dumps(story).count('"number"') == attempts + 1, story


def test_answers_500_for_an_hour(hour):
    hour.time.pass_until(lambda: hour.time.levers.passed >= HOUR, 2 * HOUR)
    attempts = list(hour.peer.attempts)
    assert {attempt.event_id for attempt in attempts} == {hour.sent[0]}, "nobody overtakes"
    check_schedule([attempt.created for attempt in attempts])
    fewest, most = expected_attempts()
    assert fewest <= len(attempts) <= most, len(attempts)
    assert len(hour.queue.list()) == 3 and hour.queue.dead() == []
    check_all_arrive(hour, len(attempts))


@pytest.mark.parametrize("after", [3, 9], ids=["between_retries", "between_probes"])
def test_an_hour_that_comes_twice_changes_nothing(hour, after):
    """The wall clock is stepped back by an hour while the peer fails: no hour of silence, no rush."""
    hour.time.pass_until(lambda: len(hour.peer.attempts) == after, HOUR)
    hour.time.step_wall_clock(-HOUR)
    hour.time.pass_until(lambda: len(hour.peer.attempts) == after + 6, 4 * LONGEST)
    attempts = list(hour.peer.attempts)
    assert {attempt.event_id for attempt in attempts} == {hour.sent[0]}
    check_schedule([attempt.created + (HOUR if i >= after else 0)
                    for i, attempt in enumerate(attempts)])
    check_all_arrive(hour, len(attempts))
