# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as the gateway's peers meet it: order, chunks, continuations, limits."""
import socket
import time

import pytest

from harness import poll
from scaiwave import events, signatures

NAME = "a.example.test"


def descriptor_request(name=NAME):
    return signatures.Request("GET", events.WELL_KNOWN, name, [("Host", name)])


def chunked(request, sizes=(1, 7, 100), extension="", trailer=""):
    """The same request with its body in chunks."""
    body, parts, turn = request.body, [], 0
    while body:
        size = sizes[turn % len(sizes)]
        part, body, turn = body[:size], body[size:], turn + 1
        parts.append(f"{len(part):x}{extension}\r\n".encode() + part + b"\r\n")
    head = signatures.Request(**{**vars(request), "body": b"", "headers": [
        header for header in request.headers if header[0] != "Content-Length"]
        + [("Transfer-Encoding", "chunked")]}).wire()
    return head + b"".join(parts) + f"0\r\n{trailer}\r\n".encode()


def test_keep_alive_serves_many_requests_on_one_connection(shared_town):
    with shared_town.gateway.connect() as connection:
        for _ in range(20):
            event = shared_town.peer.event()
            answer = connection.ask(shared_town.peer.send_request(NAME, event))
            assert answer.json["id"] == event["id"]


def test_pipelined_requests_are_answered_in_order(town):
    town.send()
    sent = [town.peer.event(body=str(i)) for i in range(12)]
    wire = b"".join(town.peer.send_request(NAME, event).wire() for event in sent)
    town.a.set_mode("slow", ms=30)
    with town.gateway.connect() as connection:
        connection.send(wire)
        answers = [connection.answer() for _ in sent]
    assert [answer.json["id"] for answer in answers] == [event["id"] for event in sent]


def test_a_quick_answer_does_not_overtake_a_slow_one(town):
    town.send()
    town.a.set_mode("slow", ms=500)
    event = town.peer.event()
    with town.gateway.connect() as connection:
        connection.send(town.peer.send_request(NAME, event).wire() + descriptor_request().wire())
        assert connection.answer().json["id"] == event["id"]
        assert connection.answer().json["server_name"] == NAME


def test_a_request_in_many_small_pieces(shared_town):
    event = shared_town.peer.event()
    wire = shared_town.peer.send_request(NAME, event).wire()
    with shared_town.gateway.connect() as connection:
        for at in range(0, len(wire), 11):
            connection.send(wire[at:at + 11])
        assert connection.answer().json["id"] == event["id"]


def test_expect_100_continue_is_continued_before_the_body(shared_town):
    request = shared_town.peer.send_request(NAME, shared_town.peer.event())
    request.headers.append(("Expect", "100-continue"))
    wire = request.wire()
    head = wire[:len(wire) - len(request.body)]
    with shared_town.gateway.connect() as connection:
        connection.send(head)
        assert connection.socket.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(request.body)
        assert connection.answer().status == 200


def test_an_expectation_that_cannot_be_met_gets_417(shared_town):
    request = shared_town.peer.send_request(NAME, shared_town.peer.event())
    request.headers.append(("Expect", "200-miracles"))
    assert shared_town.gateway.ask(request).status == 417


@pytest.mark.parametrize("how", [{}, {"extension": ";a=b"}, {"trailer": "X-Checksum: 1\r\n"}])
def test_chunked_bodies_arrive_whole(shared_town, how):
    event = shared_town.peer.event(body="chunk " * 100)
    request = shared_town.peer.send_request(NAME, event)
    with shared_town.gateway.connect() as connection:
        connection.send(chunked(request, **how))
        answer = connection.answer()
    assert answer.json == {"status": "accepted", "id": event["id"]}
    assert shared_town.a.requests[-1]["body"] == request.body


def test_a_large_event_within_the_limits(shared_town):
    event = shared_town.peer.event(body="x" * (63 * 1024))
    assert shared_town.send(event).status == 200
    assert shared_town.a.events[-1] == event


def test_a_body_over_the_limit_is_refused_at_the_header(shared_town):
    request = signatures.Request("POST", events.SEND, NAME, [
        ("Host", NAME), ("Content-Length", str(256 * 1024 + 1))])
    with shared_town.gateway.connect() as connection:
        connection.send(request.wire())  # and not one byte of the body
        answer = connection.answer()
        assert (answer.status, answer.code) == (413, "SW_CONTENT_TOO_LARGE")
        assert connection.ended()


def test_expect_100_continue_for_a_body_over_the_limit_is_refused_at_once(shared_town):
    request = signatures.Request("POST", events.SEND, NAME, [
        ("Host", NAME), ("Content-Length", "999999999"), ("Expect", "100-continue")])
    with shared_town.gateway.connect() as connection:
        connection.send(request.wire())
        assert connection.answer().status == 413


