# SPDX-License-Identifier: Apache-2.0
"""`wavegate tool` and `wavegate keygen`: what they print and how they exit, with signatures judged
by another implementation of Ed25519."""
import base64
import hashlib
import json
import os
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey, Ed25519PublicKey)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

WAVEGATE = os.environ["WAVEGATE"]
VECTORS = os.path.join(os.path.dirname(__file__), "../../../../shared/vectors")
NOW = 1778939467
NONCE = "AAAAAAAAAAAAAAAAAAAAAA"
SEED = bytes(range(32))
EVENT = {
    "id": "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11", "type": "swp.room.message",
    "room_id": "room-5f1d2c", "sender_id": "@alice:peer.example.com",
    "origin": "peer.example.com", "origin_ts": NOW,
    "content": {"msgtype": "swp.text", "body": "Hello"}}
# RFC 9421 B.2.6: test-key-ed25519, its request, its signature.
RFC_KEY = "test-key-ed25519=ed25519:JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
RFC_REQUEST = (
    b'POST /foo?param=Value&Pet=dog HTTP/1.1\r\nHost: example.com\r\n'
    b'Date: Tue, 20 Apr 2021 02:07:55 GMT\r\nContent-Type: application/json\r\n'
    b'Content-Digest: sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNy'
    b'ealdVLvRwEmTHWXvJwew==:\r\nContent-Length: 18\r\n'
    b'Signature-Input: sig-b26=("date" "@method" "@path" "@authority" "content-type" '
    b'"content-length");created=1618884473;keyid="test-key-ed25519"\r\n'
    b'Signature: sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vu'
    b'Qv5lIp5WPpBKRCw==:\r\n\r\n{"hello": "world"}')


def run(*arguments, data=b""):
    return subprocess.run([WAVEGATE, *arguments], input=data, capture_output=True, timeout=60)


def tool(*arguments, data=b""):
    return run("tool", *arguments, data=data)


def good(*arguments, data=b""):
    done = tool(*arguments, data=data)
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout


def refused(*arguments, data=b""):
    """The one line of reason."""
    done = tool(*arguments, data=data)
    assert done.returncode == 1, done
    assert done.stderr.count(b"\n") == 1 and done.stderr.endswith(b"\n"), done
    return done.stderr.decode()


def misused(*arguments, data=b""):
    done = tool(*arguments, data=data)
    assert done.returncode == 2, done
    return done.stderr.decode()


def batch(verb, lines):
    data = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    answers = [json.loads(line) for line in good(verb, "--batch", data=data.encode()).splitlines()]
    assert len(answers) == data.count("\n")
    return answers


def b64(data):
    return base64.b64encode(data).decode()


