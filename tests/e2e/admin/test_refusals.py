# SPDX-License-Identifier: Apache-2.0
"""Every route of the description refuses who may not ask, and what cannot be understood, changes
nothing by that, and says so in the documented shape. The routes are those of docs/openapi.json, which
a unit test holds to the table of routes: a new one is covered here by itself."""
import json
import os

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
A = "server_name=a.example.test"
RANKS = ["read", "operate", "admin"]
VALUES = {"room_id": "room-open", "participant_id": "@c:peer.example.test",
          "name": "peer.example.test", "number": "1", "id": "abcdefghijkl", "key": "x",
          "event_id": "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11", "verb": "retry"}
NOT_BODIES = [b"{", b"[]", b"null", b'"x"', b'{"a":1,"a":2}', b"{} x", b"\xff", b'{"a":NaN}',
              b'{"a":"\xed\xa0\x80"}']


def description():
    with open(os.path.join(ROOT, "docs", "openapi.json"), encoding="utf-8") as file:
        return json.load(file)


DESCRIPTION = description()


class Call:
    def __init__(self, path, method, operation):
        self.path, self.method, self.operation = path, method.upper(), operation
        self.role = operation.get("x-wavegate-role")
        self.body = "requestBody" in operation
        self.target = path
        for name, value in VALUES.items():
            self.target = self.target.replace("{" + name + "}", value)

    def __repr__(self):
        return f"{self.method} {self.path}"

    def parameters(self):
        for parameter in self.operation.get("parameters", ()):
            if "$ref" in parameter:
                parameter = DESCRIPTION["components"]["parameters"][
                    parameter["$ref"].rsplit("/", 1)[1]]
            if parameter["in"] == "query":
                yield parameter["name"]


CALLS = [Call(path, method, operation) for path, methods in DESCRIPTION["paths"].items()
         for method, operation in methods.items() if method in ("get", "put", "post", "delete")]
GUARDED = [call for call in CALLS if call.operation.get("security")]


def test_the_open_routes_are_these():
    assert sorted(call.path for call in CALLS if call not in GUARDED) == \
        ["/_wavegate/v1/openapi.json", "/healthz", "/readyz"]
    assert all(call.role in RANKS for call in GUARDED)
    assert not any("{" in call.target for call in CALLS), "a path has a parameter unknown here"


@pytest.fixture(scope="module")
def tokens(shared_operator):
    made = {role: shared_operator.new_token(role=role)["token"] for role in RANKS}
    made["instance"] = shared_operator.new_token(instance="a.example.test")["token"]
    revoked = shared_operator.new_token(role="admin")
    shared_operator.delete("/_wavegate/v1/tokens/" + revoked["id"])
    made["revoked"] = revoked["token"]
    return made


def state(operator):
    """Everything a call might have changed: documents, generations, tokens, keys, log, what is known of
    peers, and the acts that were written down."""
    def get(target):
        answer = operator.get(target)
        assert answer.status in (200, 404), answer
        return answer.json

    acts = [row for row in operator.audit() if row.get("actor")]
    tokens = [(row["id"], row["revoked"]) for row in get("/_wavegate/v1/tokens?limit=1000")["tokens"]]
    generations = [(row["number"], row["cause"])
                   for row in get(f"/_wavegate/v1/generations?{A}")["generations"]]
    return (get(f"/v1/admin/federation/policy?{A}"), acts, tokens, generations,
            get(f"/v1/admin/rooms/room-open/federate?{A}"), get("/_wavegate/v1/log"),
            get("/_wavegate/v1/queue/suspensions"),
            sorted(row["server_name"] for row in get("/v1/admin/federation/peers")["peers"]))


def assert_shape(answer, status, code):
    assert (answer.status, answer.code) == (status, code), answer
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    error = answer.json["error"]
    assert error["message"] and isinstance(error["message"], str), answer
    assert set(answer.json) == {"error"}, answer