def test_chunks_over_the_limit_are_refused_on_the_way(shared_town):
    head = (f"POST {events.SEND} HTTP/1.1\r\nHost: {NAME}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()
    piece = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    with shared_town.gateway.connect() as connection:
        connection.send(head)
        try:
            for _ in range(20):
                connection.send(piece)
        except OSError:
            pass  # it may hang up while we still talk
        assert connection.answer().status == 413


def test_a_head_over_16_kib_is_refused(shared_town):
    request = descriptor_request()
    request.headers += [(f"X-Padding-{i}", "y" * 1000) for i in range(17)]
    with shared_town.gateway.connect() as connection:
        connection.send(request.wire())
        assert connection.answer("GET").status == 431
        assert connection.ended()


def test_a_head_just_under_16_kib_is_read(shared_town):
    request = descriptor_request()
    request.headers += [(f"X-Padding-{i}", "y" * 1000) for i in range(15)]
    assert shared_town.gateway.ask(request).status == 200


def test_connection_close_is_honoured(shared_town):
    request = descriptor_request()
    request.headers.append(("Connection", "close"))
    with shared_town.gateway.connect() as connection:
        assert connection.ask(request).will_close
        assert connection.ended()


def test_http_1_0_is_answered_and_closed(shared_town):
    with shared_town.gateway.connect() as connection:
        connection.send(f"GET {events.WELL_KNOWN} HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode())
        assert connection.answer("GET").status == 200
        assert connection.ended()


def test_head_has_the_headers_and_no_body(shared_town):
    request = descriptor_request()
    request.method = "HEAD"
    with shared_town.gateway.connect() as connection:
        answer = connection.ask(request)
        assert answer.status in (200, 405)
        assert answer.body == b""
        assert connection.ask(descriptor_request()).status == 200, "the connection is in step"


def test_answers_carry_date_and_no_software_version(shared_town):
    answer = shared_town.gateway.ask(descriptor_request())
    assert answer.headers["Date"].endswith(" GMT")
    assert not any(digit in answer.headers.get("Server", "") for digit in "0123456789")


@pytest.fixture(scope="module")
def hasty(shared_town):
    """A gateway with little patience."""
    return shared_town.world.gateway(limits={
        "head_timeout": "700ms", "body_timeout": "700ms", "idle_timeout": "700ms"})


def test_a_head_that_does_not_end_is_given_up(hasty):
    with hasty.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a.exam")
        assert connection.answer("GET").status == 408
        assert connection.ended()


def test_a_head_that_trickles_is_given_up_too(hasty):
    # Each byte in time, the whole too late: the clock runs from the first byte of the request.
    with hasty.connect() as connection:
        started = time.monotonic()
        try:
            for byte in b"GET / HTTP/1.1\r\nX-Slow: " + b"s" * 200:
                connection.send(bytes([byte]))
                connection.socket.settimeout(0.05)
                try:
                    connection.socket.recv(1, 0)
                    break
                except socket.timeout:
                    pass
        except OSError:
            pass
        assert time.monotonic() - started < 8


def test_a_body_that_does_not_come_is_given_up(hasty):
    with hasty.connect() as connection:
        connection.send(f"POST {events.SEND} HTTP/1.1\r\nHost: {NAME}\r\n"
                        "Content-Length: 10\r\n\r\nhalf".encode())
        assert connection.answer().status == 408
        assert connection.ended()


def test_an_idle_connection_is_closed_without_a_word(hasty):
    with hasty.connect() as connection:
        assert connection.ask(descriptor_request()).status == 200
        assert connection.ended(20)


def test_a_slow_instance_is_given_up(town):
    config = town.world.config()
    config["instances"][NAME]["upstream_timeout"] = "500ms"
    gateway = town.world.gateway(config)
    town.a.set_mode("slow", ms=4000)
    read = gateway.ask(town.peer.request(NAME, "GET", "/_scaiwave/federation/v1/profile/bob"))
    assert (read.status, read.code) == (503, "SW_FED_UPSTREAM_UNAVAILABLE")
    first, second = town.peer.event(), town.peer.event()
    assert gateway.ask(town.peer.send_request(NAME, first)).status == 202  # stored, given later
    town.a.set_mode("normal")
    assert gateway.ask(town.peer.send_request(NAME, second)).status in (200, 202)
    poll(lambda: second in town.a.events, what="the second event to arrive")
    assert town.a.events.index(first) < town.a.events.index(second)


def test_a_client_that_leaves_does_not_disturb_the_rest(town):
    town.send()
    town.a.set_mode("slow", ms=300)
    for _ in range(5):
        with town.gateway.connect() as connection:
            connection.send(town.peer.send_request(NAME, town.peer.event()).wire())
    town.a.wait_for_requests(6)
    town.a.set_mode("normal")
    assert town.send().status == 200


def test_kept_upstream_connections_that_died_are_replaced(town):
    assert town.send().status == 200
    town.a.stop()
    town.a.start()
    for _ in range(5):
        assert town.send().status == 200
