# SPDX-License-Identifier: Apache-2.0
"""What instances send out: who may, in which forms, what the peer gets, and what policy has to say."""
import os
import socket

import pytest

from scaiwave import events
from scaiwave.keys import SecretKey

A, B, PEER, OTHER = ("a.example.test", "b.example.test", "peer.example.test",
                     "other.example.test")
FEDERATION = "/_scaiwave/federation/v1"
POLICY = """local wavegate = require "wavegate"

wavegate.on("peer", function(peer, ctx)
  if peer.name == "shy.example.test" then
    return wavegate.deny { reason = "peer asked " .. ctx.direction .. " at " .. ctx.server }
  end
end)

wavegate.on("event", function(event, ctx)
  if event.content.body == "deny " .. ctx.direction then
    return wavegate.deny {
      reason = "event asked " .. ctx.direction .. " at " .. ctx.server .. " about " .. ctx.peer.name
    }
  end
end)

wavegate.on("room", function(room, ctx)
  if room.id == "room-deny-" .. ctx.direction then
    return wavegate.deny { reason = "room asked " .. ctx.direction .. " at " .. ctx.server }
  end
end)

wavegate.use("standard")
"""


# -- who may -------------------------------------------------------------------------------------

@pytest.mark.parametrize("token, why", [
    (False, "none"), ("x", "no token at all"),
    ("wgt_aaaaaaaaaaaa_" + "A" * 43, "one that was never given out")])
@pytest.mark.parametrize("header", ["Proxy-Authorization", "Authorization"])
def test_refuses_without_a_token_of_an_instance(relay_town, token, header, why):
    out = relay_town.out
    answer = out.send(out.event(), PEER, token=token, header=header)
    assert (answer.status, answer.code) == (401, "SW_AUTH_INVALID_TOKEN"), why
    assert relay_town.queue.list() == []


def test_an_operators_token_opens_no_egress(relay_town):
    out = relay_town.out
    answer = out.send(out.event(), PEER, token=relay_town.gateway.admin_token)
    assert (answer.status, answer.code) == (403, "SW_AUTH_INSUFFICIENT_PERMISSION")


def test_an_instance_cannot_speak_for_another(relay_town):
    out = relay_town.out
    answer = out.send(out.event(), PEER, token=relay_town.gateway.token(B))
    assert answer.status in (400, 403) and answer.code, answer
    assert A in answer.message and B in answer.message


def test_tokens_are_stored_hashed_and_never_logged(relay_town):
    token, out = relay_town.out.token, relay_town.out
    assert out.send(out.event(), PEER).status == 202
    relay_town.gateway.stop()
    secret = token.split("_", 2)[2].encode()
    for folder, _, names in os.walk(relay_town.gateway.data):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert secret not in file.read(), name
    assert secret.decode() not in "\n".join(relay_town.log.lines)


# -- what the peer gets ----------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["absolute", "host"])
@pytest.mark.parametrize("header", ["Proxy-Authorization", "Authorization"])
def test_an_event_is_queued_and_delivered_in_either_form(relay_town, form, header):
    out, peer = relay_town.out, relay_town.peer
    event = out.event(body="caf\u00e9 \U0001f600")
    answer = out.send(event, PEER, form=form, header=header)
    assert (answer.status, answer.json) == (202, {"status": "queued", "id": event["id"]})
    taken = peer.wait_for_taken(1)[0]
    # The sink has verified both signatures, the nonce and the time.
    assert {name: taken[name] for name in event} == event
    assert set(taken) - set(event) == {"signatures"}
    relay_town.queue.wait_until_empty()


def test_the_gateway_signs_what_its_origin_did_not_with_that_instances_key(relay_town):
    out = relay_town.out
    assert out.send(out.event(), PEER).status == 202
    taken = relay_town.peer.wait_for_taken(1)[0]
    assert events.verify(taken, relay_town.world.keys[A].public)
    b = relay_town.gateway.client(B)
    assert b.send(b.event(), PEER).status == 202
    taken = relay_town.peer.wait_for_taken(2)[1]
    assert events.verify(taken, relay_town.world.keys[B].public)