def ask(operator, call, query=A, body=b"{}", **how):
    return operator.ask(call.method, f"{call.target}?{query}" if query else call.target,
                        body if call.body else None, **how)


@pytest.mark.parametrize("call", GUARDED, ids=repr)
def test_without_a_good_token_nothing_happens(shared_operator, tokens, call):
    before = state(shared_operator)
    for token in (None, "x", "wgt_abcdefghijkl_" + 43 * "A", tokens["admin"][:-4] + "AAAA",
                  tokens["revoked"], tokens["admin"] + "x"):
        answer = ask(shared_operator, call, token=token)
        assert_shape(answer, 401, "SW_AUTH_INVALID_TOKEN")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    answer = ask(shared_operator, call, token=None, headers=[("Authorization", "Basic eDp5")])
    assert_shape(answer, 401, "SW_AUTH_INVALID_TOKEN")
    answer = ask(shared_operator, call, headers=[("Authorization", "Bearer x")])
    assert_shape(answer, 400, "SW_FED_BAD_REQUEST")  # two of them: which one counts?
    assert state(shared_operator) == before


@pytest.mark.parametrize("call", GUARDED, ids=repr)
def test_a_role_that_does_not_suffice_is_told_which_would(shared_operator, tokens, call):
    before = state(shared_operator)
    for role in RANKS[:RANKS.index(call.role)] + ["instance"]:
        answer = ask(shared_operator, call, token=tokens[role])
        assert_shape(answer, 403, "SW_AUTH_INSUFFICIENT_PERMISSION")
        assert f"'{call.role}'" in answer.message, answer
    assert state(shared_operator) == before


@pytest.mark.parametrize("call", GUARDED, ids=repr)
def test_an_unknown_parameter_is_refused_with_the_nearest_name(shared_operator, call):
    before = state(shared_operator)
    answer = ask(shared_operator, call, f"{A}&nonsense=1")
    assert_shape(answer, 400, "SW_FED_BAD_REQUEST")
    assert "unknown parameter 'nonsense'" in answer.message
    for name in [*call.parameters(), "server_name"]:
        answer = ask(shared_operator, call, f"{name}x=1")
        assert_shape(answer, 400, "SW_FED_BAD_REQUEST")
        assert f"unknown parameter '{name}x', did you mean '" in answer.message, answer
    for query in ("%zz=1", "%ff=1", "a%00b=1"):
        assert_shape(ask(shared_operator, call, query), 400, "SW_FED_BAD_REQUEST")
    assert_shape(ask(shared_operator, call, f"{A}&{A}"), 400, "SW_FED_BAD_REQUEST")
    assert state(shared_operator) == before


@pytest.mark.parametrize("call", [call for call in GUARDED if call.body], ids=repr)
def test_a_body_that_is_no_json_object_changes_nothing(shared_operator, call):
    before = state(shared_operator)
    for body in NOT_BODIES:
        answer = ask(shared_operator, call, body=body)
        assert_shape(answer, 400, "SW_FED_BAD_REQUEST")
    assert_shape(ask(shared_operator, call, body=b'"' + b"x" * (1024 * 1024) + b'"'), 413,
                 "SW_CONTENT_TOO_LARGE")
    assert state(shared_operator) == before


@pytest.mark.parametrize("call", [call for call in GUARDED if call.body], ids=repr)
def test_an_unknown_member_changes_nothing(shared_operator, call):
    before = state(shared_operator)
    answer = ask(shared_operator, call, body=b'{"nonsense": 1}')
    assert_shape(answer, 400, "SW_FED_BAD_REQUEST")
    assert "nonsense" in answer.message, answer
    assert state(shared_operator) == before


@pytest.mark.parametrize("call", GUARDED, ids=repr)
def test_an_instance_that_is_not_here_is_no_other(shared_operator, call):
    before = state(shared_operator)
    if "server_name" in call.parameters():
        answer = ask(shared_operator, call, "server_name=c.example.test")
        assert answer.status in (421, 404) and answer.code, answer
    assert state(shared_operator) == before
