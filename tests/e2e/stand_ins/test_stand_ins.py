# SPDX-License-Identifier: Apache-2.0
"""The stand-ins are honest: they agree with the public examples and refuse what they should."""
import base64
import json
import os
import struct

import pytest

from harness import HERE
from scaiwave import events, fields, jcs, signatures
from scaiwave.instance import Instance
from scaiwave.keys import PublicKey, SecretKey
from scaiwave.peer import Connection
from scaiwave.certs import Authority

VECTORS = os.path.join(HERE, "..", "..", "..", "shared", "vectors")


def test_reproduces_rfc_9421_b_2_6():
    request = signatures.Request("POST", "/foo?param=Value&Pet=dog", "example.com", [
        ("Host", "example.com"), ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"), ("Content-Length", "18")], b'{"hello": "world"}')
    items, parameters = fields.dictionary(
        'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"')["sig-b26"]
    key = PublicKey(base64.urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs="))
    signature = base64.b64decode(
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
    assert key.verify(signature, signatures.base(request, items, parameters))


@pytest.mark.parametrize("value, text, why", [
    ({"\u20ac": 1, "\r": 2, "1": 3, "\U0001f600": 4, "\ufb33": 5, "\u00f6": 6, "\u0080": 7},
     '{"\\r":2,"1":3,"\u0080":7,"\u00f6":6,"\u20ac":1,"\U0001f600":4,"\ufb33":5}',
     "members sort by UTF-16 unit"),
    ([333333333.33333329, 1e30, 4.50, 2e-3, 1e-27], "[333333333.3333333,1e+30,4.5,0.002,1e-27]",
     "RFC 8785's own numbers"),
    ([0.0, -0.0, 1e21, 1e20, 123456789012345680000, 1e-6, 1e-7, -1.5],
     "[0,0,1e+21,100000000000000000000,123456789012345680000,0.000001,1e-7,-1.5]",
     "where ECMAScript changes its layout"),
    ("\u20ac$\u000f\nA'B\"\\\\\"/\u007f", '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f"', "escapes"),
])
def test_writes_canonical_json(value, text, why):
    assert jcs.canonical(value) == text.encode(), why


def test_writes_ten_thousand_numbers_as_ecmascript_does():
    path = os.path.join(VECTORS, "jcs", "es6-numbers-10000.txt")
    if not os.path.exists(path):
        pytest.skip("../shared/vectors is not here")
    with open(path, encoding="ascii") as file:
        for line in file:
            bits, text = line.strip().split(",")
            number = struct.unpack(">d", int(bits, 16).to_bytes(8, "big"))[0]
            assert jcs.canonical(number).decode() == text, bits


@pytest.mark.parametrize("text", [b'{"a":1,"a":2}', b'"\xff"', b"NaN", b"[1,]"])
def test_reads_json_strictly(text):
    with pytest.raises(ValueError):
        jcs.parse(text)


@pytest.fixture
def key():
    return SecretKey()


def upstream_request(key, server_name="a.example.test", body=None, **signing):
    body = json.dumps(events.make("peer.example.test")).encode() if body is None else body
    request = signatures.Request("POST", events.SEND, server_name,
                                 [("Host", server_name), ("Content-Length", str(len(body)))],
                                 body, "http")
    return signatures.sign(request, key, server_name, label="gw",
                           **{"tag": signatures.UPSTREAM_TAG, **signing})


def ask(instance, request):
    import http.client
    connection = http.client.HTTPConnection(*instance.address.split(":"), timeout=10)
    connection.connect()
    connection.sock.sendall(request.wire())
    response = http.client.HTTPResponse(connection.sock, method=request.method)
    response.begin()
    answer = json.loads(response.read())
    response.close()
    connection.close()
    return response.status, answer


@pytest.fixture
def instance(key):
    made = Instance("a.example.test", key.public)
    yield made
    made.stop()


def test_an_instance_takes_what_its_gateway_signed_once(instance, key):
    body = json.dumps(events.make("peer.example.test")).encode()
    assert ask(instance, upstream_request(key, body=body))[1]["status"] == "accepted"
    assert ask(instance, upstream_request(key, body=body))[1]["status"] == "duplicate"
    assert len(instance.events) == 1


@pytest.mark.parametrize("harm, why", [
    ({"omit": ["content-digest"]}, "the digest is not covered"),
    ({"omit": ["@path"]}, "the path is not covered"),
    ({"tag": signatures.FEDERATION_TAG}, "the tag is another"),
    ({"created": 1}, "the signature is old"),
    ({"alg": "rsa-pss-sha512"}, "the algorithm is another"),
])
def test_an_instance_refuses_a_gateway_signature(instance, key, harm, why):
    status, answer = ask(instance, upstream_request(key, **harm))
    assert (status, answer["error"]["code"]) == (401, "SW_FED_SIGNATURE_MISMATCH"), why
    assert not instance.events


def test_an_instance_refuses_another_key_and_another_body(instance, key):
    assert ask(instance, upstream_request(SecretKey()))[0] == 401
    request = upstream_request(key)
    request.body = request.body.replace(b"Hello", b"HELLO")
    assert ask(instance, request)[0] == 401


def test_an_instance_verifies_the_peer_itself_when_it_knows_the_key(instance, key):
    peer_key = SecretKey()
    instance.trust("peer.example.test", peer_key.public)
    event = events.sign(events.make("peer.example.test"), "peer.example.test", peer_key)
    body = json.dumps(event).encode()

    def request(signer):
        made = signatures.Request("POST", events.SEND, "a.example.test",
                                  [("Host", "a.example.test"),
                                   ("Content-Length", str(len(body)))], body, "https")
        signatures.sign(made, signer, "peer.example.test")
        outer = signatures.Request(**{**vars(made), "headers": [], "scheme": "http"})
        outer.headers = [header for header in made.headers if header[0] != "Content-Digest"]
        signatures.sign(outer, key, "a.example.test", label="gw", tag=signatures.UPSTREAM_TAG)
        return outer

    assert ask(instance, request(peer_key))[0] == 200
    assert instance.requests[-1]["peer_signature"] == "verified"
    assert ask(instance, request(SecretKey()))[0] == 401


@pytest.mark.parametrize("room, status, code", [
    ("room-nowhere", 404, "SW_ROOM_NOT_FOUND"), ("room-private", 403, "SW_ROOM_FORBIDDEN")])
def test_an_instance_guards_its_rooms(instance, key, room, status, code):
    body = json.dumps(events.make("peer.example.test", room)).encode()
    found, answer = ask(instance, upstream_request(key, body=body))
    assert (found, answer["error"]["code"]) == (status, code)


def test_a_peer_serves_its_descriptor_over_verified_tls(world):
    peer = world.peer()
    request = signatures.Request("GET", events.WELL_KNOWN, peer.server_name,
                                 [("Host", peer.server_name)])
    with Connection(peer.address, peer.server_name, world.authority.file) as connection:
        assert connection.ask(request).json["public_key"] == peer.key.public.text
        peer.rotate()
        assert connection.ask(request).json["public_key"] == peer.key.public.text
    assert peer.fetches == 2
    stranger = Authority(world.path("other", "ca"))
    with pytest.raises(OSError):
        Connection(peer.address, peer.server_name, stranger.file)


def test_an_event_signature_does_not_cover_unsigned_members(key):
    event = events.sign(events.make("peer.example.test"), "peer.example.test", key)
    event["unsigned"] = {"age": 5}
    assert events.verify(event, key.public)
    event["content"]["body"] = "other"
    assert not events.verify(event, key.public)
