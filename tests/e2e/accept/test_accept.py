# SPDX-License-Identifier: Apache-2.0
"""A good request comes through: to the right instance, unchanged, with what the gateway vouches for."""
import pytest

from scaiwave import events, signatures
from scaiwave.keys import PublicKey


def header(seen, name):
    values = [value for key, value in seen["headers"] if key.lower() == name]
    assert len(values) == 1, f"{name}: {values}"
    return values[0]


def test_an_event_is_accepted_and_seen_by_the_instance(town):
    event = town.peer.event()
    answer = town.send(event)
    assert (answer.status, answer.json) == (200, {"status": "accepted", "id": event["id"]})
    assert town.a.events == [event]
    town.log.wait("federation.send.success")


def test_the_gateway_vouches_for_the_request_in_headers_and_a_second_signature(town):
    town.send()
    seen = town.a.requests[0]
    assert header(seen, "x-request-id")
    assert header(seen, "x-forwarded-for") == "127.0.0.1"
    assert header(seen, "wavegate-origin") == "peer.example.test"
    assert header(seen, "wavegate-policy")
    assert seen["gateway_signature"] == "verified"
    assert seen["gateway_label"] == "gw"


def test_request_ids_differ_and_reach_the_log(town):
    town.send()
    town.send()
    ids = [header(seen, "x-request-id") for seen in town.a.requests]
    assert ids[0] != ids[1]
    town.log.wait("federation.send.success", count=2)
    logged = [str(record) for record in town.log.find("federation.send.success")]
    assert all(request_id in line for request_id, line in zip(ids, logged)), (ids, logged)


def test_method_path_query_host_body_and_the_peers_signature_pass_unchanged(town):
    event = town.peer.event(body="caf\u00e9 \U0001f600")
    request = town.peer.send_request("a.example.test", event, label="odd-label")
    request.target += "?trace=%41&x"
    request.headers = [(name, value) for name, value in request.headers
                       if not name.lower().startswith("signature")]
    signatures.sign(request, town.peer.key, town.peer.keyid(), label="odd-label")
    assert town.gateway.ask(request).status == 200
    seen = town.a.requests[0]
    assert (seen["method"], seen["target"], seen["body"]) == \
        ("POST", request.target, request.body)
    assert header(seen, "host") == "a.example.test"
    assert header(seen, "content-digest") == request.joined("content-digest")
    assert request.joined("signature-input") in header_joined(seen, "signature-input")
    assert request.joined("signature") in header_joined(seen, "signature")
    assert seen["peer_signature"] == "verified"


def header_joined(seen, name):
    return ", ".join(value for key, value in seen["headers"] if key.lower() == name)


@pytest.mark.parametrize("name", ["X-Request-Id", "X-Forwarded-For", "Wavegate-Origin",
                                  "Wavegate-Policy", "Wavegate-Labels"])
def test_a_peers_own_copy_of_the_gateways_headers_is_removed(shared_town, name):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    request.headers.append((name, "forged"))
    assert shared_town.gateway.ask(request).status == 200
    values = [value for key, value in shared_town.a.requests[-1]["headers"]
              if key.lower() == name.lower()]
    assert "forged" not in values


def test_a_peers_own_gw_signature_does_not_shadow_the_gateways(shared_town):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    forged = signatures.Request(**{**vars(request), "headers": list(request.headers)})
    signatures.sign(forged, shared_town.peer.key, "a.example.test", label="gw",
                    tag=signatures.UPSTREAM_TAG)
    before = len(shared_town.a.requests)
    answer = shared_town.gateway.ask(forged)
    arrived = shared_town.a.requests[before:]
    # Refusing is as good as replacing; passing the forged one on is neither.
    assert answer.status in (200, 400, 401)
    assert all(seen["gateway_signature"] == "verified" for seen in arrived)


def test_the_same_event_again_is_answered_duplicate(town):
    event = town.peer.event()
    assert town.send(event).json["status"] == "accepted"
    again = town.send(event)
    assert (again.status, again.json) == (200, {"status": "duplicate", "id": event["id"]})
    assert town.a.events == [event]


