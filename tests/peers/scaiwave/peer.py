# SPDX-License-Identifier: Apache-2.0
"""A foreign ScaiWave server, and the client that speaks for it."""
import http.client
import json
import socket
import ssl
import threading
import time

from . import events, signatures
from .keys import SecretKey
from .serving import Service, tls_context


class Peer(Service):
    """Serves its descriptor over TLS, takes events at its own /send, and can be told to misbehave.

    descriptor  a dict to publish, or bytes to send as they are
    answers     what the descriptor request meets: status, delay_s, headers"""

    def __init__(self, server_name, certificate, private_key, *, key=None, **where):
        self.server_name = server_name
        self.key = key or SecretKey()
        self.descriptor = events.descriptor(server_name, self.key.public)
        self.status, self.delay_s, self.headers = 200, 0, []
        self.fetches = 0
        self.received = []
        self._lock = threading.Condition()
        super().__init__(tls=tls_context(certificate, private_key), **where)

    def rotate(self, key=None):
        """A new key, published at once; returns the old one."""
        old, self.key = self.key, key or SecretKey()
        self.descriptor = events.descriptor(self.server_name, self.key.public)
        return old

    def keyid(self, with_kid=True):
        return f"{self.server_name}#{self.key.kid}" if with_kid else self.server_name

    def wait_for_fetches(self, count, deadline_s=10):
        with self._lock:
            if not self._lock.wait_for(lambda: self.fetches >= count, deadline_s):
                raise TimeoutError(f"{self.fetches} descriptor fetches, not {count}")

    def answer(self, handler, request):
        if request.method == "GET" and request.path == events.WELL_KNOWN:
            with self._lock:
                self.fetches += 1
                self._lock.notify_all()
            time.sleep(self.delay_s)
            return handler.reply(self.status, self.descriptor, self.headers)
        self.received.append(request)
        if request.method == "POST" and request.path == events.SEND:
            return self._take(handler, request)
        return handler.reply(404, {"error": {"code": "SW_FED_NOT_FOUND", "message": request.path}})

    @staticmethod
    def _take(handler, request):
        try:
            taken = {"status": "accepted", "id": json.loads(request.body)["id"]}
        except (ValueError, KeyError, TypeError):
            return handler.reply(400, {"error": {"code": "SW_FED_BAD_REQUEST",
                                                 "message": "the body is no event"}})
        return handler.reply(200, taken)

    # -- as a client -------------------------------------------------------------------------

    def event(self, room_id="room-open", body="Hello", key=None, signed=True, **members):
        event = events.make(self.server_name, room_id, body, **members)
        return events.sign(event, self.server_name, key or self.key) if signed else event

    def request(self, server_name, method, target, body=b"", key=None, keyid=None, **signing):
        """A signed request to server_name; signing goes to signatures.sign()."""
        request = signatures.Request(method, target, server_name, [("Host", server_name)], body)
        if body:
            request.headers += [("Content-Type", "application/json"),
                                ("Content-Length", str(len(body)))]
        return signatures.sign(request, key or self.key, keyid or self.keyid(), **signing)

    def send_request(self, server_name, event, **signing):
        """The request that delivers an event (a dict, or bytes that may be anything)."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return self.request(server_name, "POST", events.SEND, body, **signing)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.will_close = response.will_close

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The SW_* code of an error, else None."""
        try:
            return self.json["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return None

    @property
    def message(self):
        return self.json["error"]["message"]

    def __repr__(self):
        return f"<Answer {self.status} {dict(self.headers)} {self.body[:400]!r}>"


class Connection:
    """One TLS connection to address ("ip:port") as server_name; ca names a PEM file to trust."""

    def __init__(self, address, server_name, ca, *, context=None, session=None, timeout_s=30,
                 source=None):
        host, _, port = address.rpartition(":")
        self.context = context or client_context(ca)
        plain = socket.create_connection((host, int(port)), timeout_s,
                                         (source, 0) if source else None)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = self.context.wrap_socket(plain, server_hostname=server_name,
                                                   session=session)
        except BaseException:
            plain.close()
            raise
        self._reader = _Reader(self.socket)

    def send(self, data):
        self.socket.sendall(data)

    def answer(self, method="POST"):
        """The next answer; http.client.BadStatusLine or OSError when there is none."""
        response = http.client.HTTPResponse(self._reader, method=method)
        response.begin()
        return Answer(response)

    def ask(self, request):
        self.send(request.wire())
        return self.answer(request.method)

    def ended(self, timeout_s=5):
        """Has the other side closed, with nothing more to read, before the timeout."""
        self.socket.settimeout(timeout_s)
        try:
            return self._reader.file.read(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self):
        self._reader.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _Reader:
    """What HTTPResponse takes for a socket: one buffered file for the whole connection, so that
    pipelined answers are not lost in a buffer thrown away."""

    def __init__(self, sock):
        self.file = sock.makefile("rb")

    def makefile(self, *_):
        return _Borrowed(self.file)


class _Borrowed:
    def __init__(self, file):
        self._file = file

    def __getattr__(self, name):
        return getattr(self._file, name)

    def close(self):
        pass


def client_context(ca, minimum=None, maximum=None):
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = minimum or ssl.TLSVersion.TLSv1_2
    if maximum:
        context.maximum_version = maximum
    return context


class PeerControl(Service):
    """What a person asks of a running peer: POST /rotate, POST /descriptor {…}, POST /answers
    {"status","delay_s"}; GET /state."""

    def __init__(self, peer, **where):
        self.peer = peer
        super().__init__(**where)

    def answer(self, handler, request):
        asked, peer = json.loads(request.body or b"{}"), self.peer
        if request.path == "/rotate":
            peer.rotate()
        elif request.path == "/descriptor":
            peer.descriptor = asked
        elif request.path == "/answers":
            peer.status = asked.get("status", peer.status)
            peer.delay_s = asked.get("delay_s", peer.delay_s)
        elif request.path != "/state":
            return handler.reply(404, {"error": PeerControl.__doc__})
        return handler.reply(200, {"fetches": peer.fetches, "descriptor": peer.descriptor,
                                   "received": len(peer.received)})
