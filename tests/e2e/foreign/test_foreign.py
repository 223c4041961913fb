# SPDX-License-Identifier: Apache-2.0
"""A peer and an instance made of foreign packages (tests/peers/foreign) understand the gateway, and it them."""
import json
import os
import subprocess

import pytest

from scaiwave.keys import SecretKey

FOLDER = os.path.join(os.environ.get("WAVEGATE_BUILD", ""), "tests", "foreign")


class Foreign:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(["node", os.path.join(FOLDER, "foreign.mjs"), *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = self.read()

    def read(self):
        line = self.process.stdout.readline()
        assert line, "the Node peer ended"
        return json.loads(line)

    def ask(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def foreign(world):
    assert os.path.isdir(os.path.join(FOLDER, "node_modules")), \
        f"run tests/support/npm-ci tests/peers/foreign {FOLDER} (ctest does)"
    key = SecretKey()
    key.save(world.path("keys", "a.example.test.key"))
    world.authority.issue("a.example.test")
    made = Foreign("node.example.test", *world.authority.issue("node.example.test"),
                   "a.example.test", key.public.text)
    yield made
    made.close()


@pytest.fixture
def gateway(world, foreign):
    world.resolve["node.example.test"] = foreign.facts["peer"]
    instance = {
        "upstream": "http://" + foreign.facts["instance"],
        "certificate": "tls/a.example.test.pem", "private_key": "tls/a.example.test.key",
        "signing_key": "keys/a.example.test.key", "policy": "policies/main.lua",
        "federation": {"default_mode": "invite_only", "allowed_peers": ["node.example.test"]},
    }
    return world.gateway(instances={"a.example.test": instance})


def send(world, gateway, foreign, **options):
    return foreign.ask(send={"at": gateway.ingress, "to": "a.example.test",
                             "ca": world.authority.file, "room": "room-open",
                             "text": "sm\u00f8rrebr\u00f8d \U0001f35e \u2028", **options})


def test_accepts_what_foreign_packages_sign_and_they_verify_what_it_signs(world, gateway, foreign):
    answer = send(world, gateway, foreign)
    assert answer.get("status") == 200, answer
    assert answer["answer"] == {"status": "accepted", "id": answer["event"]["id"]}
    seen = foreign.ask(seen=True)["requests"]
    assert [request["verified"] for request in seen] == [True], seen


@pytest.mark.parametrize("query, cover, why", [
    ("?a=b&c=%20d", None, "a query, not decoded"),
    ("", ["@method", "@target-uri", "content-digest", "content-type"],
     "@target-uri stands for authority, path and query"),
    ("?x", ["@request-target", "@authority", "@method", "content-digest"],
     "@request-target stands for path and query"),
])
def test_agrees_with_foreign_packages_about_every_way_to_cover(world, gateway, foreign, query, cover, why):
    answer = send(world, gateway, foreign, query=query, **({"cover": cover} if cover else {}))
    assert answer.get("status") == 200, (why, answer)
    assert foreign.ask(seen=True)["requests"][0]["verified"], why
