# SPDX-License-Identifier: Apache-2.0
"""`wavegate why EVENT_ID`: the whole story of an event, days later, as text and as JSON."""
import json
import os
import sys
import time
import uuid

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

A, PEER, OTHER = "a.example.test", "peer.example.test", "other.example.test"
POLICY = """local wavegate = require "wavegate"
local lists = require "wavegate.lists"
local deny = lists.open "lists/deny.txt"

wavegate.on("peer", function(peer)
  local entry = deny:find(peer.name)
  if entry then return wavegate.deny { reason = "on the list: " .. (entry.reason or "") } end
end)

wavegate.on("event", function(event)
  local body = event.content.body
  if body == "later" then return wavegate.defer { seconds = 7, reason = "not now" } end
  if body == "spam" then return wavegate.deny { reason = "it is spam" } end
  if body == "odd" then return wavegate.quarantine { reason = "look at it" } end
  if body == "broken" then error("oh dear") end
end)
wavegate.use("standard")
"""
LIST = "# servers that are not wanted\n\nbad.example.test  # sends spam\n*.worse.example.test\n"


@pytest.fixture
def make_town(make_relay_town, tmp_path):
    os.makedirs(tmp_path / "lists", exist_ok=True)
    (tmp_path / "lists" / "deny.txt").write_text(LIST)

    def make(**config):
        return make_relay_town(POLICY, **config)
    return make


@pytest.fixture
def town(make_town):
    return make_town()


def story(town, event_id, *, until=lambda story: True):
    """The JSON of `wavegate why`, once it has what until wants: rows come with the next commit."""
    def ask():
        done = town.gateway.run("why", event_id, "--json")
        found = json.loads(done.stdout) if done.returncode == 0 else None
        return found if found and until(found) else None
    return harness.poll(ask, what=f"the story of {event_id}")


def text(town, event_id):
    done = town.gateway.run("why", event_id)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kinds(found):
    return [(entry["kind"], entry.get("verdict") or entry.get("outcome")) for entry in found["timeline"]]


def handlers(request):
    return [(hook["hook"], handler["policy"], handler["at"], handler["answer"])
            for hook in request["trace"]["hooks"] for handler in hook["handlers"]]


def state(wanted):
    return lambda found: found["state"] == wanted


# -- inbound ---------------------------------------------------------------------------------------

def test_an_event_that_was_taken_has_its_stages_and_handlers(town):
    event = town.peer.event(body="nobody's business")
    assert town.send(event).status == 200
    found = story(town, event["id"])
    assert (found["state"], found["type"], found["room_id"]) == ("delivered", event["type"], "room-open")
    assert found["conclusion"] == "delivered to a.example.test"
    request, = found["timeline"]
    assert (request["peer"], request["direction"], request["extra"]["remote"]) == (PEER, "inbound", "127.0.0.1")
    assert (request["extra"]["status"], request["generation"]) == (200, 1)
    stages = request["trace"]["stages"]
    assert [stage["stage"] for stage in stages] == [
        "route", "claim", "discover", "authenticate", "parse", "authenticate_event", "admit",
        "recognise", "judge", "deduplicate", "deliver"]
    ends = [stage["ended_us"] for stage in stages]
    assert ends == sorted(ends) and sum(stage["us"] for stage in stages) == ends[-1] > 0
    assert ("peer", "main", "policies/main.lua:5", "nothing") in handlers(request)
    assert ("event", "main", "policies/main.lua:10", "nothing") in handlers(request)
    assert any(hook == "peer" and policy == "standard" and answer == "allow"
               for hook, policy, at, answer in handlers(request))
    assert "nobody's business" not in json.dumps(found)


@pytest.mark.parametrize("body, code, status, reason, line", [
    ("spam", "SW_FED_POLICY_REJECTED", 403, "it is spam", 13),
    ("later", "SW_RATE_LIMIT_EXCEEDED", 429, "not now", 12)])
