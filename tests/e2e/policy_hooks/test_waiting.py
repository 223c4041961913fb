# SPDX-License-Identifier: Apache-2.0
"""Handlers that wait, on the clock or on an HTTP service, and everybody else meanwhile."""
import json
import threading
import time

import pytest
from conftest import OPEN

from scaiwave import events, fields
from scaiwave.serving import Service, tls_context

SLEEP = OPEN + """
wavegate.on("event", function(event)
  local seconds = tonumber((tostring(event.content.body):match "^sleep (.+)$"))
  if seconds then wavegate.time.sleep(seconds) end
  if event.content.body == "sleep 0.02" then return wavegate.label { waited = true } end
end)"""


def label(town, name):
    for key, value in town.a.requests[-1]["headers"]:
        if key.lower() == "wavegate-labels":
            return fields.dictionary(value)[name][0]
    return None


def together(count, action):
    """action(i) on that many threads; what they returned, or the first failure."""
    results, failures = [None] * count, []

    def run(i):
        try:
            results[i] = action(i)
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    return threads, results, failures


def test_a_handler_that_sleeps_goes_on_where_it_was(build):
    town = build(SLEEP)
    assert town.send(town.event(body="sleep 0.02")).status == 200
    assert label(town, "waited") == "true"


def test_a_hundred_that_wait_do_not_slow_an_ordinary_one(build):
    town = build(SLEEP, workers=1, policy={"waiting": "20s"})
    town.send()
    threads, results, failures = together(
        100, lambda _: town.send(town.event(body="sleep 3", room_id="room-open")))
    town.send()
    with town.gateway.connect() as connection:
        took = []
        for _ in range(20):
            began = time.monotonic()
            request = town.peer.send_request("a.example.test", town.event())
            assert connection.ask(request).status == 200
            took.append(time.monotonic() - began)
    waiting = sum(result is None for result in results)
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    assert {result.status for result in results} == {200}
    assert waiting > 50, "most were still waiting when the ordinary ones were through"
    assert sorted(took)[10] < 1, f"the median of ordinary requests was {sorted(took)[10]:.3f} s"


def test_one_that_waits_too_long_is_ended(build):
    town = build(SLEEP, policy={"waiting": "300ms"})
    began = time.monotonic()
    answer = town.send(town.event(body="sleep 60"))
    assert (answer.status, answer.code) == (403, "SW_FED_POLICY_REJECTED")
    assert time.monotonic() - began < 20
    record = town.log.wait("policy.failed")
    assert record["code"] == "BUDGET" and "main.lua:" in record["reason"]
    assert town.send().status == 200


def test_a_client_that_goes_away_ends_the_call(build):
    town = build(SLEEP, policy={"waiting": "300s"})
    assert town.send().status == 200
    mark = town.log.mark()
    event = town.event(body="sleep 200")
    with town.gateway.connect() as connection:
        connection.send(town.peer.send_request("a.example.test", event).wire())
        assert town.send().status == 200, "the gateway has begun on it, or will"
        time.sleep(0.2)
    record = town.log.wait("federation.request_refused", since=mark, event_id=event["id"])
    assert "went away" in record["reason"] and record["ms"] < 60000
    assert event["id"] not in [taken["id"] for taken in town.a.events]


def test_the_gateway_stops_although_handlers_wait(build):
    town = build(SLEEP, policy={"waiting": "300s"}, limits={"drain_timeout": "500ms"})
    with town.gateway.connect() as connection:
        connection.send(town.peer.send_request(
            "a.example.test", town.event(body="sleep 200")).wire())
        town.send()
        town.gateway.stop()


def test_a_request_that_waits_keeps_its_generation(build):
    policy = OPEN.replace("function() return", "function() wavegate.time.sleep(0.5) return") + """
wavegate.on("event", function() return wavegate.label { mark = "MARK" } end)"""
    town = build(policy.replace("MARK", "old"), policy={"waiting": "20s"})
    assert town.send().status == 200
    threads, results, failures = together(1, lambda _: town.send())
    time.sleep(0.1)
    town.reload(policy.replace("MARK", "new"))
    threads[0].join(30)
    assert not failures and results[0].status == 200
    assert label(town, "mark") == "old"
    assert town.send().status == 200
    assert label(town, "mark") == "new"


