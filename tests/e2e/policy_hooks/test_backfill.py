# SPDX-License-Identifier: Apache-2.0
"""History: asked for within what policy allows, and cut and verified event by event on its way out."""
import json

import pytest
from conftest import OPEN

from scaiwave import events
from scaiwave.keys import SecretKey

T0 = 1778939000  # of the first event of a history; one a minute


def history(town, count=6, key=None, **members):
    """Events of the peer in room-open, oldest first, which the instance will show."""
    made = [town.peer.event(body=f"number {i}", origin_ts=T0 + 60 * i, key=key, **members)
            for i in range(count)]
    town.a.events.extend(made)
    return made


def asked(town):
    """The query that the instance was asked with last."""
    return town.a.requests[-1]["target"].partition("?")[2]


def ids(answer):
    assert answer.status == 200, answer
    return [event["id"] for event in answer.json["events"]]


def limit(**fields):
    inner = ", ".join(f"{name} = {value}" for name, value in fields.items())
    return f'\nwavegate.on("backfill", function() return wavegate.limit {{ {inner} }} end)'


# -- on the way in -----------------------------------------------------------------------------------

@pytest.mark.parametrize("policy, query, upstream, why", [
    ("", "?limit=40", "limit=40", "below the default of 100"),
    ("", "?limit=5000", "limit=100", "the default bounds it"),
    ("", "", "limit=100", "nothing asked: the default, in so many words"),
    (limit(events=5), "?limit=40", "limit=5", "policy bounds it"),
    (limit(events=5), "", "limit=5", "policy bounds what is not said, too"),
    (limit(events=5), "?limit=3", "limit=3", "less was asked"),
    (limit(events=5), "?before=x&limit=9&q=1", "limit=5&before=x&q=1", "the rest stays"),
    (limit(events=7) + limit(events=4) + limit(events=6), "?limit=9", "limit=4",
     "the tightest of several"),
    (limit(events=400), "?limit=300", "limit=300", "policy may allow more than the default"),
])
def test_the_instance_is_asked_for_what_policy_allows(build, policy, query, upstream, why):
    town = build(OPEN + policy)
    assert town.backfill(query).status == 200
    assert asked(town) == upstream, why
    assert town.a.requests[-1]["gateway_signature"] == "verified"
    assert town.a.requests[-1]["peer_signature"] == \
        ("verified" if query == "?" + upstream else "left out")


def test_backfill_is_told_what_is_asked(build):
    town = build(OPEN + """
wavegate.on("backfill", function(request, ctx)
  return wavegate.deny { reason = table.concat({ request.endpoint, request.room_id,
    tostring(request.limit), tostring(request.before), ctx.room.id }, " ") }
end)""")
    before = town.event()["id"]
    assert town.backfill(f"?limit=7&before={before}").message == \
        f"backfill room-open 7 {before} room-open"
    assert town.backfill().message == "backfill room-open nil nil room-open"
    assert town.a.requests == []


# -- on the way out ----------------------------------------------------------------------------------

def test_an_answer_passes_whole_when_it_is_within(build):
    town = build(OPEN)
    assert outcome_of_first_contact(town) == 200
    made = history(town)
    answer = town.backfill("?limit=10")
    assert ids(answer) == [event["id"] for event in made]
    assert answer.json["events"] == made, "unchanged"


def outcome_of_first_contact(town):
    """Makes the peer's key known; its event is taken out of the history again."""
    status = town.send().status
    town.a.events.clear()
    return status


def test_events_that_the_instance_gives_beyond_the_limit_are_cut(build):
    town = build(OPEN + limit(events=3))
    made = history(town)
    town.a.set_mode("wrong", status=200, body={"events": made})  # it does not care about limit
    answer = town.backfill("?limit=10")
    assert ids(answer) == [event["id"] for event in made[-3:]], "the newest are kept"
    assert answer.json["next"] == made[3]["id"], "and where to go on"


def test_newest_first_is_cut_at_its_other_end(build):
    town = build(OPEN + limit(events=2))
    made = history(town)[::-1]
    town.a.set_mode("wrong", status=200, body={"events": made})
    answer = town.backfill()
    assert ids(answer) == [event["id"] for event in made[:2]]
    assert answer.json["next"] == made[1]["id"]