def test_a_refusal_names_the_handler_and_the_line_that_said_so(town, body, code, status, reason, line):
    event = town.peer.event(body=body)
    assert town.send(event).status == status
    found = story(town, event["id"])
    end, = found["ends"]
    assert (end["state"], end["code"], end["reason"], end["stage"]) == ("refused", code, reason, "judge")
    request, = found["timeline"]
    hook = request["trace"]["hooks"][-1]
    said = hook["handlers"][-1]
    assert (hook["hook"], said["said_at"], said["text"]) == ("event", f"policies/main.lua:{line}", reason)
    first, second, *rest = text(town, event["id"]).splitlines()
    assert first == f"refused, by policies/main.lua:{line}, because: {reason} ({code})"
    assert second.startswith("what to do: ") and PEER in second
    assert any(f"policies/main.lua:{line}: {reason}" in line_ for line_ in rest)


def test_a_refusal_by_a_list_names_entry_file_and_line(town):
    town.gateway.stop()
    bad = town.world.peer("bad.example.test")
    town.start()
    event = bad.event()
    assert town.gateway.ask(bad.send_request(A, event)).status == 403
    # Refused before it was authenticated, an event is only a claim: the audit has it by the peer.
    rows = harness.poll(lambda: json.loads("[" + ",".join(
        town.gateway.run("audit", "--peer", "bad.example.test", "--json").stdout.splitlines()) + "]"))
    assert rows[0]["reason"] == "on the list: sends spam"
    town.world.write("lists/deny.txt", "# nobody\n")
    mark = town.log.mark()
    town.world.write("policies/main.lua", POLICY + "-- anew\n")
    town.log.wait("policy.reloaded", since=mark, server=A)
    assert town.gateway.ask(bad.send_request(A, bad.event())).status == 200
    mark = town.log.mark()
    town.world.write("lists/deny.txt", LIST)
    town.world.write("policies/main.lua", POLICY)
    town.log.wait("policy.reloaded", since=mark, server=A)
    event = bad.event()
    assert town.gateway.ask(bad.send_request(A, event)).status == 403
    found = story(town, event["id"])
    end, = found["ends"]
    assert end["list"] == {"source": "lists/deny.txt", "line": 3, "entry": "bad.example.test",
                           "reason": "sends spam"}
    first = text(town, event["id"]).splitlines()[0]
    assert "entry 'bad.example.test' in lists/deny.txt:3: sends spam" in first


def test_a_policy_that_broke_is_named_with_its_error(town):
    event = town.peer.event(body="broken")
    assert town.send(event).status == 403
    found = story(town, event["id"])
    handler = found["timeline"][0]["trace"]["hooks"][-1]["handlers"][-1]
    assert handler["answer"] == "failed" and "oh dear" in handler["text"]
    assert "oh dear" in text(town, event["id"])


def test_what_was_refused_unread_is_found_by_the_id_it_called_itself(town):
    event = town.peer.event()
    assert town.send(event, created=int(time.time()) - 70).code == "SW_FED_SIGNATURE_MISMATCH"
    found = story(town, event["id"])
    assert (found["state"], found["ends"][0]["stage"]) == ("refused", "claim")
    assert found["timeline"][0]["extra"]["unproven"] is True
    assert "wavegate doctor peer.example.test" in found["remedy"]
    assert f"somebody in the name of {PEER} sent it to {A}" in text(town, event["id"])


def test_what_somebody_says_in_anothers_name_does_not_change_the_story(town):
    event = town.peer.event()
    assert town.send(event).status == 200
    assert town.send(event, key=harness.SecretKey()).code == "SW_FED_SIGNATURE_MISMATCH"
    found = story(town, event["id"], until=lambda story: len(story["timeline"]) == 2)
    assert (found["state"], len(found["ends"])) == ("delivered", 1)
    assert found["timeline"][1]["extra"]["unproven"] is True


def test_what_the_instance_refused_is_its_to_explain(town):
    event = town.peer.event(room_id="room-private")
    assert town.send(event).status == 403
    found = story(town, event["id"])
    assert found["state"] == "refused"
    assert found["conclusion"] == "refused by a.example.test itself, which answered 403"
    assert found["timeline"][0]["request_id"] in found["remedy"]


def test_duplicates_are_part_of_the_story(town):
    event = town.peer.event()
    town.send(event)
    assert town.send(event).json["status"] == "duplicate"
    found = story(town, event["id"], until=lambda found: len(found["timeline"]) == 2)
    assert kinds(found) == [("request", "accepted"), ("request", "duplicate")]
    assert found["state"] == "delivered" and found["ends"][0]["duplicates"] == 1


