# SPDX-License-Identifier: Apache-2.0
"""Each row of the error table of docs/protocol.md ("Answers") is provoked and answered as written."""
import json
import re
import time

import pytest

from harness import poll
from scaiwave import events, signatures
from scaiwave.keys import SecretKey

POLICY = """local wavegate = require "wavegate"
wavegate.use("standard")
wavegate.on("event", function(event, ctx)
  if event.content.body == "spam" then
    return wavegate.deny { reason = "we do not take spam here" }
  end
end)
"""


def expect(answer, status, code, *words):
    """Status, code, the documented shape, and words the message has to contain."""
    assert (answer.status, answer.code) == (status, code), answer
    assert set(answer.json) == {"error"}
    assert set(answer.json["error"]) >= {"code", "message"}
    assert answer.headers.get_content_type() == "application/json"
    for word in words:
        assert re.search(word, answer.message), f"{word!r} not in {answer.message!r}"
    return answer


# -- SW_FED_BAD_REQUEST -------------------------------------------------------------------------

EVENT = json.dumps(events.make("peer.example.test"))


@pytest.mark.parametrize("body, why", [
    (b"", "no body at all"),
    (b"{", "JSON that ends early"),
    (EVENT[:-1].encode() + b',"id":"evil"}', "a member name twice"),
    (EVENT.replace('"Hello"', '"\\ud800"').encode(), "a lone surrogate"),
    (EVENT.encode().replace(b"Hello", b"\xff\xfe"), "bytes that are not UTF-8"),
    (EVENT.replace('"Hello"', "1e999").encode(), "a number no double holds"),
    (EVENT.replace('"Hello"', "[" * 70 + "]" * 70).encode(), "deeper than 64"),
    (EVENT.encode() + b"x", "something after the value"),
    (b"[]", "not an object"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_malformed_json_is_refused(shared_town, body, why):
    request = shared_town.peer.send_request("a.example.test", body)
    if not body:
        request.headers.append(("Content-Length", "0"))
    expect(shared_town.gateway.ask(request), 400, "SW_FED_BAD_REQUEST")


@pytest.mark.parametrize("member", ["id", "type", "room_id", "sender_id", "origin", "origin_ts",
                                    "content"])
def test_a_missing_member_is_named(shared_town, member):
    event = shared_town.peer.event(signed=False)
    del event[member]
    expect(shared_town.send(event), 400, "SW_FED_BAD_REQUEST", member)


@pytest.mark.parametrize("member, value", [
    ("id", "not-a-uuid"), ("id", 7), ("type", ""), ("room_id", "room with spaces"),
    ("room_id", "r" * 256), ("sender_id", "alice"), ("sender_id", "@alice:"),
    ("origin_ts", "yesterday"), ("content", "text"), ("origin", "Peer.Example.Test")],
    ids=lambda value: str(value)[:20])
def test_a_malformed_member_is_named(shared_town, member, value):
    event = shared_town.peer.event(signed=False)
    event[member] = value
    expect(shared_town.send(event), 400, "SW_FED_BAD_REQUEST", member)


@pytest.mark.parametrize("member, value", [
    ("sender_id", "@alice:other.example.test"), ("origin", "other.example.test")])
def test_sender_origin_and_keyid_name_one_server(shared_town, member, value):
    event = shared_town.peer.event(signed=False)
    event[member] = value
    events.sign(event, event["origin"], shared_town.peer.key)
    answer = shared_town.send(event)
    assert answer.code in ("SW_FED_BAD_REQUEST", "SW_FED_SIGNATURE_MISMATCH"), answer
    assert answer.status in (400, 401)
    assert re.search(r"\b(origin|sender_id)\b", answer.message), answer
    assert shared_town.a.events == [] or shared_town.a.events[-1]["id"] != event["id"]


# -- SW_FED_PROTOCOL_VERSION --------------------------------------------------------------------

def test_no_common_protocol_version(town):
    town.peer.descriptor["protocol_versions"] = ["v7", "v8"]
    expect(town.send(), 400, "SW_FED_PROTOCOL_VERSION", "v7", "v1")


# -- SW_FED_SIGNATURE_MISMATCH ------------------------------------------------------------------

def mismatch(town, answer, *words):
    expect(answer, 401, "SW_FED_SIGNATURE_MISMATCH", *words)
    town.log.wait("federation.signature_verify_failed")


def test_a_request_without_signature(shared_town):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    request.replace("signature", None)
    request.replace("signature-input", None)
    mismatch(shared_town, shared_town.gateway.ask(request), "not signed|[Ss]ignature is missing")


@pytest.mark.parametrize("signing, words, why", [
    ({"key": SecretKey()}, [], "another key"),
    ({"tag": None}, ["tag|scaiwave-federation-v1"], "no tag"),
    ({"tag": "other"}, ["tag|scaiwave-federation-v1"], "another tag"),
    ({"omit": ["@method"]}, ["@method"], "the method not covered"),
    ({"omit": ["@authority"]}, ["@authority"], "the authority not covered"),
    ({"omit": ["@path"]}, ["@path"], "the path not covered"),
    ({"omit": ["content-digest"]}, ["content-digest"], "the body not covered"),
    ({"created": False}, ["created"], "no time"),
    ({"nonce": ""}, ["nonce"], "no nonce"),
    ({"nonce": "short"}, ["nonce"], "a nonce under 16 bytes"),
    ({"alg": "hmac-sha256"}, ["ed25519|hmac-sha256"], "another algorithm"),
    ({"expires": 1_700_000_000}, ["expire"], "expired"),
])
def test_a_signature_that_does_not_satisfy_the_profile(shared_town, signing, words, why):
    mismatch(shared_town, shared_town.send(**signing), *words)


@pytest.mark.parametrize("keyid", ["", "not a name", "peer.example.test#", "#kid"])
def test_a_malformed_keyid(shared_town, keyid):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    request.headers = [header for header in request.headers
                       if not header[0].lower().startswith("signature")]
    signatures.sign(request, shared_town.peer.key, keyid)
    answer = shared_town.gateway.ask(request)
    assert (answer.status, answer.code) in ((401, "SW_FED_SIGNATURE_MISMATCH"),
                                            (400, "SW_FED_BAD_REQUEST")), answer


def test_a_query_that_is_not_covered(shared_town):
    request = shared_town.peer.request("a.example.test", "GET",
                                       "/_scaiwave/federation/v1/rooms/room-open/backfill?limit=2",
                                       omit=["@query"])
    mismatch(shared_town, shared_town.gateway.ask(request), "@query")


@pytest.mark.parametrize("drift", [-61, 61, -3600, 86400])
def test_drift_over_60_seconds_is_refused_with_the_number_of_seconds(shared_town, drift):
    # The gateway's second may turn between our clock and its own: one more is as right.
    numbers = "|".join(str(abs(drift) + extra) for extra in (-1, 0, 1))
    away = drift + (1 if drift == 61 else 0)  # 61 s ahead must still be over 60 when it arrives
    numbers += f"|{abs(away)}"
    mismatch(shared_town, shared_town.send(created=int(time.time()) + away), rf"\b({numbers})\b")


@pytest.mark.parametrize("drift", [-59, 59])
def test_drift_under_60_seconds_is_accepted(shared_town, drift):
    assert shared_town.send(created=int(time.time()) + drift).status == 200



def test_a_nonce_used_twice_is_a_replay(shared_town):
    nonce = "replayed-nonce-0123456789"
    assert shared_town.send(nonce=nonce).status == 200
    mismatch(shared_town, shared_town.send(nonce=nonce), "replay|nonce")


def test_the_same_request_byte_for_byte_is_a_replay(shared_town):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    assert shared_town.gateway.ask(request).status == 200
    mismatch(shared_town, shared_town.gateway.ask(request), "replay|nonce")


def test_a_nonce_of_a_request_that_did_not_verify_is_not_used_up(shared_town):
    nonce = "not-used-up-nonce-0123456789"
    assert shared_town.send(nonce=nonce, key=SecretKey()).status == 401
    assert shared_town.send(nonce=nonce).status == 200


@pytest.mark.parametrize("harm, why", [
    (lambda request: setattr(request, "body", request.body.replace(b"Hello", b"HELLO")),
     "a body that was changed"),
    (lambda request: request.replace("content-digest", "sha-256=:AAAA:"), "a digest that is wrong"),
    (lambda request: request.replace("content-digest", None), "a digest that is missing"),
    (lambda request: request.replace("content-digest", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"),
     "a digest of no algorithm we know"),
])
def test_a_digest_that_does_not_fit(shared_town, harm, why):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    harm(request)
    answer = shared_town.gateway.ask(request)
    assert (answer.status, answer.code) in ((401, "SW_FED_SIGNATURE_MISMATCH"),
                                            (400, "SW_FED_BAD_REQUEST")), answer


def test_a_digest_of_another_body_that_is_signed_as_such(shared_town):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    request.headers = [header for header in request.headers
                       if not header[0].lower().startswith(("signature", "content-digest"))]
    request.headers.append(("Content-Digest", signatures.content_digest(b"another body")))
    signatures.sign(request, shared_town.peer.key, shared_town.peer.keyid())
    mismatch(shared_town, shared_town.gateway.ask(request), "[Dd]igest")


@pytest.mark.parametrize("target", [events.SEND + "?added", events.SEND + "/"])
def test_a_target_other_than_the_signed_one(shared_town, target):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    request.target = target
    answer = shared_town.gateway.ask(request)
    assert answer.status in (401, 404), answer


def test_a_signature_made_for_the_other_instance(shared_town):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    request.replace("host", "b.example.test")
    request.authority = "b.example.test"
    mismatch(shared_town, shared_town.gateway.ask(request))


def test_two_signatures_with_the_tag(shared_town):
    request = shared_town.peer.send_request("a.example.test", shared_town.peer.event())
    signatures.sign(request, shared_town.peer.key, shared_town.peer.keyid(), label="second")
    mismatch(shared_town, shared_town.gateway.ask(request))


@pytest.mark.parametrize("harm, why", [
    (lambda event: event.pop("signatures"), "missing"),
    (lambda event: event["content"].update(body="changed"), "over other content"),
    (lambda event: event["signatures"].update(
        {"peer.example.test": {"ed25519:AAAAAAAA": "AAAA"}}), "under a key nobody published"),
])
def test_an_event_signature_that_does_not_stand(shared_town, harm, why):
    event = shared_town.peer.event()
    harm(event)
    mismatch(shared_town, shared_town.send(event), "event")


def test_an_event_signed_with_another_key_under_the_right_kid(shared_town):
    event = shared_town.peer.event(key=SecretKey())
    own = event["signatures"]["peer.example.test"]
    own["ed25519:" + shared_town.peer.key.kid] = own.popitem()[1]
    mismatch(shared_town, shared_town.send(event), "event")


# -- SW_FED_PEER_UNKNOWN, SW_FED_POLICY_REJECTED ------------------------------------------------

def test_a_peer_that_policy_does_not_admit(town):
    town.world.resolve.pop("peer.example.test")
    town.gateway.stop()
    stranger = town.world.peer("stranger.example.test")
    config = town.world.config()
    for instance in config["instances"].values():
        instance["federation"]["allowed_peers"] = ["peer.example.test"]
    gateway = town.world.gateway(config)
    answer = gateway.ask(stranger.send_request("a.example.test", stranger.event()))
    expect(answer, 403, "SW_FED_PEER_UNKNOWN", r"stranger\.example\.test")
    gateway.log.wait("federation.policy_rejected")
    assert town.a.requests == []


def test_a_rejection_by_policy_carries_its_reason(shared_town):
    event = shared_town.peer.event(body="spam")
    expect(shared_town.send(event), 403, "SW_FED_POLICY_REJECTED", "we do not take spam here")
    shared_town.log.wait("federation.policy_rejected")
    assert event not in shared_town.a.events


# -- what the instance says, and what keeps it from saying anything -----------------------------

def test_a_room_that_does_not_exist(shared_town):
    expect(shared_town.send(shared_town.peer.event(room_id="room-nowhere")),
           404, "SW_ROOM_NOT_FOUND", "room-nowhere")


def test_a_room_that_is_not_federated(shared_town):
    expect(shared_town.send(shared_town.peer.event(room_id="room-private")),
           403, "SW_ROOM_FORBIDDEN", "room-private")


def test_a_rate_limit_of_the_instance_passes_with_retry_after(town):
    town.a.set_mode("wrong", status=429, retry_after=17, body={
        "error": {"code": "SW_RATE_LIMIT_EXCEEDED", "message": "slower"}})
    answer = expect(town.send(), 429, "SW_RATE_LIMIT_EXCEEDED")
    assert answer.headers["Retry-After"] == "17"


def test_content_over_64_kib(shared_town):
    event = shared_town.peer.event(body="x" * (65 * 1024))
    expect(shared_town.send(event), 413, "SW_CONTENT_TOO_LARGE")


def test_a_body_over_256_kib(shared_town):
    event = shared_town.peer.event(body="x" * (257 * 1024))
    expect(shared_town.send(event), 413, "SW_CONTENT_TOO_LARGE")


@pytest.mark.parametrize("name", ["nobody.example.test", "a.example.test.", "example.test"])
def test_a_server_name_no_instance_bears(shared_town, name):
    request = shared_town.peer.send_request(name, shared_town.peer.event())
    with shared_town.gateway.connect("a.example.test") as connection:
        answer = connection.ask(request)
    if name.endswith("."):
        assert answer.status in (400, 421), answer
    else:
        expect(answer, 421, "SW_FED_SERVER_UNKNOWN", re.escape(name))


def test_an_instance_is_not_reached_over_another_instances_name(shared_town):
    # SNI of a, Host of b: refused, or answered as b; never as a.
    before = len(shared_town.a.requests)
    request = shared_town.peer.send_request("b.example.test", shared_town.peer.event())
    with shared_town.gateway.connect("a.example.test") as connection:
        answer = connection.ask(request)
    assert answer.status in (200, 421), answer
    assert len(shared_town.a.requests) == before


def retry_after(answer):
    seconds = int(answer.headers["Retry-After"])
    assert 0 < seconds <= 600
    return seconds


def test_a_peer_whose_descriptor_cannot_be_fetched(town):
    town.peer.stop()
    answer = expect(town.send(), 503, "SW_FED_PEER_UNREACHABLE", r"peer\.example\.test")
    retry_after(answer)
    town.log.wait("federation.peer_discovery_failed")


TROUBLES = [
    (lambda a: a.stop(), "nobody listens"),
    (lambda a: a.set_mode("down"), "connections end without an answer"),
    (lambda a: a.set_mode("wrong", garbage=True), "the answer is no HTTP"),
]


@pytest.mark.parametrize("trouble, why", TROUBLES)
def test_an_instance_that_is_down_for_a_read(town, trouble, why):
    trouble(town.a)
    answer = expect(town.gateway.ask(town.peer.request(
        "a.example.test", "GET", "/_scaiwave/federation/v1/profile/bob")),
        503, "SW_FED_UPSTREAM_UNAVAILABLE")
    retry_after(answer)
    town.log.wait("federation.read.failed")


@pytest.mark.parametrize("trouble, why", TROUBLES)
def test_an_instance_that_is_down_for_an_event_that_cannot_be_stored(town, trouble, why):
    town.gateway.stop()
    gateway = town.world.gateway(town.world.config(queue={"free_disk": "1000GiB"}))
    trouble(town.a)
    answer = expect(gateway.ask(town.peer.send_request("a.example.test", town.peer.event())),
                    503, "SW_FED_UPSTREAM_UNAVAILABLE")
    retry_after(answer)
    gateway.log.wait("federation.send.failed")


@pytest.mark.parametrize("trouble, why", TROUBLES)
def test_an_instance_that_is_down_for_an_event(town, trouble, why):
    trouble(town.a)
    event = town.peer.event()
    answer = town.send(event)
    assert (answer.status, answer.json) == (202, {"status": "queued", "id": event["id"]})
    again = town.send(event)
    assert again.json["status"] == "duplicate"


def test_a_queued_event_reaches_the_instance_once_it_is_back(town):
    event = town.peer.event()
    town.a.stop()
    assert town.send(event).json["status"] == "queued"
    town.a.start()
    poll(lambda: town.a.events, what="the event to arrive")
    assert town.a.events == [event]
    assert town.send(event).json["status"] == "duplicate"


# -- routes -------------------------------------------------------------------------------------

@pytest.mark.parametrize("method, target, status", [
    ("GET", "/", 404), ("GET", "/_scaiwave/federation/v1/send", 405),
    ("POST", "/_scaiwave/federation/v1/profile/bob", 405),
    ("GET", "/_scaiwave/federation/v2/send", 404), ("GET", "/v1/admin/federation/identity", 404),
    ("GET", "/_wavegate/v1/relay", 404)])
def test_what_is_no_endpoint_is_said_so(shared_town, method, target, status):
    answer = shared_town.gateway.ask(
        shared_town.peer.request("a.example.test", method, target,
                                 b"{}" if method == "POST" else b""))
    assert answer.status == status, answer
    assert answer.code.startswith("SW_")


def test_messages_never_contain_a_secret(shared_town):
    import base64
    seed = base64.b64encode(shared_town.world.keys["a.example.test"].seed).decode()
    text = "\n".join(shared_town.log.lines)
    assert seed not in text