def test_an_event_signed_by_its_origin_goes_out_as_it_is(relay_town):
    event = relay_town.out.event(signed=True)
    assert relay_town.out.send(event, PEER).status == 202
    assert relay_town.peer.wait_for_taken(1) == [event]


@pytest.mark.parametrize("spoil, why", [
    (lambda out: out.event(key=SecretKey()), "a key that is not this instance's"),
    (lambda out: {**out.event(signed=True), "content": {"body": "changed"}},
     "changed after it was signed")])
def test_refuses_an_event_that_is_signed_wrongly(relay_town, spoil, why):
    answer = relay_town.out.send(spoil(relay_town.out), PEER)
    assert (answer.status, answer.code) == (401, "SW_FED_SIGNATURE_MISMATCH"), why
    assert relay_town.queue.list() == []


@pytest.mark.parametrize("members, why", [
    ({"origin": OTHER, "sender_id": "@alice:" + OTHER}, "somebody else's event"),
    ({"origin": B, "sender_id": "@alice:" + B}, "another instance's event"),
    ({"sender_id": "@alice:" + OTHER}, "the sender is of another server than the origin")])
def test_refuses_an_event_that_is_not_the_instances_own(relay_town, members, why):
    answer = relay_town.out.send(relay_town.out.event(**members), PEER)
    assert answer.status in (400, 401, 403) and answer.code.startswith("SW_"), (why, answer)
    assert relay_town.queue.list() == []


@pytest.mark.parametrize("body, status, why", [
    (b"", 400, "no body"), (b"{", 400, "no JSON"), (b"[]", 400, "no object"),
    (b'{"id":1,"id":2}', 400, "a member twice"), (b"x" * 300000, 413, "too much")],
    ids=["no_body", "no_json", "no_object", "twice", "too_much"])
def test_refuses_what_is_no_event(relay_town, body, status, why):
    request = relay_town.out.send_request(body, PEER)
    if not body:
        request.headers.append(("Content-Length", "0"))
    assert relay_town.out.ask(request).status == status, why


def test_large_content_is_refused_with_the_documented_code(relay_town):
    event = relay_town.out.event(content={"body": "x" * 66000})
    answer = relay_town.out.send(event, PEER)
    assert (answer.status, answer.code) == (413, "SW_CONTENT_TOO_LARGE")


@pytest.mark.parametrize("target, method, status", [
    ("/nothing", "GET", 404), (events.SEND, "GET", 405), (FEDERATION + "/profile/x", "DELETE", 405)])
def test_answers_for_what_is_not_there(relay_town, target, method, status):
    out = relay_town.out
    assert out.ask(out.request(method, PEER, target)).status == status


def test_a_second_send_is_a_duplicate(relay_town):
    out = relay_town.out
    event = out.event()
    assert out.send(event, PEER).status == 202
    relay_town.peer.wait_for_taken(1)
    relay_town.queue.wait_until_empty()
    again = out.send(event, PEER)
    assert (again.status, again.json) == (200, {"status": "duplicate", "id": event["id"]})
    # The same event for another peer is none.
    assert out.send(event, OTHER).status == 202
    relay_town.other.wait_for_taken(1)
    assert len(relay_town.peer.attempts) == 1


def test_a_second_send_is_a_duplicate_while_the_first_still_waits(relay_town):
    out, event = relay_town.out, relay_town.out.event()
    relay_town.peer.set_mode("refuse", status=503)
    assert out.send(event, PEER).status == 202
    assert out.send(event, PEER).json["status"] == "duplicate"
    relay_town.peer.set_mode("accept")
    relay_town.peer.wait_for_taken(1)
    relay_town.queue.wait_until_empty()
    assert relay_town.peer.ids() == [event["id"]]


# -- one event, many peers -------------------------------------------------------------------------

def test_relays_one_event_to_many(relay_town):
    event = relay_town.out.event()
    answer = relay_town.out.relay(event, [PEER, OTHER, PEER])
    assert answer.status == 202, answer
    assert (answer.json["status"], answer.json["id"]) == ("queued", event["id"])
    assert relay_town.peer.wait_for_taken(1) == relay_town.other.wait_for_taken(1)
    assert len(relay_town.peer.attempts) == 1


