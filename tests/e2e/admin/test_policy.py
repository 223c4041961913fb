# SPDX-License-Identifier: Apache-2.0
"""The policy document, the flags of rooms, and generations: changed while the gateway runs."""
import threading

import pytest

from operator_kit import Operator

A = "?server_name=a.example.test"
DOCUMENT = "/v1/admin/federation/policy" + A
FLAG = "/v1/admin/rooms/{}/federate" + A
GENERATIONS = "/_wavegate/v1/generations"


def test_the_document_is_what_the_configuration_says_until_one_is_put(operator):
    answer = operator.get(DOCUMENT)
    assert answer.json == {"default_mode": "invite_only", "allowed_peers": ["peer.example.test"],
                           "denied_peers": [], "max_foreign_participants_per_room": 0,
                           "max_backfill_events_per_request": 100, "hide_history_before": 0}
    assert answer.headers["ETag"] == '"0"'


def test_a_part_is_merged_and_decides_from_the_next_request_on(town, operator):
    assert town.send().status == 200
    answer = operator.put(DOCUMENT, {"allowed_peers": ["other.example.test"]})
    assert answer.status == 200, answer
    assert answer.json["allowed_peers"] == ["other.example.test"]
    assert answer.json["default_mode"] == "invite_only"
    for _ in range(8):  # whichever worker takes it
        refused = town.send()
        assert (refused.status, refused.code) == (403, "SW_FED_PEER_UNKNOWN")
    assert town.send(to="b.example.test").status == 200, "the other instance has its own"
    operator.put(DOCUMENT, {"default_mode": "open"})
    for _ in range(8):
        assert town.send().status == 200
    assert operator.get(DOCUMENT).json["allowed_peers"] == ["other.example.test"]


def test_the_documented_call_works_as_it_is_written(operator):
    answer = operator.put("/v1/admin/federation/policy", b'{"allowed_peers": ["peer.example.com"]}',
                          host="a.example.test",
                          headers=[("Content-Type", "application/x-www-form-urlencoded")])
    assert answer.status == 200 and answer.json["allowed_peers"] == ["peer.example.com"]


@pytest.mark.parametrize("change", [
    {"default_mode": "closed", "allowed_peers": [1]}, {"default_mode": "shut"},
    {"allowed_peers": ["*"]}, {"allowed_peers": ["127.0.0.1"]}, {"allowed_peer": []},
    {"max_backfill_events_per_request": 1e9}, {"max_foreign_participants_per_room": -1}])
def test_one_wrong_member_spoils_the_whole_change(operator, change):
    before = operator.get(DOCUMENT)
    answer = operator.put(DOCUMENT, change)
    assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST")
    after = operator.get(DOCUMENT)
    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])
    assert operator.audit(action="federation.policy.*") == []


def test_a_document_the_policies_cannot_work_with_is_refused(town, operator):
    town.world.write("policies/main.lua", 'local d = require "wavegate.document"\n'
                     'if d.default_mode == "open" then error "not here" end\n'
                     'require("wavegate").use("standard")\n')
    operator.post(GENERATIONS + "/reload" + A)
    answer = operator.put(DOCUMENT, {"default_mode": "open"})
    assert answer.status == 400 and "not here" in answer.message and "main.lua:2" in answer.message
    assert operator.get(DOCUMENT).json["default_mode"] == "invite_only"


def test_a_broken_file_on_disk_does_not_keep_an_operator_from_closing_the_door(town, operator):
    town.world.write("policies/main.lua", "this is not Lua\n")
    town.log.wait("policy.reload_failed")
    assert operator.put(DOCUMENT, {"default_mode": "closed"}).status == 200
    assert town.send().code == "SW_FED_PEER_UNKNOWN"


def test_lost_updates_are_prevented_with_if_match(operator):
    first = operator.get(DOCUMENT).headers["ETag"]
    second = operator.put(DOCUMENT, {"denied_peers": ["bad.example"]},
                          headers=[("If-Match", first)]).headers["ETag"]
    assert second != first
    answer = operator.put(DOCUMENT, {"denied_peers": []}, headers=[("If-Match", first)])
    assert (answer.status, answer.code) == (412, "SW_PRECONDITION_FAILED")
    assert operator.get(DOCUMENT).json["denied_peers"] == ["bad.example"]
    for field in (f'"x", {second}', "*"):
        answer = operator.put(DOCUMENT, {"denied_peers": []}, headers=[("If-Match", field)])
        assert answer.status == 200
        second = answer.headers["ETag"]


