# SPDX-License-Identifier: Apache-2.0
"""An instance as the gateway's egress door sees it: an ordinary client of an HTTP proxy."""
import json
import socket

from . import events, signatures
from .peer import Connection, _Reader

RELAY = "/_wavegate/v1/relay"


class PlainConnection(Connection):
    """Like Connection, without TLS."""

    def __init__(self, address, timeout_s=30):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = _Reader(self.socket)


class Egress:
    """address may be a function, for a gateway that starts again elsewhere. key: the instance's own, for
    events that it signs itself; the gateway signs those that come unsigned."""

    def __init__(self, address, server_name, token, key=None):
        self.server_name, self.token, self.key = server_name, token, key
        self._address = address

    @property
    def address(self):
        return self._address() if callable(self._address) else self._address

    def event(self, room_id="room-open", body="Hello", signed=False, key=None, **members):
        event = events.make(self.server_name, room_id, body, **members)
        return events.sign(event, self.server_name, key or self.key) if signed or key else event

    def request(self, method, peer, target, body=b"", *, form="absolute",
                header="Proxy-Authorization", token=None):
        """form: absolute (as to a proxy), host (origin-form with the peer in Host). token: another than
        the instance's, or False for none."""
        shown = f"http://{peer}{target}" if form == "absolute" else target
        request = signatures.Request(method, shown, peer, [("Host", peer)], body, "http")
        token = self.token if token is None else token
        if token:
            request.headers.append((header, f"Bearer {token}"))
        if body:
            request.headers += [("Content-Type", "application/json"),
                                ("Content-Length", str(len(body)))]
        return request

    def ask(self, request, timeout_s=30):
        with PlainConnection(self.address, timeout_s) as connection:
            return connection.ask(request)

    def send_request(self, event, to, **how):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return self.request("POST", to, events.SEND, body, **how)

    def send(self, event, to="peer.example.test", **how):
        """One event (a dict, or bytes that may be anything) for one peer."""
        return self.ask(self.send_request(event, to, **how))

    def relay(self, event, destinations, **how):
        body = json.dumps({"destinations": destinations, "event": event}).encode()
        how.setdefault("form", "host")
        return self.ask(self.request("POST", self.address, RELAY, body, **how))

    def get(self, target, to="peer.example.test", **how):
        return self.ask(self.request("GET", to, target, **how))