def test_one_refused_by_policy_does_not_stop_the_others(relay_town):
    answer = relay_town.out.relay(relay_town.out.event(), [PEER, "refused.example.test", OTHER])
    assert answer.status == 202, answer
    refused = answer.json["refused"]
    assert [(row["destination"], row["code"]) for row in refused] == \
        [("refused.example.test", "SW_FED_PEER_UNKNOWN")]
    assert refused[0]["message"]
    relay_town.peer.wait_for_taken(1)
    relay_town.other.wait_for_taken(1)


def test_refused_by_policy_for_all_is_a_refusal(relay_town):
    answer = relay_town.out.relay(relay_town.out.event(), ["refused.example.test"])
    assert (answer.status, answer.code) == (403, "SW_FED_PEER_UNKNOWN")
    assert relay_town.queue.list() == []


@pytest.mark.parametrize("destinations, why", [
    ([], "nobody"), ("peer.example.test", "no list"), ([1], "no name"), (["no name"], "a bad name"),
    (["x%d.example.test" % i for i in range(5000)], "too many")],
    ids=["nobody", "no_list", "no_name", "bad_name", "too_many"])
def test_refuses_a_relay_without_usable_destinations(relay_town, destinations, why):
    answer = relay_town.out.relay(relay_town.out.event(), destinations)
    assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST"), why
    assert relay_town.queue.list() == []


# -- reads -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["absolute", "host"])
def test_reads_are_signed_and_answered_at_once(relay_town, form):
    answer = relay_town.out.get(FEDERATION + "/profile/carol", PEER, form=form)
    assert (answer.status, answer.json["display_name"]) == (200, "Carol")
    answer = relay_town.out.get(FEDERATION + "/rooms/room-open/members", PEER, form=form)
    assert answer.json == {"members": ["@carol:" + PEER]}
    assert [read[:2] for read in relay_town.peer.reads] == \
        [("profile", "carol"), ("members", "room-open")]


def test_backfill_carries_its_limit_and_brings_only_what_verifies(relay_town):
    peer = relay_town.peer
    peer.history = [peer.event(body=str(i)) for i in range(6)]
    peer.history[4]["content"]["body"] = "changed afterwards"
    answer = relay_town.out.get(FEDERATION + "/rooms/room-open/backfill?limit=3", PEER)
    assert answer.status == 200, answer
    assert [event["content"]["body"] for event in answer.json["events"]] == ["3", "5"]
    assert peer.reads[0][2]["limit"] == ["3"]


def test_a_peers_own_refusal_of_a_read_comes_through(relay_town):
    answer = relay_town.out.get(FEDERATION + "/profile/nobody", PEER)
    assert (answer.status, answer.code) == (404, "SW_FED_NOT_FOUND")


def test_a_read_at_a_peer_that_is_away_says_when_to_come_back(relay_town):
    relay_town.peer.stop()
    answer = relay_town.out.get(FEDERATION + "/profile/carol", PEER)
    assert (answer.status, answer.code) == (503, "SW_FED_PEER_UNREACHABLE")
    assert int(answer.headers["Retry-After"]) > 0


# -- policy ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("room, body, to, words, why", [
    ("room-open", "x", "shy.example.test", "peer asked outbound at " + A, "hook peer"),
    ("room-deny-outbound", "x", PEER, "room asked outbound at " + A, "hook room"),
    ("room-open", "deny outbound", PEER, "event asked outbound at " + A + " about " + PEER,
     "hook event")])
def test_policy_is_asked_with_the_direction(relay_town, room, body, to, words, why):
    event = relay_town.out.event(room_id=room, body=body)
    answer = relay_town.out.send(event, to)
    assert answer.status == 403, (why, answer)
    assert words in answer.message, why
    assert relay_town.queue.list() == []


def test_what_is_denied_outbound_may_come_in(relay_town):
    assert relay_town.send(relay_town.peer.event(body="deny outbound")).status == 200
    assert relay_town.send(relay_town.peer.event(body="deny inbound")).status == 403
    out = relay_town.out
    assert out.send(out.event(body="deny inbound"), PEER).status == 202


# -- behind the same gateway ---------------------------------------------------------------------------

