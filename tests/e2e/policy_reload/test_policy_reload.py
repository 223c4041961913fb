# SPDX-License-Identifier: Apache-2.0
"""A policy file that changes is in force without a restart; a broken one changes nothing."""
import os
import signal
import threading

import pytest

from harness import poll

# Each instance reports its own reload, and both of a town have the same file.
A = "a.example.test"
DENY = """local wavegate = require "wavegate"
wavegate.use("standard")
wavegate.on("event", function(event, ctx)
  return wavegate.deny { reason = "closed for today" }
end)
"""
ALLOW = """local wavegate = require "wavegate"
wavegate.use("standard")
"""


def rewrite_in_place(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_new_and_rename(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


def policy_header(seen):
    return [value for name, value in seen["headers"] if name.lower() == "wavegate-policy"][0]


@pytest.mark.parametrize("save", [rewrite_in_place, write_new_and_rename])
def test_an_edit_flips_the_verdict_without_a_restart(town, save):
    path = town.world.path("policies", "main.lua")
    assert town.send().status == 200
    for text, status in ((DENY, 403), (ALLOW, 200), (DENY, 403)):
        mark = town.log.mark()
        save(path, text)
        town.log.wait("policy.reloaded", since=mark, server=A)
        answer = town.send()
        assert answer.status == status, answer
        if status == 403:
            assert answer.code == "SW_FED_POLICY_REJECTED"
            assert "closed for today" in answer.message
    assert town.gateway.process.poll() is None


def test_the_generation_in_the_header_moves_on(town):
    town.send()
    mark = town.log.mark()
    rewrite_in_place(town.world.path("policies", "main.lua"), ALLOW + "-- touched\n")
    town.log.wait("policy.reloaded", since=mark, server=A)
    town.send()
    first, second = (policy_header(seen) for seen in town.a.requests)
    assert first != second


@pytest.mark.parametrize("broken, line, words", [
    (ALLOW + "wavegate.on('event', function(\n", None, ["main.lua"]),
    (ALLOW + "\nerror('oops')\n", 4, ["oops"]),
    (ALLOW + "wavegate.on('evnt', function() end)\n", 3, ["evnt", "event"]),
    (ALLOW + "wavegate.use('standart')\n", 3, ["standart"]),
    (ALLOW + "wavegate.use('standard', { defualt_mode = 'open' })\n", 3, ["defualt_mode"]),
    (ALLOW + "while true do end\n", None, ["instruction|budget|time"]),
], ids=["syntax", "error", "unknown hook", "unknown policy", "unknown option", "endless"])
def test_a_broken_file_changes_nothing_and_says_why(town, broken, line, words):
    import re
    rewrite_in_place(town.world.path("policies", "main.lua"), DENY)
    town.log.wait("policy.reloaded", server=A)
    mark = town.log.mark()
    rewrite_in_place(town.world.path("policies", "main.lua"), broken)
    record = str(town.log.wait("policy.reload_failed", since=mark, server=A))
    assert re.search(rf"main\.lua:{line if line else '[0-9]+'}\b", record), record
    for word in words:
        assert re.search(word, record), record
    answer = town.send()
    assert (answer.status, answer.code) == (403, "SW_FED_POLICY_REJECTED"), \
        "the last good generation stays in force"


def test_a_file_taken_away_changes_nothing(town):
    path = town.world.path("policies", "main.lua")
    mark = town.log.mark()
    os.rename(path, path + ".away")
    town.gateway.signal(signal.SIGHUP)
    town.log.wait("policy.reload_failed", since=mark, server=A)
    assert town.send().status == 200
    os.rename(path + ".away", path)
    mark = town.log.mark()
    town.gateway.signal(signal.SIGHUP)
    town.log.wait("policy.reloaded", since=mark, server=A)


def test_sighup_reloads(town):
    mark = town.log.mark()
    town.gateway.signal(signal.SIGHUP)
    town.log.wait("policy.reloaded", since=mark, server=A)
    assert town.send().status == 200


def test_each_instance_has_its_own_policy(town):
    config = town.world.config()
    town.world.write("policies/b.lua", ALLOW)
    config["instances"]["b.example.test"]["policy"] = "policies/b.lua"
    gateway = town.world.gateway(config)
    mark = gateway.log.mark()
    rewrite_in_place(town.world.path("policies", "b.lua"), DENY)
    gateway.log.wait("policy.reloaded", since=mark, server="b.example.test")

    def send(name):
        return gateway.ask(town.peer.send_request(name, town.peer.event())).status
    assert (send("a.example.test"), send("b.example.test")) == (200, 403)


def test_a_file_the_policy_uses_is_watched_too(town):
    town.world.write("policies/house.lua", 'require("wavegate").on("event", function() end)\n')
    path = town.world.path("policies", "main.lua")
    mark = town.log.mark()
    rewrite_in_place(path, ALLOW + 'wavegate.use("house")\n')
    town.log.wait("policy.reloaded", since=mark, server=A)
    mark = town.log.mark()
    town.world.write("policies/house.lua",
                     'local wavegate = require "wavegate"\n'
                     'wavegate.on("event", function() return wavegate.deny { reason = "house" } end)\n')
    town.log.wait("policy.reloaded", since=mark, server=A)
    assert town.send().status == 403


def test_no_request_is_lost_while_policies_reload(town):
    path = town.world.path("policies", "main.lua")
    stop, answers, failures = threading.Event(), [], []

    def talk():
        try:
            with town.gateway.connect() as connection:
                while not stop.is_set():
                    answers.append(connection.ask(
                        town.peer.send_request("a.example.test", town.peer.event())))
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    talkers = [threading.Thread(target=talk) for _ in range(4)]
    for talker in talkers:
        talker.start()
    try:
        for turn in range(20):
            mark = town.log.mark()
            write_new_and_rename(path, (DENY if turn % 2 == 0 else ALLOW) + f"-- {turn}\n")
            town.log.wait("policy.reloaded", since=mark, server=A)
            before = len(answers)
            while len(answers) < before + 5 and not failures:
                stop.wait(0.01)
    finally:
        stop.set()
        for talker in talkers:
            talker.join(30)
    assert not failures, failures
    assert {answer.status for answer in answers} == {200, 403}
    assert {answer.code for answer in answers} == {None, "SW_FED_POLICY_REJECTED"}
    assert len(town.a.events) == sum(answer.status == 200 for answer in answers)


@pytest.mark.parametrize("handler, why", [
    ("while true do end", "endless"),
    ("local t = {} while true do t[#t + 1] = ('x'):rep(1 << 20) end", "out of memory"),
    ("error('broken handler')", "an error"),
    ("return 'yes'", "no verdict at all"),
    ("while true do pcall(function() while true do end end) end", "endless, and caught"),
])
def test_a_handler_that_fails_denies_and_stops_nobody(town, handler, why):
    mark = town.log.mark()
    rewrite_in_place(town.world.path("policies", "main.lua"),
                     ALLOW + "wavegate.on('event', function(event, ctx)\n"
                             f"  if event.content.body == 'bad' then {handler} end\nend)\n")
    town.log.wait("policy.reloaded", since=mark, server=A)
    answer = town.send(town.peer.event(body="bad"))
    assert (answer.status, answer.code) == (403, "SW_FED_POLICY_REJECTED"), (why, answer)
    poll(lambda: any("main.lua:" in line for line in town.log.lines), 10,
         "a log line with file and line")
    assert town.send().status == 200


def test_an_empty_file_is_no_policy(town):
    """Half an edit, or a full disk, must not refuse everybody."""
    mark = town.log.mark()
    rewrite_in_place(town.world.path("policies", "main.lua"), "")
    record = town.log.wait("policy.reload_failed", since=mark, server=A)
    assert "main.lua: the file is empty" in record["reason"]
    assert town.send().status == 200