def raw_bytes(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


@pytest.fixture
def key(tmp_path):
    """A key file and what it holds."""
    path = tmp_path / "a.key"
    path.write_text("# made by a test\ned25519-secret:" + b64(SEED) + "\n")
    private = Ed25519PrivateKey.from_private_bytes(SEED)
    public = raw_bytes(private.public_key())
    return {"file": str(path), "public": public, "text": "ed25519:" + b64(public),
            "kid": base64.urlsafe_b64encode(hashlib.sha256(public).digest())[:8].decode()}


def request(body=b"{}", target="/send?x=1", extra=b""):
    return (b"POST " + target.encode() + b" HTTP/1.1\r\nHost: a.example.test\r\n" + extra
            + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)


def sign(key, data, *more):
    return good("sign-request", "--key-file", key["file"], "--server-name", "peer.example.com",
                "--created", str(NOW), "--nonce", NONCE, *more, data=data)


# ---- keygen

def test_keygen_makes_a_private_file_and_never_overwrites_it(tmp_path):
    path = tmp_path / "new.key"
    done = run("keygen", "--out", str(path))
    assert done.returncode == 0
    public, kid = done.stdout.decode().split()[0], done.stdout.decode().split()[-1]
    assert path.stat().st_mode & 0o777 == 0o600
    seed = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert len(seed) == 1 and seed[0].startswith("ed25519-secret:")
    raw = raw_bytes(Ed25519PrivateKey.from_private_bytes(
        base64.b64decode(seed[0].split(":")[1])).public_key())
    assert public == "ed25519:" + b64(raw)
    assert kid == base64.urlsafe_b64encode(hashlib.sha256(raw).digest())[:8].decode()
    before = path.read_bytes()
    again = run("keygen", "--out", str(path))
    assert again.returncode == 1 and path.read_bytes() == before
    assert run("keygen").returncode == 2


# ---- usage

def test_usage_mistakes_exit_with_2_and_name_the_right_word(key):
    assert "canonicalize" in misused("canonicalise")
    assert "'--type' is missing" in misused("parse-field", data=b"a")
    assert "did you mean '--type'" in misused("parse-field", "--tipe", "item", data=b"a")
    assert "item, list or dictionary" in misused("parse-field", "--type", "bag", data=b"a")
    assert "needs its value" in misused("parse-field", "--type")
    assert "twice" in misused("parse-field", "--type", "item", "--type", "list", data=b"a")
    assert "no value" in misused("verify-request", "--key", RFC_KEY, "--rfc=yes")
    assert "KEYID=" in misused("verify-request", "--key", "x", data=RFC_REQUEST)
    assert "hex" in misused("verify", "--public-key", "zz", "--signature", "")
    assert "Unix seconds" in misused("verify-request", "--key", RFC_KEY, "--now", "-1",
                                     data=RFC_REQUEST)
    assert "server-name" in misused("sign-request", "--key-file", key["file"], "--server-name",
                                    "Not A Name", data=request())
    assert "NAME" in misused("check-name")
    assert misused() and misused("canonicalize", "stray")
    assert tool("help").returncode == 0 and b"check-address" in tool("help").stdout
    assert run().returncode == 2 and run("--version").returncode == 0


# ---- JSON and structured fields

def test_canonicalize_adds_no_newline():
    assert good("canonicalize", data=b' { "b" : 1e20 , "a":[1.0,"\\u20ac"] } ') == \
        '{"a":[1,"€"],"b":100000000000000000000}'.encode()
    assert "JSON" in refused("canonicalize", data=b'{"a":1,"a":2}')
    assert good("parse-json", data=b"[1]") == b""
    assert refused("parse-json", data=b"[1")


def test_canonicalize_takes_16_mib_and_not_more():
    assert len(good("canonicalize", data=b'"' + b"x" * (16 * 2**20 - 2) + b'"')) == 16 * 2**20
    assert "limit" in refused("canonicalize", data=b'"' + b"x" * (16 * 2**20 - 1) + b'"')


def test_parse_field_prints_the_canonical_form():
    assert good("parse-field", "--type", "dictionary", data=b"a=1 ,b;x=?1,  a=(2 )") == b"a=(2), b;x"
    assert good("parse-field", "--type=list", data=b"") == b""
    assert good("parse-field", "--type", "item", data=b" 1.50 ") == b"1.5"
    assert "byte 2" in refused("parse-field", "--type", "list", data=b"a,")


# ---- request signatures

def test_signature_base_is_that_of_rfc_9421():
    base = good("signature-base", data=RFC_REQUEST)
    assert base == (
        b'"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n'
        b'"@authority": example.com\n"content-type": application/json\n"content-length": 18\n'
        b'"@signature-params": ("date" "@method" "@path" "@authority" "content-type" '
        b'"content-length");created=1618884473;keyid="test-key-ed25519"')
    assert good("signature-base", "--label", "sig-b26", data=RFC_REQUEST) == base
    assert "labelled" in refused("signature-base", "--label", "x", data=RFC_REQUEST)
    assert good("signature-base", "--component", '"@query"', data=RFC_REQUEST) == \
        b'"@query": ?param=Value&Pet=dog'
    assert good("signature-base", "--component", '"@query-param";name="Pet"',
                data=RFC_REQUEST) == b'"@query-param";name="Pet": dog'
    assert good("signature-base", "--scheme", "http", "--component", '"@target-uri"',
                data=RFC_REQUEST) == b'"@target-uri": http://example.com/foo?param=Value&Pet=dog'
    assert "sf" in refused("signature-base", "--component", '"date";sf', data=RFC_REQUEST)
    assert "not signed" in refused("signature-base", data=request())
    assert refused("signature-base", data=b"GET / HTTP/1.1\r\n\r\n")


def test_rfc_9421_verifies_with_rfc_and_not_with_the_profile():
    good("verify-request", "--rfc", "--key", RFC_KEY, data=RFC_REQUEST)
    assert "tag" in refused("verify-request", "--key", RFC_KEY, data=RFC_REQUEST)
    assert "does not verify" in refused("verify-request", "--rfc", "--key", RFC_KEY,
                                        data=RFC_REQUEST.replace(b"/foo", b"/fop"))
    # RFC 9421 leaves the digest to the application, and this signature does not cover it.
    good("verify-request", "--rfc", "--key", RFC_KEY,
         data=RFC_REQUEST.replace(b"world", b"w0rld"))
    assert "no key" in refused("verify-request", "--rfc", "--key", RFC_KEY.replace("test", "best"),
                               data=RFC_REQUEST)


def test_sign_request_adds_lines_and_changes_nothing_else(key):
    plain = request(extra=b"X-Odd:   spaced \t\r\nX-Odd:\r\n")
    signed = sign(key, plain)
    assert signed == sign(key, plain), "fixed time and nonce give the same bytes"
    head, body = plain.split(b"\r\n\r\n", 1)
    assert signed.startswith(head + b"\r\n") and signed.endswith(b"\r\n\r\n" + body)
    added = signed[len(head) + 2:-len(body) - 4].decode().split("\r\n")
    assert added[0] == "Content-Digest: sha-256=:" + b64(hashlib.sha256(body).digest()) + ":"
    assert added[1] == (
        'Signature-Input: sw=("@method" "@authority" "@path" "@query" "content-digest")'
        f';created={NOW};keyid="peer.example.com#{key["kid"]}";alg="ed25519";nonce="{NONCE}"'
        ';tag="scaiwave-federation-v1"')
    assert added[2].startswith("Signature: sw=:") and len(added) == 3


def test_signatures_are_good_to_another_implementation(key):
    signed = sign(key, request())
    base = good("signature-base", data=signed)
    signature = base64.b64decode(signed.split(b"Signature: sw=:")[1].split(b":")[0])
    public = Ed25519PublicKey.from_public_bytes(key["public"])
    public.verify(signature, base)
    with pytest.raises(InvalidSignature):
        public.verify(signature, base + b"x")
    # And the other way round: a base written here, signed there, read by us.
    params = (f'("@method" "@authority" "@path");created={NOW};keyid="peer.example.com"'
              f';nonce="{NONCE}";tag="scaiwave-federation-v1"')
    theirs = Ed25519PrivateKey.from_private_bytes(SEED).sign((
        '"@method": GET\n"@authority": a.example.test\n"@path": /a%20b\n'
        f'"@signature-params": {params}').encode())
    made = ("GET /a%20b HTTP/1.1\r\nHost: A.example.test:443\r\n"
            f"Signature-Input: x={params}\r\nSignature: x=:{b64(theirs)}:\r\n\r\n").encode()
    good("verify-request", "--key", "peer.example.com=" + key["text"], "--now", str(NOW), data=made)


def test_sign_request_covers_what_it_is_told(key):
    signed = sign(key, request(extra=b"Date: now\r\n"), "--cover", '"@path"  "date"', "--label", "x")
    assert b'x=("@path" "date");created=' in signed
    assert "absent" in refused("sign-request", "--key-file", key["file"], "--server-name",
                               "peer.example.com", "--cover", '"date"', data=request())
    assert "labelled 'sw' already" in refused(
        "sign-request", "--key-file", key["file"], "--server-name", "peer.example.com",
        data=sign(key, request()))
    assert b"b=:" in sign(key, sign(key, request()), "--label", "b")
    assert "No such file" in refused("sign-request", "--key-file", "/nonexistent",
                                     "--server-name", "peer.example.com", data=request())


def test_verify_request_asks_for_the_whole_profile(key):
    signed = sign(key, request())
    keys = ("--key", "other.example=" + RFC_KEY.split("=", 1)[1],
            "--key", "peer.example.com=" + key["text"])

    def verify(data, now=NOW):
        return refused("verify-request", *keys, "--now", str(now), data=data)

    for now in (NOW - 60, NOW, NOW + 59):
        good("verify-request", *keys, "--now", str(now), data=signed)
    good("verify-request", "--now", str(NOW), "--key",
         f'peer.example.com#{key["kid"]}={key["text"]}', data=signed)
    assert "created is 61 s in the past" in verify(signed, NOW + 61)
    assert "created is 61 s in the future" in verify(signed, NOW - 61)
    assert "Content-Digest" in verify(signed.replace(b"{}", b"[]"))
    good("verify-request", "--rfc", *keys, data=signed.replace(b"{}", b"[]"))
    assert "does not verify" in verify(signed.replace(b"POST", b"PUT"))
    assert "@query" in verify(sign(key, request(),
                                   "--cover", '"@method" "@authority" "@path" "content-digest"'))
    assert "content-digest" in verify(sign(key, request(),
                                           "--cover", '"@method" "@target-uri"'))
    assert "not signed" in verify(request())
    assert "no key" in refused("verify-request", "--now", str(NOW), "--key",
                               "c.example=" + key["text"], data=signed)


# ---- events

def test_events_are_signed_in_canonical_form(key):
    signed = good("sign-event", "--key-file", key["file"], "--server-name", "peer.example.com",
                  data=json.dumps(EVENT, indent=2).encode())
    event = json.loads(signed)
    assert signed == json.dumps(event, sort_keys=True, separators=(",", ":")).encode()
    signature = base64.b64decode(
        event["signatures"]["peer.example.com"]["ed25519:" + key["kid"]])
    Ed25519PublicKey.from_public_bytes(key["public"]).verify(
        signature, json.dumps(EVENT, sort_keys=True, separators=(",", ":")).encode())
    good("verify-event", "--key", "peer.example.com=" + key["text"], data=signed)
    good("verify-event", "--key", f'peer.example.com#{key["kid"]}={key["text"]}', data=signed)
    assert refused("verify-event", "--key", "peer.example.com=" + key["text"],
                   data=signed.replace(b"Hello", b"Hullo"))
    assert "no key" in refused("verify-event", "--key", "a.example=" + key["text"], data=signed)
    assert refused("sign-event", "--key-file", key["file"], "--server-name", "a.example",
                   data=json.dumps(EVENT).encode())


# ---- names and addresses

def test_names_and_addresses_are_judged():
    assert good("check-name", "peer.example.com") == b"peer.example.com 443\n"
    assert good("check-name", "peer.example.com:8443") == b"peer.example.com 8443\n"
    assert good("check-name", "--allow-ip-literal", "127.0.0.1:1") == b"127.0.0.1 1\n"
    for name in ("", "Peer.example", "127.1", "a b", "münchen.example", "a.example:0"):
        assert refused("check-name", name)
    assert good("check-address", "8.8.8.8") == b"global allowed\n"
    done = tool("check-address", "::ffff:127.0.0.1")
    assert (done.returncode, done.stdout) == (1, b"loopback refused\n")
    assert b"allow_addresses" in done.stderr
    assert refused("check-address", "127.1")


# ---- batch

def test_a_batch_answers_each_line_and_survives_every_one():
    answers = batch("canonicalize", [
        {"id": 1, "in_b64": b64(b'{"b":1,"a":2}')},
        {"id": "two", "in_b64": b64(b"{")},
        "not json\n",
        "\n",
        "[]\n",
        {"id": [5, None], "in_b64": "!"},
        {"id": 6},
        {"id": 7, "in_b64": b64(b"1"), "typo": True},
        {"in_b64": b64(b"[]")},
    ])
    assert [answer["id"] for answer in answers] == \
        [1, "two", None, None, None, [5, None], 6, 7, None]
    assert [answer["ok"] for answer in answers] == [True] + 7 * [False] + [True]
    assert base64.b64decode(answers[0]["out_b64"]) == b'{"a":2,"b":1}'
    assert all(answer["reason"] for answer in answers if not answer["ok"])


def test_a_batch_takes_the_options_as_members(key):
    signed = sign(key, request())
    named = "peer.example.com=" + key["text"]
    lines = [{"in_b64": b64(signed), "key": named, "now": NOW},
             {"in_b64": b64(signed), "key": [RFC_KEY, named], "now": str(NOW)},
             {"in_b64": b64(signed), "key": named, "now": NOW + 61},
             {"in_b64": b64(signed), "key": named, "now": NOW + 61, "rfc": True},
             {"in_b64": b64(signed), "key": named, "now": NOW + 61, "rfc": False},
             {"in_b64": b64(signed), "key": 1, "now": NOW},
             {"in_b64": b64(signed), "now": NOW},
             {"in_b64": b64(RFC_REQUEST), "key": RFC_KEY, "rfc": True}]
    assert [answer["ok"] for answer in batch("verify-request", lines)] == \
        [True, True, False, True, False, False, False, True]
    made = batch("sign-request", [
        {"in_b64": b64(request()), "key_file": key["file"], "server-name": "peer.example.com",
         "created": NOW, "nonce": NONCE}])
    assert base64.b64decode(made[0]["out_b64"]) == signed
    lines = [{"name": "a.example"}, {"in_b64": b64(b"a.example:1")}, {"name": "A"}, {"name": 1}]
    assert [answer["ok"] for answer in batch("check-name", lines)] == [True, True, False, False]
    lines = [{"ip": "9.9.9.9"}, {"ip": "169.254.169.254"}]
    assert [answer["ok"] for answer in batch("check-address", lines)] == [True, False]
    assert "link-local" in batch("check-address", lines)[1]["reason"]
    signature = Ed25519PrivateKey.from_private_bytes(SEED).sign(b"m")
    for name in ("public_key", "public-key"):
        lines = [{"in_b64": b64(b"m"), name: key["public"].hex(), "signature": signature.hex()},
                 {"in_b64": b64(b"n"), name: key["public"].hex(), "signature": signature.hex()},
                 {"in_b64": b64(b"m"), name: key["public"].hex(), "signature": ""}]
        assert [answer["ok"] for answer in batch("verify", lines)] == [True, False, False]


def load(path):
    path = os.path.join(VECTORS, path)
    if not os.path.exists(path):
        pytest.skip("../shared/vectors is not here")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def test_wycheproof_by_batch():
    lines, wanted = [], []
    for group in load("ed25519/wycheproof-ed25519_test.json")["testGroups"]:
        for test in group["tests"]:
            lines.append({"id": test["tcId"], "in_b64": b64(bytes.fromhex(test["msg"])),
                          "public_key": group["publicKey"]["pk"], "signature": test["sig"]})
            wanted.append({"id": test["tcId"], "ok": test["result"] == "valid"})
    answers = [{"id": answer["id"], "ok": answer["ok"]} for answer in batch("verify", lines)]
    assert answers == wanted and len(answers) == 151


def test_structured_fields_by_batch():
    for name in ("dictionary", "list", "item", "binary", "param-list", "large-generated"):
        cases = load(f"structured-field-tests/{name}.json")
        lines = [{"type": case["header_type"], "in_b64": b64(", ".join(case["raw"]).encode())}
                 for case in cases]
        for case, answer in zip(cases, batch("parse-field", lines)):
            if case.get("must_fail"):
                assert not answer["ok"], case["name"]
            elif answer["ok"] or not case.get("can_fail"):
                assert base64.b64decode(answer["out_b64"]).decode() == \
                    ", ".join(case.get("canonical", case["raw"])), case["name"]
