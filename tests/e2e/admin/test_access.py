# SPDX-License-Identifier: Apache-2.0
"""Who may ask the admin listener for what, and how it says no."""
import json
import os
import stat

import pytest

A = "?server_name=a.example.test"
DOCUMENT = "/v1/admin/federation/policy" + A
# method, target, body, least role
CALLS = [
    ("GET", "/v1/admin/federation/identity" + A, None, "read"),
    ("GET", DOCUMENT, None, "read"),
    ("PUT", DOCUMENT, {"default_mode": "open"}, "admin"),
    ("DELETE", DOCUMENT, None, "admin"),
    ("GET", "/v1/admin/rooms/room-open/federate" + A, None, "read"),
    ("PUT", "/v1/admin/rooms/room-open/federate" + A, {"federate": False}, "admin"),
    ("POST", "/v1/admin/rooms/room-open/federation/invite" + A,
     {"participant_id": "@c:peer.example.test", "sender_id": "@bob:a.example.test"}, "admin"),
    ("POST", "/v1/admin/rooms/room-open/federation/backfill" + A, {"peer": "peer.example.test"},
     "operate"),
    ("POST", "/v1/admin/federation/foreign/@c:peer.example.test/refresh" + A, None, "operate"),
    ("GET", "/v1/admin/federation/peers", None, "read"),
    ("GET", "/_wavegate/v1/peers/peer.example.test", None, "read"),
    ("POST", "/_wavegate/v1/peers/peer.example.test/refresh", None, "operate"),
    ("POST", "/_wavegate/v1/peers/peer.example.test/label", {"note": "x"}, "operate"),
    ("PUT", "/_wavegate/v1/peers/peer.example.test/pin", None, "admin"),
    ("DELETE", "/_wavegate/v1/peers/peer.example.test/pin", None, "admin"),
    ("DELETE", "/_wavegate/v1/peers/peer.example.test", None, "admin"),
    ("GET", "/_wavegate/v1/lists", None, "read"),
    ("GET", "/_wavegate/v1/lists/lookup?name=x.example", None, "read"),
    ("POST", "/_wavegate/v1/lists/refresh", None, "operate"),
    ("GET", "/_wavegate/v1/limits" + A, None, "read"),
    ("DELETE", "/_wavegate/v1/limits/x/keys/y" + A, None, "operate"),
    ("GET", "/_wavegate/v1/instances", None, "read"),
    ("GET", "/_wavegate/v1/generations" + A, None, "read"),
    ("POST", "/_wavegate/v1/generations/reload" + A, None, "operate"),
    ("POST", "/_wavegate/v1/generations/1/rollback" + A, None, "admin"),
    ("GET", "/_wavegate/v1/tokens", None, "admin"),
    ("POST", "/_wavegate/v1/tokens", {"role": "admin"}, "admin"),
    ("GET", "/_wavegate/v1/tokens/abcdefghijkl", None, "admin"),
    ("DELETE", "/_wavegate/v1/tokens/abcdefghijkl", None, "admin"),
    ("GET", "/_wavegate/v1/audit", None, "read"),
    ("GET", "/_wavegate/v1/audit/verify", None, "read"),
]
RANKS = ["read", "operate", "admin"]
IDS = [f"{method} {target.split('?')[0]}" for method, target, _, _ in CALLS]


@pytest.fixture(scope="module")
def tokens(shared_operator):
    made = {role: shared_operator.new_token(role=role)["token"] for role in RANKS}
    made["instance"] = shared_operator.new_token(instance="a.example.test")["token"]
    made["revoked"] = shared_operator.new_token(role="admin")
    shared_operator.delete("/_wavegate/v1/tokens/" + made["revoked"]["id"])
    made["revoked"] = made["revoked"]["token"]
    return made


def state(operator):
    """Everything a call might have changed."""
    return (operator.get(DOCUMENT).json, operator.get("/v1/admin/rooms/room-open/federate" + A).json,
            [(row["number"], row["cause"]) for row in
             operator.get("/_wavegate/v1/generations" + A).json["generations"]],
            [row["id"] for row in operator.get("/_wavegate/v1/tokens").json["tokens"]])


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_without_a_good_token_nothing_happens(shared_operator, tokens, call):
    method, target, body, _ = call
    before = state(shared_operator)
    forged = tokens["admin"][:-4] + "AAAA"
    for token in (None, "", "x", "wgt_abcdefghijkl_" + 43 * "A", forged, tokens["revoked"]):
        answer = shared_operator.ask(method, target, body, token=None if token is None else token,
                                     headers=[("Authorization", "Basic eDp5")] if token is None
                                     else ()) if token != "" else \
            shared_operator.ask(method, target, body, token=None)
        assert answer.status == 401, (token, answer)
        assert answer.code == "SW_AUTH_INVALID_TOKEN"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert state(shared_operator) == before


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_a_role_that_does_not_suffice_is_told_which_one_would(shared_operator, tokens, call):
    method, target, body, least = call
    before = state(shared_operator)
    for role in RANKS[:RANKS.index(least)] + ["instance"]:
        answer = shared_operator.ask(method, target, body, token=tokens[role])
        assert (answer.status, answer.code) == (403, "SW_AUTH_INSUFFICIENT_PERMISSION"), role
        assert f"'{least}'" in answer.message
    assert state(shared_operator) == before


