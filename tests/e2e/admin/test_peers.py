# SPDX-License-Identifier: Apache-2.0
"""What is known of peers, and that a restart does not lose it."""
import time

import pytest

import harness
from operator_kit import Operator

PEERS = "/v1/admin/federation/peers"
ONE = "/_wavegate/v1/peers/peer.example.test"


def test_a_peer_that_sent_has_a_row(town, operator):
    assert operator.get(PEERS).json == {"peers": []}
    before = int(time.time())
    for _ in range(3):
        town.send()
    town.send(town.peer.event(room_id="room-private"))
    row, = operator.get(PEERS).json["peers"]
    assert row["server_name"] == "peer.example.test"
    assert before <= row["first_seen"] <= row["last_seen"] <= time.time()
    assert (row["events_received_24h"], row["requests_refused_24h"], row["events_sent_24h"]) == \
        (3, 1, 0)
    assert row["keys"][0]["kid"] == town.peer.key.kid
    assert row["descriptor"]["common_version"] is True
    assert row["descriptor"]["certificate_until"] > time.time()
    one = operator.get(ONE).json
    assert one["queue"] == {"deliveries": 0}
    assert operator.get("/_wavegate/v1/peers/other.example.test").status == 404
    assert operator.get("/_wavegate/v1/peers/not%20a%20name").status == 400


def test_the_last_error_is_told_with_its_time_and_whether_it_is_proven(town, operator):
    town.send()
    town.send(created=int(time.time()) - 120)
    row, = operator.get(PEERS).json["peers"]
    assert row["last_error"].startswith("SW_FED_SIGNATURE_MISMATCH: ") and "120" in row["last_error"]
    assert row["last_error_detail"]["proven"] is False
    assert row["last_error_detail"]["stage"] == "claim"
    assert row["last_error_at"] >= row["first_seen"]


def test_what_was_asked_for_in_vain_is_told_too(town, operator):
    answer = operator.post("/_wavegate/v1/peers/gone.example.test/refresh")
    assert (answer.status, answer.code) == (503, "SW_FED_PEER_UNREACHABLE")
    row, = operator.get(PEERS).json["peers"]
    assert row["server_name"] == "gone.example.test" and row["last_seen"] is None
    assert row["last_error_detail"]["stage"] == "discover"
    assert row["discovery_retry_in_s"] > 0


def test_a_refresh_fetches_the_descriptor_whatever_was_tried_lately(town, operator):
    town.send()
    old = town.peer.rotate()
    for fetches in (2, 3):
        answer = operator.post(ONE + "/refresh")
        assert answer.status == 200, answer
        town.peer.wait_for_fetches(fetches)
    assert [key["kid"] for key in answer.json["keys"]] == [town.peer.key.kid, old.kid]
    assert len(operator.audit(action="federation.peer.refresh")) == 2


def test_a_forgotten_peer_is_as_one_never_met(town, operator):
    town.send()
    assert operator.delete(ONE).status == 200
    assert operator.get(PEERS).json == {"peers": []}
    assert operator.delete(ONE).status == 404
    town.send()
    assert operator.get(ONE).json["events_received_24h"] == 1


def test_peers_outlast_a_restart(town, operator):
    town.send()
    town.send(town.peer.event(room_id="room-private"))
    town.send(created=int(time.time()) - 120)
    old = town.peer.rotate()
    town.send()
    before = operator.get(ONE).json
    town.gateway.stop()
    again = Operator(town.world.gateway())
    after = again.get(ONE).json
    for name in ("first_seen", "last_seen", "last_error", "last_error_at", "events_received_24h",
                 "requests_refused_24h", "keys"):
        assert after[name] == before[name], name
    assert after["last_error_detail"] == before["last_error_detail"]
    assert len(after["keys"]) == 2 and old.kid in str(after["keys"])


def test_strangers_are_not_kept(town, operator):
    stranger = town.world.peer("stranger.example.test")
    town.gateway.ask(stranger.send_request("a.example.test", stranger.event()))
    town.gateway.stop()
    assert Operator(town.world.gateway()).get(PEERS).json == {"peers": []}


def test_policies_are_told_the_counts(town, operator):
    for _ in range(2):
        town.send()
    town.world.write("policies/main.lua", 'local w = require "wavegate"\nw.use("standard")\n'
                     'w.on("event", function(_, ctx)\n  return w.deny { reason = '
                     'ctx.peer.events_24h .. " " .. ctx.peer.failures_24h }\nend)\n')
    operator.post("/_wavegate/v1/generations/reload?server_name=a.example.test")
    assert town.send().message == "2 0"
    assert town.send().message == "2 1"


def test_many_peers_come_page_by_page(world):
    world.instance()
    names = [f"peer{number}.example.test" for number in range(12)]
    peers = [world.peer(name) for name in names]
    gateway = world.gateway()
    for peer in peers:
        assert gateway.ask(peer.send_request("a.example.test", peer.event())).status == 200
    operator = Operator(gateway)
    seen, cursor = [], ""
    while True:
        page = operator.get(f"{PEERS}?limit=5{cursor}").json
        seen += [row["server_name"] for row in page["peers"]]
        if "next_cursor" not in page:
            break
        cursor = "&cursor=" + page["next_cursor"]
    assert seen == sorted(names)
    for query in ("limit=0", "limit=1001", "limit=x"):
        assert operator.get(f"{PEERS}?{query}").status == 400