def test_changes_at_the_same_time_lose_nothing(operator):
    parts = [{"default_mode": "open"}, {"denied_peers": ["a.example"]},
             {"allowed_peers": ["b.example"]}, {"max_backfill_events_per_request": 7},
             {"max_foreign_participants_per_room": 8}, {"hide_history_before": 9}]
    threads = [threading.Thread(target=operator.put, args=(DOCUMENT, part)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert operator.get(DOCUMENT).json == {key: value for part in parts for key, value in part.items()}


def test_a_put_document_outlasts_a_restart_and_delete_goes_back(town, operator):
    operator.put(DOCUMENT, {"default_mode": "closed"})
    etag = operator.get(DOCUMENT).headers["ETag"]
    town.gateway.stop()
    gateway = town.gateway = town.world.gateway()
    again = Operator(gateway)
    assert town.send().code == "SW_FED_PEER_UNKNOWN"
    answer = again.get(DOCUMENT)
    assert (answer.json["default_mode"], answer.headers["ETag"]) == ("closed", etag)
    answer = again.delete(DOCUMENT)
    assert (answer.status, answer.json["default_mode"]) == (200, "invite_only")
    assert answer.headers["ETag"] == '"0"'
    assert town.send().status == 200
    assert again.delete(DOCUMENT).status == 200


def test_a_change_is_in_the_audit_with_who_and_what(operator):
    operator.put(DOCUMENT, {"default_mode": "closed"})
    row, = operator.audit(action="federation.policy.put")
    assert row["server"] == "a.example.test" and row["actor"].startswith("token:")
    assert row["extra"]["before"]["default_mode"] == "invite_only"
    assert row["extra"]["after"]["default_mode"] == "closed"


def test_the_flag_of_a_room_decides_from_the_next_request_on(town, operator):
    target = FLAG.format("room-open")
    assert operator.get(target).json == {"room_id": "room-open", "server": "a.example.test",
                                         "federate": None, "foreign_participants": None}
    assert town.send().status == 200
    assert operator.put(target, {"federate": False}).json["federate"] is False
    for _ in range(8):
        refused = town.send()
        assert (refused.status, refused.code) == (403, "SW_ROOM_FORBIDDEN")
    assert town.send(to="b.example.test").status == 200
    assert operator.put(target, {"federate": True}).json["federate"] is True
    assert town.send().status == 200
    town.gateway.stop()
    again = Operator(town.world.gateway())
    assert again.get(target).json["federate"] is True
    assert again.put(target, {"federate": None}).json["federate"] is None
    rows = again.audit(action="federation.room.federate", room_id="room-open")
    assert [row["extra"]["after"] for row in rows] == [None, True, False]


@pytest.mark.parametrize("room, body, status", [
    ("room-open", {}, 400), ("room-open", {"federate": 1}, 400),
    ("room-open", {"federate": True, "x": 1}, 400), ("room%20open", {"federate": True}, 400),
    ("room-open", {"federate": "true"}, 400), ("x" * 256, {"federate": True}, 400)])
def test_a_flag_that_makes_no_sense_is_refused(operator, room, body, status):
    assert operator.put(FLAG.format(room), body).status == status
    assert operator.get(FLAG.format("room-open")).json["federate"] is None


def test_generations_are_listed_reloaded_and_rolled_back(town, operator):
    def numbers():
        return [row["number"] for row in
                operator.get(GENERATIONS + A).json["generations"]]

    assert numbers() == [1]
    town.world.write("policies/main.lua", 'require("wavegate").on("peer", function()\n'
                     '  return require("wavegate").deny { reason = "nobody" }\nend)\n')
    answer = operator.post(GENERATIONS + "/reload" + A)
    assert answer.status == 200, answer
    assert answer.json["generations"][0]["current"] is True
    assert town.send().status == 403
    assert operator.post(GENERATIONS + "/1/rollback" + A).status == 200
    assert town.send().status == 200
    assert operator.get(GENERATIONS + A).json["generations"][0]["cause"] == "rollback"
    answer = operator.post(GENERATIONS + "/999/rollback" + A)
    assert (answer.status, answer.code) == (404, "SW_FED_NOT_FOUND")
    assert operator.post(GENERATIONS + "/x/rollback" + A).status == 400
    verdicts = [row["verdict"] for row in operator.audit(action="federation.policy.rollback")]
    assert verdicts == ["failed", "done"]


def test_a_reload_that_fails_says_where_and_changes_nothing(town, operator):
    before = operator.get(GENERATIONS + A).json["generations"][0]["number"]
    town.world.write("policies/main.lua", "local x = = 1\n")
    answer = operator.post(GENERATIONS + "/reload" + A)
    assert (answer.status, answer.code) == (422, "SW_POLICY_INVALID")
    assert "main.lua:1" in answer.message
    listed = operator.get(GENERATIONS + A).json
    assert listed["generations"][0]["number"] == before
    assert "main.lua:1" in listed["last_load_failure"]
    assert town.send().status == 200