def test_bytes_bound_the_answer(build):
    town = build(OPEN + limit(bytes=2200))
    made = history(town, 8)
    answer = town.backfill()
    kept = ids(answer)
    assert 1 <= len(kept) < 8 and kept == [event["id"] for event in made[-len(kept):]]
    canonical = sum(len(json.dumps(event, separators=(",", ":"))) for event in made[-len(kept):])
    assert canonical <= 2200
    assert answer.json["next"] == kept[0]


def test_not_before_hides_what_is_older(build):
    town = build(OPEN + limit(not_before=T0 + 150) + limit(not_before=T0 + 100))
    made = history(town)
    answer = town.backfill()
    assert ids(answer) == [event["id"] for event in made[3:]], "the later boundary counts"
    assert "next" not in answer.json, "there is nothing to go on to"


def test_no_events_at_all(build):
    town = build(OPEN + limit(events=0))
    history(town)
    answer = town.backfill("?limit=5")
    assert ids(answer) == [] and asked(town) == "limit=0"


# -- each event against the keys of its own origin -----------------------------------------------------

def refused(town):
    return town.log.wait("federation.history_refused")


def test_a_forged_event_is_left_out_and_logged(build):
    town = build(OPEN)
    made = history(town)
    forged = dict(made[2], content={"msgtype": "swp.text", "body": "words put in a mouth"})
    town.a.events[2] = forged
    answer = town.backfill()
    assert ids(answer) == [event["id"] for event in made if event["id"] != forged["id"]]
    record = refused(town)
    assert (record["refused"], record["room"], record["server"]) == \
        (1, "room-open", "a.example.test")
    assert forged["id"] in record["reason"]


@pytest.mark.parametrize("spoil, why", [
    (lambda event: event.pop("signatures"), "no signature at all"),
    (lambda event: event["signatures"].update(
        {event["origin"]: {name: "AAAA" for name in event["signatures"][event["origin"]]}}),
     "a signature that is none"),
    (lambda event: events.sign(
        event.update(signatures={}) or event, "peer.example.test", SecretKey()),
     "signed with a key that its origin never published"),
    (lambda event: event.update(sender_id="@eve:peer.example.test"), "another sender"),
])
def test_what_does_not_verify_is_left_out(build, spoil, why):
    town = build(OPEN)
    made = history(town, 3)
    spoil(town.a.events[1])
    assert ids(town.backfill()) == [made[0]["id"], made[2]["id"]], why
    assert refused(town)["refused"] == 1


def test_a_key_of_before_still_verifies_history(build):
    town = build(OPEN)
    assert outcome_of_first_contact(town) == 200
    made = history(town, 3)
    town.peer.rotate()
    town.a.trust("peer.example.test", town.peer.key.public)
    assert outcome_of_first_contact(town) == 200
    town.a.events[:] = made
    assert ids(town.backfill()) == [event["id"] for event in made]
    assert town.log.find("federation.history_refused") == []


def test_events_of_a_third_server_are_verified_with_its_keys(build):
    town = build(OPEN)
    third = town.world.peer("third.example.test")
    town.gateway.stop()
    town.start()
    good = third.event(origin_ts=T0)
    bad = events.sign(events.make("third.example.test", body="not by third", origin_ts=T0 + 60),
                      "third.example.test", town.peer.key)
    town.a.events.extend([good, bad])
    assert ids(town.backfill()) == [good["id"]]
    assert third.fetches >= 1, "its descriptor was asked for"


def test_an_origin_that_cannot_be_found_is_left_out(build):
    town = build(OPEN)
    stranger = events.sign(events.make("nowhere.example.test", origin_ts=T0),
                           "nowhere.example.test", SecretKey())
    made = history(town, 2)
    town.a.events.insert(0, stranger)
    assert ids(town.backfill()) == [event["id"] for event in made]
    assert "nowhere.example.test" in refused(town)["reason"]


def test_the_instances_own_events_are_signed_on_their_way_out(build):
    town = build(OPEN)
    own = events.make("a.example.test", body="mine", origin_ts=T0)
    town.a.events.append(own)
    answer = town.backfill()
    assert ids(answer) == [own["id"]]
    assert events.verify(answer.json["events"][0], town.world.keys["a.example.test"].public)


def test_a_page_that_is_none_is_not_passed_on(build):
    town = build(OPEN)
    for body in ({"events": "none"}, {}, b"<html>", []):
        town.a.set_mode("wrong", status=200, body=body)
        answer = town.backfill()
        assert (answer.status, answer.code) == (503, "SW_FED_UPSTREAM_UNAVAILABLE"), body
