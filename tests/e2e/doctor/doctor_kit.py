# SPDX-License-Identifier: Apache-2.0
"""A neighbour that judges requests as a home server does, and can be broken in the ways of the documentation's
troubleshooting page; and what the doctor says of it."""
import email.utils
import http.client
import json
import time

from scaiwave import events, signatures
from scaiwave.sink import Sink

NAME = "peer.example.test"


class Neighbour(Sink):
    """clock_offset_s  its clock less the true one
    has_send        whether its endpoint for events is there
    closed          rooms that are not federated there
    unknown         (message) it admits nobody and says so; None: it admits those it trusts"""

    def __init__(self, *arguments, **where):
        self.clock_offset_s, self.has_send, self.unknown = 0, True, None
        self.closed = set()
        super().__init__(*arguments, **where)
        self.clock = lambda: time.time() + self.clock_offset_s

    def answer(self, handler, request):
        handler.date_time_string = lambda timestamp=None: email.utils.formatdate(
            self.clock(), usegmt=True)
        if request.path == events.WELL_KNOWN:
            return super().answer(handler, request)
        if request.method == "POST" and not self.has_send:
            return handler.reply(404, b"not found", [("Content-Type", "text/plain")])
        try:
            self._judge(request)
        except ValueError as error:
            return self._error(handler, 401, "SW_FED_SIGNATURE_MISMATCH", str(error))
        if self.unknown:
            return self._error(handler, 403, "SW_FED_PEER_UNKNOWN", self.unknown)
        if request.method == "GET" and self.closed.intersection(request.path.split("/")):
            return self._error(handler, 403, "SW_ROOM_FORBIDDEN", "the room is not federated")
        if request.method == "POST" and not request.body:
            return self._error(handler, 400, "SW_FED_BAD_REQUEST", "an event is a JSON object")
        return super().answer(handler, request)

    def _judge(self, request):
        def find(keyid):
            server, _, kid = keyid.partition("#")
            return self.trusted.get(server, {}).get(kid)
        signatures.verify(request, signatures.FEDERATION_TAG, find, now=self.clock(),
                          window_s=59)  # which verify() bounds at 60


class Report:
    """One examination: the rows by id, and what the verb printed for people at another run."""

    def __init__(self, done):
        assert done.stdout, done.stderr
        self.status = done.returncode
        self.json = json.loads(done.stdout)
        self.rows = {row["id"]: row for row in self.json["checks"]}
        assert self.json["healthy"] == (self.status == 0)
        assert self.json["failed"] == len(self.ids("failed"))

    def ids(self, result):
        return [row["id"] for row in self.json["checks"] if row["result"] == result]

    @property
    def failed(self):
        return self.ids("failed")

    def seen(self, check):
        return self.rows[check]["seen"]

    def remedy(self, check):
        return self.rows[check].get("remedy", "")

    def __repr__(self):
        return "\n".join(f"{row['result']:8} {row['id']:16} {row['seen']}\n{'':26}{row.get('remedy', '')}"
                         for row in self.json["checks"])


def examine(gateway, peer=NAME, server="a.example.test", room=None):
    return Report(gateway.run("doctor", peer, "--server", server, "--json",
                              *(["--room", room] if room else [])))


def put_flag(gateway, room, value):
    """The flag of a room of the instance."""
    host, _, port = gateway.admin.split(",")[0].rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("PUT", f"/v1/admin/rooms/{room}/federate", json.dumps({"federate": value}),
                       {"Authorization": "Bearer " + gateway.admin_token})
    assert connection.getresponse().status == 200
    connection.close()