@pytest.fixture
def neighbours(relay_town):
    """relay_town, where the address of b leads to a port that nobody may connect to."""
    tripwire = socket.create_server(("127.0.0.1", 0))
    tripwire.setblocking(False)
    relay_town.gateway.stop()
    relay_town.world.resolve[B] = "127.0.0.1:%d" % tripwire.getsockname()[1]
    relay_town.start()
    relay_town.b.trust(A, relay_town.world.keys[A].public)
    yield relay_town
    with pytest.raises(BlockingIOError):
        tripwire.accept()
    tripwire.close()


def wait_for_events(instance, count):
    from harness import poll
    poll(lambda: len(instance.events) >= count, what=f"{count} events")
    return instance.events


def test_another_instance_of_the_gateway_is_reached_without_the_network(neighbours):
    event = neighbours.out.event()
    assert neighbours.out.send(event, B).status == 202
    taken = wait_for_events(neighbours.b, 1)[0]
    assert {name: taken[name] for name in event} == event
    seen = neighbours.b.requests[0]
    assert (seen["gateway_signature"], seen["peer_signature"]) == ("verified", "verified")
    headers = {name.lower(): value for name, value in seen["headers"]}
    assert headers["wavegate-origin"] == A


@pytest.mark.parametrize("room, body, words", [
    ("room-open", "deny outbound", f"event asked outbound at {A} about {B}"),
    ("room-open", "deny inbound", f"event asked inbound at {B} about {A}"),
    ("room-deny-inbound", "x", f"room asked inbound at {B}")])
def test_both_policies_are_asked_about_a_neighbour(neighbours, room, body, words):
    answer = neighbours.out.send(neighbours.out.event(room_id=room, body=body), B)
    assert answer.status == 403, answer
    assert words in answer.message
    assert neighbours.b.requests == []


def test_a_neighbour_that_is_down_gets_it_later_in_order(neighbours):
    neighbours.b.stop()
    sent = [neighbours.out.event(body=str(i)) for i in range(5)]
    assert [neighbours.out.send(event, B).status for event in sent] == [202] * 5
    neighbours.b.start()
    assert [event["id"] for event in wait_for_events(neighbours.b, 5)] == \
        [event["id"] for event in sent]


def test_a_neighbour_is_one_destination_among_others(neighbours):
    assert neighbours.out.relay(neighbours.out.event(), [PEER, B]).status == 202
    neighbours.peer.wait_for_taken(1)
    wait_for_events(neighbours.b, 1)


def test_a_read_at_a_neighbour_stays_inside_too(neighbours):
    answer = neighbours.out.get(FEDERATION + "/profile/bob", B)
    assert (answer.status, answer.json["display_name"]) == (200, "Bob")


# -- peers that are not there ----------------------------------------------------------------------------

def test_a_peer_that_cannot_be_found_yet_gets_it_when_it_can(relay_town):
    late = relay_town.world.sink("late.example.test")
    late.stop()
    relay_town.gateway.stop()
    relay_town.start()
    event = relay_town.out.event()
    assert relay_town.out.send(event, "late.example.test").status == 202
    assert relay_town.out.send(relay_town.out.event(), PEER).status == 202
    relay_town.peer.wait_for_taken(1)  # which nobody holds up
    late.start()
    late.wait_for_taken(1)
    assert late.ids() == [event["id"]]


def test_a_name_that_does_not_resolve_is_kept_for_later(relay_town):
    assert relay_town.out.send(relay_town.out.event(), "nowhere.example.test").status == 202
    from harness import poll
    from relaying import ATTEMPTS
    rows = poll(lambda: [row for row in relay_town.queue.list(peer="nowhere.example.test")
                         if row[ATTEMPTS] > 0], what="an attempt")
    assert len(rows) == 1


@pytest.mark.parametrize("name", ["127.0.0.1", "no_such_name", "x" * 300],
                         ids=["address", "underscore", "too_long"])
def test_refuses_a_destination_that_is_no_server_name(relay_town, name):
    answer = relay_town.out.send(relay_town.out.event(), name)
    assert (answer.status, answer.code) == (400, "SW_FED_BAD_REQUEST")
