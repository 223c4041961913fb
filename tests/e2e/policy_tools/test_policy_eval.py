# SPDX-License-Identifier: Apache-2.0
"""`wavegate policy eval`: one decision, who was asked, what each said, and what it cost."""
import json

import pytest

from harness import wavegate

POLICY = """local wavegate = require "wavegate"
wavegate.on("event", function(event)
  return wavegate.label { size = event.size }
end)
wavegate.on("event", function(event)
  if event.type == "bad" then
    return wavegate.deny { reason = "a bad type" }
  end
  if event.type == "loop" then while true do end end
  if event.type == "error" then error("oh") end
end)
wavegate.on("event", function() return wavegate.defer { seconds = 7 } end)
wavegate.on("backfill", function() return wavegate.limit { events = 3, bytes = 10 } end)
"""


@pytest.fixture
def evaluate(tmp_path):
    (tmp_path / "main.lua").write_text(POLICY)

    def run(question, hook="event", status=0):
        done = wavegate("policy", "eval", "--policy", "main.lua", "--hook", hook, "--input", "-", "--json",
                        cwd=tmp_path, input=json.dumps(question))
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout)
    return run


def test_tells_the_decision_and_where_it_was_made(evaluate):
    answer = evaluate({"event": {"type": "bad"}})
    assert {name: answer[name] for name in ("verdict", "code", "reason", "policy", "file", "line")} == {
        "verdict": "deny", "code": "SW_FED_POLICY_REJECTED", "reason": "a bad type", "policy": "main",
        "file": "main.lua", "line": 7}


def test_tells_what_each_handler_said(evaluate):
    asked = evaluate({"event": {"content": {"body": "x"}}})["asked"]
    assert [(step["line"], step["answer"]) for step in asked] == [(2, "label"), (5, "nothing"), (12, "defer")]
    assert asked[0]["said_line"] == 3 and asked[0]["text"] == "size = 12"
    assert all(step["file"] == "main.lua" and step["policy"] == "main" for step in asked)


def test_ends_the_trace_where_the_chain_ended(evaluate):
    assert [step["answer"] for step in evaluate({"event": {"type": "bad"}})["asked"]] == ["label", "deny"]


def test_counts_what_it_cost(evaluate):
    answer = evaluate({})
    steps = [step["instructions"] for step in answer["asked"]]
    assert all(3 < step < 300 for step in steps)
    assert sum(steps) <= answer["instructions"] < sum(steps) + 100
    assert answer["microseconds"] > 0 and answer["peak_bytes"] > answer["call_bytes"] > 0


def test_tells_limits_and_the_default(evaluate):
    answer = evaluate({}, "backfill")
    assert answer["limit"] == {"events": 3, "bytes": 10} and answer["verdict"] == "allow"
    assert answer["asked"][0]["text"] == "events = 3, bytes = 10"
    answer = evaluate({}, "peer")
    assert (answer["verdict"], answer["policy"], answer["asked"]) == ("deny", "default", [])


@pytest.mark.parametrize("kind,failure,part", [("loop", "BUDGET", "main.lua:9: instruction budget exceeded"),
                                               ("error", "SCRIPT", "main.lua:10: oh")])
def test_tells_the_class_of_a_failure(evaluate, kind, failure, part):
    answer = evaluate({"event": {"type": kind}}, status=1)
    assert answer["failure"] == {"class": failure, "text": part}
    assert answer["verdict"] == "deny"
    last = answer["asked"][-1]
    assert (last["answer"], last["text"], last["said_line"]) == ("failed", part, answer["line"])
    if failure == "BUDGET":
        assert answer["instructions"] >= 1000000


def test_prints_for_people(tmp_path):
    (tmp_path / "main.lua").write_text(POLICY)
    (tmp_path / "question.json").write_text('{"event": {"type": "bad"}}')
    done = wavegate("policy", "eval", "--policy=main.lua", "--hook=event", "--input=question.json", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert lines[:7] == ["event, asked for chat.example.com: deny", "  code    SW_FED_POLICY_REJECTED",
                         "  reason  a bad type", "  label   size = 37", "  by      main, main.lua:7",
                         "asked", "  1  main, main.lua:2"]
    assert "       deny at main.lua:7: a bad type" in lines


@pytest.mark.parametrize("text,part", [
    ("{", "-: "), ("[]", "an object is wanted"), ('{"evnt": {}}', "did you mean 'event'?"),
    ('{"peer": {"nam": "x"}}', "did you mean 'name'?"), ('{"event": {"id": "x"}}', "event: member 'id'"),
    ('{"event": {"typ": "x"}}', "did you mean 'type'?"), ('{"peer": []}', "peer must be an object")])
def test_refuses_a_question_that_makes_no_sense(tmp_path, text, part):
    (tmp_path / "main.lua").write_text(POLICY)
    done = wavegate("policy", "eval", "--policy", "main.lua", "--hook", "event", "--input", "-", cwd=tmp_path,
                    input=text)
    assert done.returncode == 1 and part in done.stderr, done.stderr


def test_refuses_a_policy_that_cannot_be_loaded(tmp_path):
    (tmp_path / "main.lua").write_text("local x = = 1")
    done = wavegate("policy", "eval", "--policy", "main.lua", "--hook", "event", "--input", "-", cwd=tmp_path,
                    input="{}")
    assert done.returncode == 1 and "main.lua:1: unexpected symbol" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--hook", "event"], ["--hook", "evnt", "--input", "-"], ["--input"],
                                       ["--hook", "event", "--input", "-", "--coverage"]])
def test_wrong_usage_is_told_apart(tmp_path, arguments):
    assert wavegate("policy", "eval", *arguments, cwd=tmp_path, input="{}").returncode == 2


def test_asks_the_instance_of_a_configuration(world):
    for name in ("a.example.test", "b.example.test"):
        world.instance(name)
    world.write("policies/main.lua", 'require("wavegate").use("standard")\n')
    config = world.config()
    config["instances"]["b.example.test"]["federation"] = {"default_mode": "open"}
    file = world.write_config(config)
    for server, verdict in (("a.example.test", "deny"), ("b.example.test", "allow")):
        done = wavegate("policy", "eval", "--config", file, "--server", server, "--hook", "peer", "--input", "-",
                        "--json", input="{}")
        answer = json.loads(done.stdout)
        assert (answer["server"], answer["verdict"], answer["file"].split("/")[-1]) == (
            server, verdict, "standard.lua")
    done = wavegate("policy", "eval", "--config", file, "--server", "c.example", "--hook", "peer", "--input", "-",
                    input="{}")
    assert done.returncode == 1 and "no instance 'c.example'" in done.stderr