def test_a_role_that_suffices_gets_in(shared_operator, tokens):
    for method, target, body, least in CALLS:
        if method == "GET":
            for role in RANKS[RANKS.index(least):]:
                answer = shared_operator.ask(method, target, body, token=tokens[role])
                assert answer.status in (200, 404), (role, target, answer)


def test_what_there_is_is_not_told_to_strangers(shared_operator):
    assert shared_operator.get("/nowhere", token=None).status == 401
    assert shared_operator.get("/nowhere").code == "SW_FED_NOT_FOUND"


def test_another_method_is_answered_with_those_there_are(shared_operator):
    answer = shared_operator.ask("PATCH", "/v1/admin/federation/policy" + A, {})
    assert (answer.status, answer.code) == (405, "SW_FED_METHOD_NOT_ALLOWED")
    assert {"GET", "HEAD", "PUT", "DELETE"} <= \
        {name.strip() for name in answer.headers["Allow"].split(",")}


def test_head_has_the_fields_of_get_and_no_body(shared_operator):
    answer = shared_operator.ask("HEAD", DOCUMENT)
    assert answer.status == 200 and answer.body == b""
    assert answer.headers["ETag"] == shared_operator.get(DOCUMENT).headers["ETag"]


def test_several_instances_want_to_be_told_apart(shared_operator):
    path = "/v1/admin/federation/identity"
    answer = shared_operator.get(path)
    assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST")
    assert "server_name" in answer.message
    assert shared_operator.get(path, host="b.example.test").json["server_name"] == "b.example.test"
    assert shared_operator.get(path + A, host="b.example.test").json["server_name"] == \
        "a.example.test"
    answer = shared_operator.get(path + "?server_name=c.example.test")
    assert (answer.status, answer.code) == (421, "SW_FED_SERVER_UNKNOWN")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b'{"a":1,"a":2}',
                                  b'{"default_mode":"open"} x', b'\xff', b"{" * 70,
                                  b'{"default_mode":"\xed\xa0\x80"}'])
def test_a_body_that_is_no_json_object_changes_nothing(shared_operator, body):
    before = state(shared_operator)
    for method, target in (("PUT", DOCUMENT), ("POST", "/_wavegate/v1/tokens"),
                           ("PUT", "/v1/admin/rooms/room-open/federate" + A)):
        answer = shared_operator.ask(method, target, body)
        assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST"), answer
    assert state(shared_operator) == before


def test_a_body_past_the_limit_is_refused(shared_operator):
    answer = shared_operator.put(DOCUMENT, b'"' + b"x" * (1024 * 1024) + b'"')
    assert (answer.status, answer.code) == (413, "SW_CONTENT_TOO_LARGE")


def test_a_query_that_says_a_thing_twice_is_refused(shared_operator):
    answer = shared_operator.get(DOCUMENT + "&server_name=b.example.test")
    assert answer.status == 400


def test_health_needs_no_token_and_tells_each_check(shared_operator):
    assert shared_operator.get("/healthz", token=None).json == {"status": "alive"}
    answer = shared_operator.get("/readyz", token=None)
    assert answer.status == 200, answer
    assert {check["name"]: check["ok"] for check in answer.json["checks"]} == \
        dict.fromkeys(("running", "store", "disk", "queue", "certificates", "policies",
                       "instances"), True)


def test_identity_is_what_peers_see(shared_operator, shared_town):
    answer = shared_operator.get("/v1/admin/federation/identity" + A).json
    key = shared_town.world.keys["a.example.test"].public
    assert answer["server_name"] == "a.example.test"
    assert answer["kid"] == key.kid
    assert answer["descriptor"]["public_key"] == answer["public_key"]


def test_instances_are_listed_page_by_page(shared_operator):
    answer = shared_operator.get("/_wavegate/v1/instances?limit=1").json
    names = [row["server_name"] for row in answer["instances"]]
    rest = shared_operator.get(f"/_wavegate/v1/instances?cursor={answer['next_cursor']}").json
    names += [row["server_name"] for row in rest["instances"]]
    assert sorted(names) == ["a.example.test", "b.example.test"]
    assert "next_cursor" not in rest
    assert all(row["generation"] >= 1 for row in rest["instances"])
    for query in ("limit=0", "limit=x", "limit=1001", "cursor=x"):
        assert shared_operator.get("/_wavegate/v1/instances?" + query).status == 400


def test_the_machines_own_token_is_for_its_owner_only(shared_operator):
    for name in ("admin.token", "gateway.key"):
        mode = os.stat(os.path.join(shared_operator.data, name)).st_mode
        assert stat.S_IMODE(mode) == 0o600, name
    assert stat.S_IMODE(os.stat(shared_operator.data).st_mode) == 0o700
    with open(os.path.join(shared_operator.data, "admin.address"), encoding="ascii") as file:
        assert file.read().split() == shared_operator.gateway.admin.split(",")


def test_the_log_names_the_token_by_its_id_only(shared_operator, shared_town):
    shared_operator.get(DOCUMENT)
    record = shared_town.log.wait("admin.request", path="/v1/admin/federation/policy")
    assert record["token"] == shared_operator.token.split("_")[1]
    assert shared_operator.token not in json.dumps(shared_town.log.records)