# -- HTTP ------------------------------------------------------------------------------------------------

class Judge(Service):
    """Answers POST /judge with what its table says of the sender; remembers what it was asked."""

    def __init__(self, world, name="judge.example.test"):
        self.verdicts, self.delay_s, self.asked = {}, 0, []
        super().__init__(tls=tls_context(*world.authority.issue(name)))
        world.resolve[name] = self.address

    def answer(self, handler, request):
        body = json.loads(request.body or b"{}")
        self.asked.append(body)
        time.sleep(self.delay_s)
        return handler.reply(200, {"verdict": self.verdicts.get(body.get("sender"), "allow")})


HTTP = OPEN + """
wavegate.on("event", function(event)
  local answer, why, code = wavegate.http.post("https://judge.example.test/judge",
    wavegate.json.encode { sender = event.sender }, { deadline = "900ms" })
  if not answer then return wavegate.defer { seconds = 9, reason = "no judge: " .. code } end
  if wavegate.json.decode(answer.body).verdict == "deny" then
    return wavegate.deny { reason = "the judge says no" }
  end
end)"""


@pytest.fixture
def judged(build):
    town = build(OPEN)
    judge = Judge(town.world)
    town.gateway.stop()
    town.start(HTTP)
    yield town, judge
    judge.stop()


def test_a_service_is_asked_and_obeyed(judged):
    town, judge = judged
    assert town.send().status == 200
    judge.verdicts["@eve:peer.example.test"] = "deny"
    answer = town.send(town.event(sender_id="@eve:peer.example.test"))
    assert (answer.status, answer.message) == (403, "the judge says no")
    assert [asked["sender"] for asked in judge.asked] == ["@alice:peer.example.test",
                                                          "@eve:peer.example.test"]


def test_a_service_that_is_slow_or_down_is_the_policys_to_handle(judged):
    town, judge = judged
    judge.delay_s = 3
    answer = town.send()
    assert (answer.status, answer.message) == (429, "no judge: TIMEOUT")
    judge.stop()
    answer = town.send()
    assert answer.status == 429 and answer.message.startswith("no judge: ")
    judge.start()


def test_a_slow_service_slows_only_those_who_ask(judged):
    town, judge = judged
    judge.delay_s = 0.5
    threads, results, failures = together(8, lambda i: town.send(town.event(room_id="room-open")))
    began = time.monotonic()
    assert town.profile().status == 200
    took = time.monotonic() - began
    for thread in threads:
        thread.join(30)
    assert not failures, failures
    assert {result.status for result in results} <= {200, 429}
    assert took < 5
    assert events.SEND in {seen["target"] for seen in town.a.requests}


CHECKED = OPEN + """
wavegate.use("external_check", { url = "https://judge.example.test/judge", on_failure = "defer",
  deadline = "5s", cache = "1m", by = "peer" })"""


@pytest.mark.parametrize("is_down", [False, True])
def test_external_check_asks_once_for_all_who_ask_the_same_at_once(judged, is_down):
    town, judge = judged
    town.gateway.stop()
    town.start(CHECKED, workers=1, policy={"waiting": "10s"})
    judge.delay_s = 1
    if is_down:
        judge.answer = lambda handler, request: (judge.asked.append(None), time.sleep(1),
                                                 handler.reply(500, {}))
        judge._server.answer = judge.answer
    threads, results, failures = together(12, lambda i: town.send(town.event()))
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    assert {result.status for result in results} == {429 if is_down else 200}
    # Whoever came after the first answer finds it remembered; a failure is shared by those who waited.
    assert len(judge.asked) == 1 if not is_down else len(judge.asked) < 6
