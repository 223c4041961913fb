# SPDX-License-Identifier: Apache-2.0
"""How the gateway finds a peer's keys: rarely, once at a time, over verified TLS, from where it may."""
import concurrent.futures
import time

import pytest

from scaiwave import events
from scaiwave.certs import Authority
from scaiwave.keys import SecretKey


def refused(town, answer, *words):
    """503 with Retry-After to the peer; the reason in the log for the operator."""
    assert (answer.status, answer.code) == (503, "SW_FED_PEER_UNREACHABLE"), answer
    assert 0 < int(answer.headers["Retry-After"]) <= 600
    line = town.log.wait("federation.peer_discovery_failed")
    text = str(line).lower()
    assert any(word.lower() in text for word in words) or not words, (words, line)
    assert town.a.requests == []


# -- when it fetches ----------------------------------------------------------------------------

def test_a_descriptor_is_fetched_once_and_kept(town):
    for _ in range(3):
        assert town.send().status == 200
    assert town.send(to="b.example.test").status == 200
    assert town.peer.fetches == 1


@pytest.mark.parametrize("with_kid", [True, False])
def test_a_key_rotation_is_followed_by_exactly_one_refetch(town, with_kid):
    assert town.send(keyid=town.peer.keyid(with_kid)).status == 200
    town.peer.rotate()
    town.a.trust("peer.example.test", town.peer.key.public)
    if not with_kid:  # the instance stand-in takes any key it trusts only by kid
        town.a.peer_keys["peer.example.test"] = {town.peer.key.kid: town.peer.key.public}
    for _ in range(3):
        assert town.send(keyid=town.peer.keyid(with_kid)).status == 200
    assert town.peer.fetches == 2


def test_twenty_first_requests_at_once_make_one_fetch(town):
    town.peer.delay_s = 0.5
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: town.send(), range(20)))
    assert [answer.status for answer in answers] == [200] * 20
    assert town.peer.fetches == 1


def test_twenty_first_requests_at_once_share_one_failure(town):
    town.peer.delay_s, town.peer.status = 0.5, 500
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: town.send(), range(20)))
    assert {answer.status for answer in answers} == {503}
    assert town.peer.fetches == 1


def test_an_unknown_kid_is_looked_up_at_most_once_a_minute(town):
    assert town.send().status == 200
    for _ in range(5):
        stranger = SecretKey()
        answer = town.send(key=stranger, keyid=f"peer.example.test#{stranger.kid}")
        assert (answer.status, answer.code) == (401, "SW_FED_SIGNATURE_MISMATCH")
    assert town.peer.fetches == 2


def test_a_wrong_signature_is_looked_up_at_most_once_a_minute(town):
    assert town.send().status == 200
    for _ in range(5):
        assert town.send(key=SecretKey()).status == 401
    assert town.peer.fetches == 2
    assert town.send().status == 200


def test_a_failure_backs_off(town):
    town.peer.status = 500
    for _ in range(3):
        answer = town.send()
        assert (answer.status, answer.code) == (503, "SW_FED_PEER_UNREACHABLE")
        assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert town.peer.fetches == 1


def test_a_failed_refetch_does_not_forget_a_good_key(town):
    assert town.send().status == 200
    town.peer.status = 500
    assert town.send(key=SecretKey()).status in (401, 503)
    assert town.send().status == 200


def test_a_closed_instance_does_not_even_look(town):
    config = town.world.config()
    for instance in config["instances"].values():
        instance["federation"]["default_mode"] = "closed"
    gateway = town.world.gateway(config)
    answer = gateway.ask(town.peer.send_request("a.example.test", town.peer.event()))
    assert (answer.status, answer.code) == (403, "SW_FED_PEER_UNKNOWN"), answer
    assert town.peer.fetches == 0


def test_malformed_requests_cost_no_fetch(town):
    assert town.send(omit=["@path"]).status == 401
    assert town.send(created=int(time.time()) - 3600).status == 401
    assert town.peer.fetches == 0


def test_keys_around_a_rotation_are_all_good(town):
    now, old = int(time.time()), SecretKey()
    town.peer.descriptor["keys"] = [
        {"kid": town.peer.key.kid, "public_key": town.peer.key.public.text,
         "valid_from": now - 60},
        {"kid": old.kid, "public_key": old.public.text, "valid_from": now - 9999,
         "valid_until": now + 9999}]
    town.a.trust("peer.example.test", old.public)
    keyid = f"peer.example.test#{old.kid}"
    assert town.send(town.peer.event(key=old), key=old, keyid=keyid).status == 200
    assert town.send().status == 200
    assert town.peer.fetches == 1


def test_a_key_past_its_time_signs_no_requests(town):
    now, old = int(time.time()), SecretKey()
    town.peer.descriptor["keys"] = [
        {"kid": old.kid, "public_key": old.public.text, "valid_from": now - 9999,
         "valid_until": now - 999}]
    answer = town.send(town.peer.event(key=old), key=old, keyid=f"peer.example.test#{old.kid}")
    assert (answer.status, answer.code) == (401, "SW_FED_SIGNATURE_MISMATCH"), answer


# -- what it refuses to believe -----------------------------------------------------------------

def change(**members):
    return lambda descriptor: {name: value for name, value in {**descriptor, **members}.items()
                               if value is not None}


def endpoint(path):
    return lambda descriptor: {**descriptor,
                               "endpoints": {**descriptor["endpoints"], "send": path}}


