# SPDX-License-Identifier: Apache-2.0
"""Lists and rate limiters of policies, as operators see them."""
import json

import pytest

import harness
from operator_kit import Operator
from scaiwave.serving import Service, tls_context

A = "?server_name=a.example.test"
LISTS, LOOKUP, LIMITS = "/_wavegate/v1/lists", "/_wavegate/v1/lists/lookup", "/_wavegate/v1/limits"
POLICY = """local wavegate = require "wavegate"
local lists = require "wavegate.lists"
local limits = require "wavegate.limits"
local deny = lists.open "lists/deny.csv"
local remote = lists.open "https://lists.example.test/deny.txt"
local senders = limits.new { name = "senders", rate = "1/h", burst = 3 }
wavegate.use("standard")
wavegate.on("event", function(event)
  if deny:has(event.sender) or remote:has(event.origin) then return wavegate.deny { reason = "listed" } end
  if not senders:take(event.sender) then return wavegate.deny { reason = "too many" } end
end)
"""


class Source(Service):
    def __init__(self, world, name="lists.example.test"):
        self.text, self.status, self.fetches = "*.bad.example\n10.0.0.0/8\n", 200, 0
        super().__init__(tls=tls_context(*world.authority.issue(name)))
        world.resolve[name] = self.address

    def answer(self, handler, request):
        self.fetches += 1
        return handler.reply(self.status, self.text.encode(), [("Content-Type", "text/plain")])


class Hall:
    def __init__(self, world):
        self.world = world
        world.instance()
        world.instance("b.example.test")
        self.peer = world.peer()
        self.source = Source(world)
        world.write("lists/deny.csv", "#domain,#severity,#public_comment\n"
                    "spam.example,suspend,they send spam\n@eve:peer.example.test,suspend,rude\n")
        world.write("policies/b.lua", 'require("wavegate").use("standard")\n')
        config = world.config()
        config["instances"]["b.example.test"]["policy"] = "policies/b.lua"
        self.gateway = world.gateway(config, policy=POLICY)
        self.operator = Operator(self.gateway)
        harness.poll(lambda: self.lists()[1]["state"] == "current", what="the first fetch")

    def lists(self):
        return self.operator.get(LISTS).json["lists"]

    def send(self, who):
        event = self.peer.event(sender_id=f"@{who}:peer.example.test")
        return self.gateway.ask(self.peer.send_request("a.example.test", event))


@pytest.fixture
def hall(world):
    made = Hall(world)
    yield made
    made.source.stop()


def test_lists_show_where_they_come_from_and_how_they_are_used(hall):
    before = hall.lists()[0]["lookups"]  # a new generation is tried before it serves
    assert hall.send("alice").status == 200
    assert hall.send("eve").message == "listed"
    file, remote = hall.lists()
    assert (file["server"], file["where"], file["source"], file["entries"], file["state"]) == \
        ("a.example.test", "lists/deny.csv", "file", 2, "current")
    assert (file["lookups"] - before, file["hits"], file["kinds"]) == (2, 1, {"name": 1, "participant": 1})
    assert (remote["source"], remote["entries"], remote["kinds"]) == \
        ("https", 2, {"suffix": 1, "address": 1})
    assert 0 <= remote["age_s"] < 30 and "age_s" not in file
    first = hall.operator.get(LISTS + "?limit=1").json
    assert [row["where"] for row in first["lists"]] == ["lists/deny.csv"]
    second = hall.operator.get(LISTS + "?limit=1&cursor=" + first["next_cursor"]).json
    assert [row["source"] for row in second["lists"]] == ["https"] and "next_cursor" not in second
    assert hall.operator.get(LISTS + "?server_name=b.example.test").json == {"lists": []}
    assert hall.operator.get(LISTS + "?server_name=c.example.test").status == 421
    assert hall.operator.get(LISTS + "?cursor=x").status == 400


def test_a_lookup_says_which_entry_of_which_list_and_counts_nothing(hall):
    before = [row["lookups"] for row in hall.lists()]
    match, = hall.operator.get(LOOKUP + "?name=spam.example").json["matches"]
    assert (match["where"], match["entry"], match["line"], match["kind"]) == \
        ("lists/deny.csv", "spam.example", 2, "name")
    assert (match["severity"], match["reason"], match["hits"]) == ("suspend", "they send spam", 0)
    match, = hall.operator.get(LOOKUP + "?name=x.bad.example").json["matches"]
    assert match["entry"] == "*.bad.example" and match["where"].startswith("https://")
    assert hall.operator.get(LOOKUP + "?name=10.1.2.3").json["matches"][0]["kind"] == "address"
    assert hall.operator.get(LOOKUP + "?name=good.example").json["matches"] == []
    assert hall.operator.get(LOOKUP).status == 400
    assert [row["lookups"] for row in hall.lists()] == before
    shown = hall.gateway.run("lists", "lookup", "@eve:peer.example.test")
    assert "lists/deny.csv:3 @eve:peer.example.test (suspend): rude" in shown.stdout
    assert "no list has it" in hall.gateway.run("lists", "lookup", "good.example").stdout


def test_a_refresh_asks_the_source_at_once_and_its_trouble_shows(hall):
    hall.source.text += "new.example\n"
    answer = hall.operator.post(LISTS + "/refresh")
    assert (answer.status, answer.json) == (202, {"asked": 1})
    harness.poll(lambda: hall.lists()[1]["entries"] == 3)
    hall.source.status = 500
    assert hall.gateway.run("lists", "refresh").stdout == "1 sources are asked anew\n"
    row = harness.poll(lambda: [row for row in hall.lists() if row["state"] == "failing"])[0]
    assert "500" in row["problem"] and row["entries"] == 3
    assert "failing:" in hall.gateway.run("lists").stdout
    assert len(hall.operator.audit(action="federation.policy.lists_refresh")) == 2


def test_limits_show_who_asks_most_and_a_key_can_be_forgiven(hall):
    for _ in range(5):
        answer = hall.send("alice")
    assert answer.message == "too many"
    hall.send("bob")
    row, = hall.operator.get(LIMITS + A).json["limits"]
    assert (row["name"], row["burst"], row["keys"], row["taken"], row["refused"], row["evicted"]) == \
        ("senders", 3, 2, 4, 2, 0)
    assert row["per_second"] == pytest.approx(1 / 3600)
    busiest = row["busiest"][0]
    assert (busiest["key"], busiest["asked"], busiest["refused"]) == ("@alice:peer.example.test", 5, 2)
    assert busiest["left"] < 1 and row["busiest"][1]["left"] == pytest.approx(2, abs=0.1)
    key = LIMITS + "/senders/keys/@alice:peer.example.test" + A
    assert hall.operator.delete(key).json["forgiven"] is True
    assert hall.send("alice").status == 200
    shown = hall.gateway.run("limits", "forgive", "senders", "@alice:peer.example.test",
                             "--server", "a.example.test", "--json")
    assert json.loads(shown.stdout)["forgiven"] is True
    assert hall.operator.delete(key).json["forgiven"] is False
    assert hall.operator.delete(LIMITS + "/nobody/keys/x" + A).status == 404
    assert hall.operator.get(LIMITS + "?server_name=b.example.test").json == {"limits": []}
    assert "@alice" in hall.gateway.run("limits", "--server", "a.example.test").stdout
    row = hall.operator.audit(action="federation.policy.limit_forgive")[0]
    assert row["extra"]["key"] == "@alice:peer.example.test"
