# SPDX-License-Identifier: Apache-2.0
"""Bounds of the queue: past them a clear 503 with Retry-After, and nothing half-stored."""
import pytest

from relaying import BYTES, ROWS

PEER, OTHER = "peer.example.test", "other.example.test"


def assert_full(answer):
    assert answer.status == 503, answer
    assert answer.code.startswith("SW_") and answer.message
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("bound, body, fits", [({ROWS: 10}, "x", 10),
                                               ({BYTES: "1MiB"}, "x" * 60000, 17)],
                         ids=["rows", "bytes"])
def test_outbound_past_the_bound_is_refused_and_taken_again_later(make_relay_town, bound, body, fits):
    town = make_relay_town(queue=bound)
    town.peer.set_mode("refuse", status=503)
    answers = []
    for _ in range(fits + 3):
        answers.append(town.out.send(town.out.event(body=body), PEER))
    statuses = [answer.status for answer in answers]
    promised = statuses.count(202)
    assert fits - 1 <= promised <= fits and statuses == [202] * promised + [503] * (fits + 3 - promised)
    assert_full(answers[-1])
    assert len(town.queue.ids()) == promised
    town.peer.set_mode("accept")
    town.peer.wait_for_taken(promised)
    town.queue.wait_until_empty()
    assert town.out.send(town.out.event(body=body), PEER).status == 202
    town.peer.wait_for_taken(promised + 1)


def test_inbound_past_the_bound_is_refused(make_relay_town):
    town = make_relay_town(queue={ROWS: 10})
    town.a.stop()
    statuses = [town.send().status for _ in range(12)]
    assert statuses == [202] * 10 + [503] * 2
    assert_full(town.send())
    # What does not need the queue goes on.
    assert town.send(to="b.example.test").status == 200


def test_a_relay_that_does_not_fit_is_stored_for_nobody(make_relay_town):
    town = make_relay_town(queue={ROWS: 10})
    for sink in (town.peer, town.other):
        sink.set_mode("refuse", status=503)
    for _ in range(9):
        assert town.out.send(town.out.event(), PEER).status == 202
    assert_full(town.out.relay(town.out.event(), [PEER, OTHER]))
    assert town.queue.ids(peer=OTHER) == []
    assert len(town.queue.ids()) == 9


def test_a_refused_event_is_no_duplicate_later(make_relay_town):
    town = make_relay_town(queue={ROWS: 1})
    town.peer.set_mode("refuse", status=503)
    first, second = town.out.event(), town.out.event()
    assert town.out.send(first, PEER).status == 202
    assert_full(town.out.send(second, PEER))
    town.peer.set_mode("accept")
    town.peer.wait_for_taken(1)
    town.queue.wait_until_empty()
    assert town.out.send(second, PEER).status == 202
    town.peer.wait_for_taken(2)
    assert town.peer.ids() == [first["id"], second["id"]]