@pytest.mark.parametrize("breaking, words", [
    (change(server_name="other.example.test"), ["server_name", "other.example.test"]),
    (change(server_name=None), ["server_name"]),
    (change(public_key="ed25519:" + "A" * 40), ["public_key", "32", "key"]),
    (change(public_key="rsa:AAAA"), ["public_key", "ed25519"]),
    (change(public_key="ed25519:" + "A" * 43 + "="), ["key", "small"]),
    (change(protocol_versions="v1"), ["protocol_versions"]),
    (endpoint("https://elsewhere.example.test/send"), ["endpoint", "send"]),
    (endpoint("//elsewhere.example.test/send"), ["endpoint", "send"]),
    (endpoint("relative/send"), ["endpoint", "send"]),
    (change(endpoints=None), ["endpoints"]),
    (change(padding="x" * 70_000), ["64", "large", "limit", "bytes"]),
    (lambda _: b"<html>no JSON</html>", ["json", "invalid", "malformed", "expected"]),
    (lambda _: b'{"server_name":"peer.example.test","server_name":"x"}', ["duplicate", "twice"]),
    (lambda _: b"[]", ["object"]),
    (lambda _: b"", ["json", "empty", "end"]),
], ids=["another name", "no name", "a short key", "another algorithm", "a small-order key",
        "versions not a list", "endpoint at another host", "endpoint without scheme",
        "relative endpoint", "no endpoints", "too large", "not JSON", "duplicate members",
        "not an object", "empty"])
def test_a_broken_descriptor_is_refused_with_the_reason(town, breaking, words):
    town.peer.descriptor = breaking(town.peer.descriptor)
    refused(town, town.send(), *words)


def test_redirects_are_not_followed(town):
    decoy = town.world.peer("decoy.example.test")
    decoy.server_name = "peer.example.test"
    decoy.descriptor = town.peer.descriptor
    town.peer.status = 302
    town.peer.headers = [("Location", f"https://{decoy.address}{events.WELL_KNOWN}")]
    refused(town, town.send(), "302", "redirect")
    assert decoy.fetches == 0


@pytest.mark.parametrize("status", [204, 404, 500, 503])
def test_a_status_other_than_200_is_no_descriptor(town, status):
    town.peer.status = status
    refused(town, town.send(), str(status))


def test_an_answer_that_is_no_http_is_refused(town):
    town.peer.answer = lambda handler, request: (handler.wfile.write(b"hello\r\n\r\n"),
                                                 handler.drop())
    town.peer.stop()
    town.peer.start()
    refused(town, town.send())


# -- certificates -------------------------------------------------------------------------------

@pytest.mark.parametrize("certificate, words", [
    ({"dns": ["other.example.test"]}, ["is for other.example.test", "name"]),
    ({"days": -1, "start_days": -9}, ["expired"]),
    ({"start_days": 5}, ["not valid before", "not yet"]),
    ({"issuer": "stranger"}, ["trusted", "trust anchor", "authority", "issuer"]),
], ids=["for another name", "expired", "not yet valid", "from an unknown authority"])
def test_a_certificate_that_does_not_verify_is_refused_with_the_reason(town, tmp_path, certificate, words):
    if "issuer" in certificate:
        certificate = {"issuer": Authority(tmp_path / "stranger", "Stranger")}
    peer = town.world.peer("bad.example.test", **certificate)
    gateway = town.world.gateway()
    answer = gateway.ask(peer.send_request("a.example.test", peer.event()))
    assert (answer.status, answer.code) == (503, "SW_FED_PEER_UNREACHABLE"), answer
    line = str(gateway.log.wait("federation.peer_discovery_failed")).lower()
    assert "certificate" in line and any(word in line for word in words), line
    assert peer.fetches == 0


# -- the address guard --------------------------------------------------------------------------

def guarded(town, **peers):
    config = town.world.config()
    config["peers"].update(peers)
    gateway = town.world.gateway(config)
    answer = gateway.ask(town.peer.send_request("a.example.test", town.peer.event()))
    assert (answer.status, answer.code) == (503, "SW_FED_PEER_UNREACHABLE"), answer
    assert town.peer.fetches == 0
    return str(gateway.log.wait("federation.peer_discovery_failed")).lower()


@pytest.mark.parametrize("allowed", [[], ["10.0.0.0/8"], ["127.1.0.0/16"], ["::1/128"]])
def test_a_loopback_address_is_refused_unless_allowed(town, allowed):
    line = guarded(town, allow_addresses=allowed)
    assert "127.0.0.1" in line and "allow_addresses" in line, line


def test_a_mapped_loopback_address_is_refused_too(town):
    port = town.peer.port
    guarded(town, allow_addresses=[],
            resolve={"peer.example.test": f"[::ffff:127.0.0.1]:{port}"})


def test_the_peer_is_not_told_what_the_guard_saw(town):
    config = town.world.config()
    config["peers"]["allow_addresses"] = []
    gateway = town.world.gateway(config)
    answer = gateway.ask(town.peer.send_request("a.example.test", town.peer.event()))
    assert "127.0.0.1" not in answer.message, "an answer that tells addresses is a port scanner"


def test_other_requests_go_on_while_a_peer_does_not_answer(town):
    silent = town.world.peer("silent.example.test")
    silent.delay_s = 20
    gateway = town.world.gateway()
    with gateway.connect() as waiting:
        waiting.send(silent.send_request("a.example.test", silent.event()).wire())
        silent.wait_for_fetches(1)
        started = time.monotonic()
        answer = gateway.ask(town.peer.send_request("a.example.test", town.peer.event()))
        assert answer.status == 200
        assert time.monotonic() - started < 10
