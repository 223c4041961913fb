# SPDX-License-Identifier: Apache-2.0
"""The description of the REST API, held to the specification and to what the gateway answers."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
DESCRIPTION = os.path.join(ROOT, "docs", "openapi.json")
sys.path.insert(0, os.path.join(HERE, "..", "admin"))
from operator_kit import Operator  # noqa: E402


def description():
    with open(DESCRIPTION, encoding="utf-8") as file:
        return json.load(file)


def test_a_public_validator_finds_nothing():
    packages = os.path.join(os.environ["WAVEGATE_BUILD"], "tests", "openapi")
    done = subprocess.run(["node", os.path.join(packages, "validate.mjs"), DESCRIPTION],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert verdict == {"valid": True, "version": "3.1", "errors": []}


def test_the_gateway_serves_that_very_description(town):
    answer = Operator(town.gateway).get("/_wavegate/v1/openapi.json", token=None)
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.json == description()


def resolve(schema):
    while "$ref" in schema:
        part = description()
        for name in schema["$ref"].split("/")[1:]:
            part = part[name]
        schema = part
    return schema


def check(value, schema, where):
    """As much of JSON Schema as the description uses for answers."""
    schema = resolve(schema)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    known = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
             "number": (int, float), "null": type(None)}
    if types:
        assert any(isinstance(value, known[name]) for name in types), (where, value, types)
        assert not isinstance(value, bool) or "boolean" in types, (where, value)
    if "enum" in schema:
        assert value in schema["enum"], (where, value)
    if isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", ()):
            assert name in value, (where, name)
        for name, member in value.items():
            assert name in schema["properties"], f"{where}.{name} is not described"
            check(member, schema["properties"][name], f"{where}.{name}")
    for number, item in enumerate(value if isinstance(value, list) else ()):
        check(item, schema.get("items", {}), f"{where}[{number}]")


def test_answers_are_as_described(town):
    operator = Operator(town.gateway)
    operator.new_token(role="read", comment="x")
    town.send()
    town.send(town.peer.event(room_id="room-private"))
    town.send(town.peer.event(), created=1)
    paths = description()["paths"]
    values = {"room_id": "room-open", "name": "peer.example.test",
              "id": operator.token.split("_")[1], "event_id": "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11"}
    asked = 0
    for path, methods in paths.items():
        if "get" not in methods:
            continue
        target = path
        for name, value in values.items():
            target = target.replace("{" + name + "}", value)
        answer = operator.get(target + "?server_name=a.example.test")
        answers = methods["get"]["responses"]
        assert str(answer.status) in answers, (path, answer)
        content = resolve(answers[str(answer.status)])["content"]
        assert answer.headers["Content-Type"].split(";")[0] in content, (path, answer)
        content = content.get("application/json")
        if content is None:
            continue
        check(answer.json, content["schema"], path)
        asked += 1
    assert asked >= 15