def test_an_event_that_waited_for_its_instance(town):
    town.a.stop()
    event = town.peer.event()
    assert town.send(event).status == 202
    found = story(town, event["id"], until=lambda found: found["ends"][0]["attempts"] > 1)
    assert found["state"] == "waiting" and "the last failed" in found["conclusion"]
    assert f"wavegate queue retry --event {event['id']}" in found["remedy"]
    town.a.start()
    found = story(town, event["id"], until=state("delivered"))
    told = kinds(found)
    assert told[0] == ("request", "queued") and ("attempt", "failed") in told
    assert told[-2:] == [("attempt", "sent"), ("delivery", "delivered")]
    assert "delivered to a.example.test, with attempt" in text(town, event["id"])


# -- outbound --------------------------------------------------------------------------------------

def send(town, to=PEER, **members):
    event = town.out.event(**members)
    assert town.out.send(event, to).status == 202
    return event["id"]


def test_an_outbound_event_has_each_attempt_with_its_answer(town):
    town.peer.set_mode("refuse", times=2, status=503)
    event_id = send(town)
    town.peer.wait_for_taken(1)
    found = story(town, event_id, until=state("delivered"))
    attempts = [entry for entry in found["timeline"] if entry["kind"] == "attempt"]
    assert [(entry["number"], entry["outcome"], entry["status"], entry["destination"])
            for entry in attempts] == [(1, "failed", 503, PEER), (2, "failed", 503, PEER),
                                       (3, "sent", 200, PEER)]
    assert "answered 503" in attempts[0]["reason"] and attempts[0]["ms"] >= 0
    assert [stage["stage"] for stage in found["timeline"][0]["trace"]["stages"]] == [
        "route", "parse", "seal", "decide", "queue"]
    assert text(town, event_id).startswith("delivered to peer.example.test, with attempt 3\n")


def test_a_dead_letter_says_why_it_was_given_up(town):
    town.peer.set_mode("refuse", times=1, status=410)
    event_id = send(town)
    town.queue.wait_for_dead(event_id)
    found = story(town, event_id, until=state("dead"))
    assert "410" in found["ends"][0]["reason"] and "1 attempts" in found["conclusion"]
    assert f"wavegate queue requeue --event {event_id}" in found["remedy"]
    town.queue.change("requeue", event=event_id)
    town.peer.wait_for_taken(1)
    found = story(town, event_id, until=state("delivered"))
    act, = (entry for entry in found["timeline"] if entry["kind"] == "act")
    assert act["verdict"] == "requeued" and act["actor"].startswith("token:")


def test_an_event_for_several_peers_has_each_of_them(town):
    town.other.set_mode("refuse", times=1000, status=503)
    event = town.out.event()
    answer = town.out.relay(event, [PEER, OTHER, "refused.example.test"])
    assert answer.status == 202, answer
    found = story(town, event["id"], until=lambda found: {
        end["peer"]: end["state"] for end in found["ends"]} == {
            PEER: "delivered", OTHER: "waiting", "refused.example.test": "refused"})
    assert found["conclusion"].startswith("1 refused, 1 waiting, 1 delivered; refused.example.test: refused")
    requests = [entry for entry in found["timeline"] if entry["kind"] == "request"]
    assert [len(request["trace"]["hooks"]) > 0 for request in requests] == [True] * 3
    assert [hook["hook"] for hook in requests[2]["trace"]["hooks"]] == ["peer"]
    assert all(place in text(town, event["id"]) for place in (PEER, OTHER, "refused.example.test"))


# -- quarantine, restarts ----------------------------------------------------------------------------

def test_quarantine_and_who_released_it(town):
    event = town.peer.event(body="odd")
    assert town.send(event).status == 202
    found = story(town, event["id"])
    assert found["state"] == "held" and found["ends"][0]["reason"] == "look at it"
    assert "policies/main.lua:14" in found["conclusion"]
    assert f"wavegate queue quarantine release --event {event['id']}" in found["remedy"]
    assert town.queue.change("quarantine", "release", room="room-open", reason="it is fine") == 1
    found = story(town, event["id"], until=state("delivered"))
    act, = (entry for entry in found["timeline"] if entry["kind"] == "act")
    assert (act["verdict"], act["reason"]) == ("released", "it is fine")
    assert act["actor"].startswith("token:")
    assert f"released by {act['actor']}: it is fine" in text(town, event["id"])


