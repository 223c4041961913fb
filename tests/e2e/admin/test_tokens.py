# SPDX-License-Identifier: Apache-2.0
"""Tokens: made, shown once, listed, used, revoked; and what of them a restart keeps."""
import os

import pytest

from operator_kit import Operator

TOKENS = "/_wavegate/v1/tokens"


def test_a_token_is_shown_once_and_works_at_once(operator):
    made = operator.new_token(role="read", comment="for the wall display")
    assert made["token"].startswith(f"wgt_{made['id']}_")
    assert made["roles"] == ["read"] and made["comment"] == "for the wall display"
    assert operator.get("/_wavegate/v1/instances", token=made["token"]).status == 200
    shown = operator.get(f"{TOKENS}/{made['id']}").json
    assert "token" not in shown and "hash" not in shown
    assert shown["revoked"] is False and shown["last_used_at"] >= made["created_at"]


def test_tokens_are_listed_page_by_page(operator):
    made = {operator.new_token(role="read")["id"] for _ in range(5)}
    seen, cursor = [], ""
    while True:
        page = operator.get(f"{TOKENS}?limit=2{cursor}").json
        assert len(page["tokens"]) <= 2
        seen += [row["id"] for row in page["tokens"]]
        if "next_cursor" not in page:
            break
        cursor = "&cursor=" + page["next_cursor"]
    assert made < set(seen) and len(seen) == len(set(seen)) == 6


def test_a_revoked_token_is_refused_from_the_next_request_on_and_stays_listed(operator):
    made = operator.new_token(role="admin")
    assert operator.delete(f"{TOKENS}/{made['id']}").json["revoked"] is True
    answer = operator.get("/_wavegate/v1/instances", token=made["token"])
    assert (answer.status, answer.code) == (401, "SW_AUTH_INVALID_TOKEN")
    assert "revoked" in answer.message
    assert operator.delete(f"{TOKENS}/{made['id']}").status == 200
    assert operator.get(f"{TOKENS}/{made['id']}").json["revoked"] is True
    assert operator.delete(f"{TOKENS}/abcdefghijkl").status == 404


@pytest.mark.parametrize("body, said", [
    ({}, "either role"), ({"role": "read", "instance": "a.example.test"}, "either role"),
    ({"role": "root"}, "role"), ({"role": ["read"]}, "role"), ({"instance": "c.example.test"}, "c.example.test"),
    ({"rol": "read"}, "did you mean 'role'?"), ({"role": "read", "comment": "x" * 256}, "comment"),
    ({"role": "read", "comment": "a\0b"}, "comment")])
def test_a_token_that_makes_no_sense_is_not_made(operator, body, said):
    before = operator.get(TOKENS).json
    answer = operator.post(TOKENS, body)
    assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST"), answer
    assert said in answer.message
    assert [row["id"] for row in operator.get(TOKENS).json["tokens"]] == \
        [row["id"] for row in before["tokens"]]


def test_tokens_and_their_end_outlast_a_restart_and_the_disk_has_no_secret(town, operator):
    kept = operator.new_token(role="operate", comment="kept")
    gone = operator.new_token(role="admin")
    operator.get("/_wavegate/v1/instances", token=kept["token"])
    operator.delete(f"{TOKENS}/{gone['id']}")
    town.gateway.stop()
    files = [os.path.join(folder, name) for folder, _, names in os.walk(operator.data) for name in names]
    for name in files:
        with open(name, "rb") as file:
            content = file.read()
        for token in (kept["token"], gone["token"]):
            assert token.split("_", 2)[2].encode() not in content, name
    again = Operator(town.world.gateway())
    assert again.token == operator.token, "the machine's own token stays"
    assert again.get("/_wavegate/v1/instances", token=kept["token"]).status == 200
    assert again.get("/_wavegate/v1/instances", token=gone["token"]).status == 401
    shown = again.get(f"{TOKENS}/{kept['id']}").json
    assert shown["comment"] == "kept" and shown["last_used_at"]


def test_the_machines_own_token_is_made_again_when_it_is_lost(town, operator):
    town.gateway.stop()
    os.remove(os.path.join(operator.data, "admin.token"))
    again = Operator(town.world.gateway())
    assert again.token != operator.token
    assert again.get(TOKENS).status == 200


def test_making_and_revoking_is_in_the_audit(operator):
    made = operator.new_token(role="read", comment="seen")
    operator.delete(f"{TOKENS}/{made['id']}")
    rows = {row["action"]: row for row in operator.audit(action="federation.token.*")}
    assert set(rows) == {"federation.token.create", "federation.token.revoke"}
    for row in rows.values():
        assert row["actor"] == "token:" + operator.token.split("_")[1]
        assert row["extra"]["id"] == made["id"] and "hash" not in row["extra"]