def test_an_event_the_instance_refused_may_be_sent_again(town):
    event = town.peer.event(room_id="room-later")
    assert town.send(event).code == "SW_ROOM_NOT_FOUND"
    town.a.rooms["room-later"] = {"federated": True}
    assert town.send(event).json["status"] == "accepted"


def test_event_ids_may_have_the_prefix_evt(town):
    bare = town.peer.event()
    prefixed = town.peer.event(id="evt-" + bare["id"])
    assert town.send(prefixed).json == {"status": "accepted", "id": prefixed["id"]}
    assert town.send(bare).json["status"] == "duplicate"


def test_each_instance_gets_what_is_addressed_to_it(town):
    event = town.peer.event()
    assert town.send(event, to="b.example.test").json["status"] == "accepted"
    assert (town.a.events, town.b.events) == ([], [event])
    # One event may be delivered to several instances behind one gateway.
    assert town.send(event, to="a.example.test").json["status"] == "accepted"


def test_a_keyid_without_kid_is_enough(shared_town):
    assert shared_town.send(keyid="peer.example.test").status == 200


def test_more_components_in_any_order_are_accepted(shared_town):
    names = ["content-type", "content-digest", "@target-uri", "@scheme", "@method", "host"]
    assert shared_town.send(components=names).status == 200


@pytest.mark.parametrize("kind, content", [
    ("swp.room.message.chunk", {"n": 1}), ("swp.room.topic", {"topic": "x"}),
    ("org.example.unheard_of", {"deep": [[{"a": None}]]}),
    ("swp.room.member", {"membership": "join"}), ("swp.room.member", {"membership": "invite"})])
def test_events_of_every_type_are_carried(shared_town, kind, content):
    event = shared_town.peer.event(type=kind, content=content)
    assert shared_town.send(event).status == 200
    assert shared_town.a.events[-1] == event


def test_unsigned_members_are_carried_but_not_covered(shared_town):
    event = shared_town.peer.event()
    event["unsigned"] = {"age": 12}
    assert shared_town.send(event).status == 200


FEDERATION = "/_scaiwave/federation/v1"


@pytest.mark.parametrize("path, member, value", [
    (FEDERATION + "/profile/bob", "display_name", "Bob"),
    (FEDERATION + "/rooms/room-open/members", "members", ["@bob:a.example.test"]),
    (FEDERATION + "/rooms/room-open/backfill?limit=5", "events", [])])
def test_read_endpoints_pass(town, path, member, value):
    answer = town.get(path)
    assert answer.status == 200, answer
    assert answer.json[member] == value
    assert town.a.requests[0]["target"] == path


def test_backfill_answers_what_was_sent(town):
    sent = [town.peer.event(body=str(i)) for i in range(3)]
    for event in sent:
        assert town.send(event).status == 200
    answer = town.get(FEDERATION + "/rooms/room-open/backfill?limit=2")
    assert [event["id"] for event in answer.json["events"]] == [event["id"] for event in sent[1:]]
    before = answer.json["next"]
    answer = town.get(FEDERATION + f"/rooms/room-open/backfill?limit=2&before={before}")
    assert [event["id"] for event in answer.json["events"]] == [sent[0]["id"]]


@pytest.mark.parametrize("name", ["a.example.test", "b.example.test"])
def test_serves_the_descriptor_of_each_instance(shared_town, name):
    request = signatures.Request("GET", events.WELL_KNOWN, name, [("Host", name)])
    answer = shared_town.gateway.ask(request)
    assert answer.status == 200
    descriptor = answer.json
    assert descriptor["server_name"] == name
    key = PublicKey.parse(descriptor["public_key"])
    assert key.raw == shared_town.world.keys[name].public.raw
    assert "v1" in descriptor["protocol_versions"]
    assert descriptor["endpoints"] == events.descriptor(name, key)["endpoints"]
    assert shared_town.world.instances[name].requests == [] or all(
        seen["target"] != events.WELL_KNOWN
        for seen in shared_town.world.instances[name].requests)


def test_many_events_at_once_each_arrive_once(town):
    import concurrent.futures
    sent = [town.peer.event(body=str(i)) for i in range(60)]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(town.send, sent))
    assert [answer.json["status"] for answer in answers] == ["accepted"] * 60
    assert sorted(event["id"] for event in town.a.events) == sorted(event["id"] for event in sent)