def test_the_story_outlasts_a_restart(town):
    town.a.stop()
    waits = town.peer.event()
    assert town.send(waits).status == 202
    refused = town.peer.event(body="spam")
    town.send(refused)
    story(town, refused["id"])
    before = story(town, waits["id"], until=lambda found: found["ends"][0]["attempts"] > 0)
    town.gateway.stop()
    town.a.start()
    town.start()
    after = story(town, waits["id"], until=state("delivered"))
    assert after["timeline"][0] == before["timeline"][0]
    assert story(town, refused["id"])["ends"][0]["policy"] == "policies/main.lua:13"


# -- what is asked for -------------------------------------------------------------------------------

@pytest.mark.parametrize("spell", [lambda id: id, lambda id: "evt-" + id, lambda id: id.upper(),
                                   lambda id: "evt-" + id.upper()])
def test_any_spelling_of_the_id_will_do(town, spell):
    event = town.peer.event()
    town.send(event)
    assert story(town, spell(event["id"].removeprefix("evt-")))["state"] == "delivered"


def test_an_unknown_event_says_what_that_can_mean(town):
    done = town.gateway.run("why", str(uuid.uuid4()))
    assert done.returncode == 1 and done.stdout == ""
    assert all(cause in done.stderr for cause in ("never came", "audit.keep", "another gateway"))
    assert town.gateway.run("why", "no id at all").returncode != 0


@pytest.mark.parametrize("kept, taken, refused", [("all", True, True), ("refused", False, True),
                                                  ("none", False, False)])
def test_audit_trace_says_how_much_is_kept(make_town, kept, taken, refused):
    town = make_town(audit={"trace": kept})
    good, bad, held = town.peer.event(), town.peer.event(body="spam"), town.peer.event(body="odd")
    for event in (good, bad, held):
        town.send(event)
    told = {event["id"]: "trace" in story(town, event["id"])["timeline"][0]
            for event in (good, bad, held)}
    assert list(told.values()) == [taken, refused, refused]
    assert ("was not kept" in text(town, good["id"])) == (not taken)


def test_rows_go_when_audit_keep_is_over_and_the_rest_is_whole(make_town):
    town = make_town(audit={"keep": "2s"})
    old = town.peer.event()
    town.send(old)
    story(town, old["id"])
    harness.poll(lambda: town.gateway.run("audit", "--event", old["id"]).stdout == "",
                 what="the end of a row")
    new = town.peer.event()
    town.send(new)
    assert story(town, new["id"])["state"] == "delivered"
    assert text(town, old["id"]).startswith("over: it was taken for a.example.test"), \
        "its id is remembered for longer"
    assert town.gateway.run("audit", "verify").returncode == 0


def test_what_was_said_is_not_in_the_store(town):
    secret = "a9f1-nobody-else-reads-this"
    for body in (secret, "spam " + secret):
        event = town.peer.event(body=body)
        town.send(event)
        story(town, event["id"])
    town.gateway.stop()
    for folder, _, names in os.walk(os.path.join(town.world.folder, town.gateway.data)):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert secret.encode() not in file.read(), name


def test_a_chain_with_traces_is_whole_and_one_changed_trace_is_found(town):
    import sqlite3
    for body in ("one", "spam", "two"):
        event = town.peer.event(body=body)
        town.send(event)
        story(town, event["id"])
    done = town.gateway.run("audit", "verify")
    assert done.returncode == 0 and done.stdout.startswith("whole"), done
    town.gateway.stop()
    with sqlite3.connect(os.path.join(town.world.folder, town.gateway.data, "wavegate.db")) as db:
        n, = db.execute("SELECT max(n) FROM sw_audit WHERE trace LIKE '%it is spam%'").fetchone()
        db.execute("UPDATE sw_audit SET trace = replace(trace, 'spam', 'fine') WHERE n = ?", (n,))
    town.start()
    done = town.gateway.run("audit", "verify")
    assert done.returncode == 1 and f"row {n} was changed" in done.stdout, done
