# SPDX-License-Identifier: Apache-2.0
"""The door: TLS 1.2 and 1.3, a certificate for each name, and patience with nobody."""
import socket
import ssl
import time

import pytest

from scaiwave import events, signatures
from scaiwave.peer import Connection, client_context

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def descriptor_request(name="a.example.test"):
    return signatures.Request("GET", events.WELL_KNOWN, name, [("Host", name)])


def context(town, version):
    return client_context(town.world.authority.file, VERSIONS[version], VERSIONS[version])


def plain(town):
    host, port = town.gateway.ingress.split(":")
    return socket.create_connection((host, int(port)), 10)


def still_serves(town):
    assert town.gateway.ask(descriptor_request()).status == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions_work_with_forward_secrecy_and_an_aead(shared_town, version):
    with shared_town.gateway.connect(context=context(shared_town, version)) as connection:
        assert connection.socket.version() == version
        cipher = connection.socket.cipher()[0]
        assert "GCM" in cipher or "CHACHA20" in cipher or "CCM" in cipher
        assert version == "TLSv1.3" or cipher.startswith("ECDHE")
        assert connection.ask(descriptor_request()).status == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_versions_are_refused(shared_town):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        Connection(shared_town.gateway.ingress, "a.example.test", None, context=old)
    still_serves(shared_town)


@pytest.mark.parametrize("name", ["a.example.test", "b.example.test", "A.Example.TEST"])
def test_each_name_gets_its_own_certificate(shared_town, name):
    with shared_town.gateway.connect(name) as connection:
        names = [value for kind, value in connection.socket.getpeercert()["subjectAltName"]]
        assert names == [name.lower()]


def test_a_name_nobody_bears_is_refused_in_the_handshake(shared_town):
    with pytest.raises(OSError) as caught:
        shared_town.gateway.connect("nobody.example.test")
    assert "verify" not in str(caught.value).lower(), "refused by us, not by the client"
    still_serves(shared_town)


def test_without_sni_the_request_still_finds_its_instance(shared_town):
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
    with Connection(shared_town.gateway.ingress, None, None, context=lax) as connection:
        answer = connection.ask(descriptor_request("b.example.test"))
        assert answer.status in (200, 421)
        if answer.status == 200:
            assert answer.json["server_name"] == "b.example.test"


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_resumed(shared_town, version):
    # Both workers take connections; a ticket of one has to be good at the other.
    kept = context(shared_town, version)
    with shared_town.gateway.connect(context=kept) as first:
        assert first.ask(descriptor_request()).status == 200
        session = first.socket.session
        assert session is not None and session.has_ticket
    resumed = 0
    for _ in range(8):
        with shared_town.gateway.connect(context=kept, session=session) as again:
            assert again.ask(descriptor_request()).status == 200
            resumed += again.socket.session_reused
    assert resumed == 8


def test_a_session_of_one_name_is_not_one_of_another(shared_town):
    kept = context(shared_town, "TLSv1.3")
    with shared_town.gateway.connect("a.example.test", context=kept) as first:
        first.ask(descriptor_request())
        session = first.socket.session
    with shared_town.gateway.connect("b.example.test", context=kept, session=session) as second:
        answer = second.ask(descriptor_request("b.example.test"))
        assert answer.json["server_name"] == "b.example.test"


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\nHost: a.example.test\r\n\r\n", b"\x00" * 64, b"\x16\x03\x01\xff\xff" + b"A" * 600,
    b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\x00\x01\x01"], ids=lambda data: repr(data[:12]))
def test_what_is_no_tls_is_dropped_without_harm(shared_town, data):
    with plain(shared_town) as connection:
        connection.sendall(data)
        connection.settimeout(20)
        try:
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
        except OSError as error:
            assert not isinstance(error, TimeoutError), "the connection is still open"
    still_serves(shared_town)


def test_handshakes_that_stand_still_hold_up_nobody(shared_town):
    waiting = [plain(shared_town) for _ in range(50)]
    for connection in waiting[::2]:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01")
    started = time.monotonic()
    still_serves(shared_town)
    assert time.monotonic() - started < 8
    for connection in waiting:
        connection.close()


def test_a_handshake_byte_by_byte_succeeds(shared_town):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context(shared_town.world.authority.file).wrap_bio(
        incoming, outgoing, server_hostname="a.example.test")
    with plain(shared_town) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def step(action):
            while True:
                try:
                    return action()
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        connection.sendall(bytes([byte]))
                    incoming.write(connection.recv(16384))
        step(tls.do_handshake)
        tls.write(descriptor_request().wire())
        for byte in outgoing.read():
            connection.sendall(bytes([byte]))
        assert step(lambda: tls.read(16384)).startswith(b"HTTP/1.1 200")


def test_connections_that_vanish_leave_nothing_behind(shared_town):
    for turn in range(30):
        connection = shared_town.gateway.connect()
        if turn % 3 == 0:
            connection.send(b"POST /_scaiwave/federation/v1/send HTTP/1.1\r\nHost: a.exa")
        elif turn % 3 == 1:
            connection.send(descriptor_request().wire())
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    still_serves(shared_town)


def test_one_address_may_hold_only_so_many_connections(town):
    gateway = town.world.gateway(limits={"connections_per_address": 4})
    held = [gateway.connect() for _ in range(4)]
    try:
        with pytest.raises(OSError):
            with gateway.connect(timeout_s=10) as one_too_many:
                one_too_many.ask(descriptor_request())
        with gateway.connect(source="127.0.0.2") as neighbour:
            assert neighbour.ask(descriptor_request()).status == 200
    finally:
        for connection in held:
            connection.close()
    from harness import poll

    def free_again():
        try:
            return gateway.ask(descriptor_request()).status == 200
        except (OSError, EOFError):
            return False
    poll(free_again, 10, "room for new connections")
