# SPDX-License-Identifier: Apache-2.0
"""A policy that does its worst for one peer's requests, and another peer's requests meanwhile."""
import threading
import time

from conftest import OPEN

POLICY = OPEN + """
wavegate.on("event", function(event, ctx)
  if ctx.peer.name ~= "evil.example.test" then return end
  local what = event.content.body
  if what == "loop" then while true do end end
  if what == "caught" then while true do pcall(function() while true do end end) end end
  if what == "bomb" then local t = {} while true do t[#t + 1] = ("x"):rep(1 << 19) .. #t end end
  if what == "pattern" then return (("a"):rep(5000)):find(("a-"):rep(30) .. "b") end
  if what == "sort" then
    table.sort({ 3, 2, 1 }, function() while true do end end)
  end
end)"""


def test_an_ordinary_peer_goes_on_beside_a_hostile_one(build):
    town = build(POLICY)
    evil = town.world.peer("evil.example.test")
    town.gateway.stop()
    town.start()
    stop, hostile, failures = threading.Event(), [], []

    def attack():
        try:
            with town.gateway.connect() as connection:
                while not stop.is_set():
                    for what in ("loop", "caught", "bomb", "pattern", "sort"):
                        hostile.append(connection.ask(
                            evil.send_request("a.example.test", evil.event(body=what))))
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)
    attackers = [threading.Thread(target=attack) for _ in range(2)]
    for attacker in attackers:
        attacker.start()
    took = []
    try:
        with town.gateway.connect() as connection:
            end = time.monotonic() + 60
            while len(took) < 60 or (len(hostile) < 60 and time.monotonic() < end):
                request = town.peer.send_request("a.example.test", town.event())
                began = time.monotonic()
                assert connection.ask(request).status == 200
                took.append(time.monotonic() - began)
    finally:
        stop.set()
        for attacker in attackers:
            attacker.join(60)
    assert not failures, failures
    assert {(answer.status, answer.code) for answer in hostile} == {
        (403, "SW_FED_POLICY_REJECTED"), (429, "SW_RATE_LIMIT_EXCEEDED")}
    held = [answer for answer in hostile if answer.status == 429]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in held)
    assert sorted(took)[len(took) // 2] < 2, "with sanitizers, on a busy machine"


def test_a_few_failures_are_forgiven(build):
    town = build(POLICY.replace("evil.example.test", "peer.example.test"))
    for what in ("loop", "pattern", "sort"):
        assert town.send(town.event(body=what)).status == 403
    assert town.send().status == 200
