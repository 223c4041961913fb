# SPDX-License-Identifier: Apache-2.0
"""Whatever way secrets and message bodies take through the gateway, none of them is in its log, not even at
level debug and in any format."""
import base64
import json
import os
import socket

import harness
import pytest
from operator_kit import Operator
from peer_kit import Archive

A, B, PEER, OTHER = "a.example.test", "b.example.test", "peer.example.test", "other.example.test"
SEND = "/_scaiwave/federation/v1/send"
ADMIN = "/v1/admin/rooms/room-open/federation/"
POLICY = """local wavegate = require "wavegate"
wavegate.on("peer", function() return wavegate.allow() end)
wavegate.on("event", function(event, ctx)
  local body = event.content.body
  if body:find("deny") then return wavegate.deny { reason = "not here" } end
  if body:find("hold") then return wavegate.quarantine { reason = "a look first" } end
  if body:find("break") then return nil + 1 end
  if body:find("loop") then while true do end end
end)
"""


class Secrets:
    """Makes distinctive words and remembers them."""

    def __init__(self):
        self.words = []

    def new(self, what):
        word = f"{what}-{len(self.words)}-{base64.b32encode(os.urandom(10)).decode().lower()}"
        self.words.append(word)
        return word

    def add(self, text):
        """A secret that somebody else made: its parts that are long enough to be its own."""
        self.words += [part for part in text.split() if len(part) >= 20 and "---" not in part]


def raw(gateway, data):
    """Bytes to the egress door as they are; what comes back does not matter."""
    host, _, port = gateway.egress.split(",")[0].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(data)
        while connection.recv(4096):
            pass


def inbound(town, secrets):
    """Taken, refused by every stage that looks, quarantined, and queued while the instance is down."""
    peer = town.peer
    for word in ("taken", "deny", "hold", "break", "loop"):
        town.send(peer.event(body=secrets.new(word)))
    event = peer.event(body=secrets.new("tampered"))
    event["content"]["body"] = secrets.new("afterwards")
    assert town.send(event).status == 401
    assert town.send(peer.event(body=secrets.new("stale")), created=1).status == 401
    assert town.send(peer.event("room-private", secrets.new("private"))).status == 403
    assert town.send(secrets.new("no json").encode()).status == 400
    assert town.send(peer.event(body=secrets.new("large") + "x" * 70000)).status in (400, 413)
    request = peer.request(A, "GET", "/_scaiwave/federation/v1/profile/bob?s=" + secrets.new("query"))
    request.headers.append(("Authorization", "Bearer " + secrets.new("authorization")))
    request.headers.append(("Cookie", secrets.new("cookie")))
    town.gateway.ask(request)
    town.a.set_mode("wrong", status=500, body={"why": secrets.new("upstream")})
    assert town.send(peer.event(body=secrets.new("queued"))).status == 202
    town.a.set_mode("normal")
    harness.poll(lambda: len(town.a.events) >= 2, what="the delivery of what was queued")


def outbound(town, secrets):
    """Delivered, given up, refused; with tokens that are good and bad; read, and turned inside."""
    out = town.out
    secrets.add(town.gateway.token())
    assert out.send(out.event(body=secrets.new("sent"))).status == 202
    town.peer.wait_for_taken(1)
    assert out.send(out.event(body=secrets.new("inside")), B).status == 202
    out.send(out.event(body=secrets.new("deny")))
    assert out.relay(out.event(body=secrets.new("relayed")), [PEER, OTHER]).status == 202
    out.get("/_scaiwave/federation/v1/profile/carol?s=" + secrets.new("query"))
    out.get("/_scaiwave/federation/v1/profile/bob", B)
    town.other.stop()
    assert out.send(out.event(body=secrets.new("waiting")), OTHER).status == 202
    town.log.wait("federation.send.failed", direction="outbound")
    wrong = secrets.new("wgt")
    for field in ("Proxy-Authorization", "Authorization"):
        body = json.dumps({"body": secrets.new("body")})
        raw(town.gateway, f"POST http://{PEER}{SEND} HTTP/1.1\r\nHost: {PEER}\r\n{field}: Bearer {wrong}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
    raw(town.gateway, f"GET /{secrets.new('broken')} HTTP/1.1\r\nAuthorization: {secrets.new('unread')}\r\n"
        "Host: x\r\nHost: y\r\n\r\n".encode())


def admin(town, secrets, operator):
    """Tokens made, used and wrong; history and invites; a policy document; the queue with its bodies."""
    secrets.add(operator.token)
    secrets.add(operator.new_token(role="read", comment="x")["token"])
    assert operator.get("/_wavegate/v1/queue", token=secrets.new("wgt")).status == 401
    operator.ask("PUT", "/_wavegate/v1/log", secrets.new("no json").encode())
    archive = Archive(town.peer, town.world.keys)
    town.peer.event("room-open", secrets.new("history"))
    archive.history["room-open"] = [town.peer.event("room-open", secrets.new("history"))]
    archive.profiles["@carol:" + PEER] = {"display_name": secrets.new("profile")}
    operator.post(ADMIN + "backfill?server_name=" + A, {"peer": PEER})
    operator.post(ADMIN + "invite?server_name=" + A,
                  {"participant_id": "@carol:" + PEER, "sender_id": "@bob:" + A})
    town.queue.run("list")
    town.queue.run("quarantine", "list")
    town.queue.run("quarantine", "release", all=True)


@pytest.mark.parametrize("log_format", ["json", "logfmt", "human"])
def test_no_secret_and_no_body_is_in_the_log(make_relay_town, log_format):
    secrets = Secrets()
    path = os.path.join
    town = make_relay_town(POLICY, log={"level": "debug", "format": "json"})
    folder = town.world.folder
    upstream = secrets.new("upstream-token")
    town.gateway.stop()
    town.world.write("upstream.token", upstream + "\n")
    town.start(instance={"upstream_token_file": "upstream.token"},
               log={"level": "debug", "format": "json"})
    operator = Operator(town.gateway)
    assert operator.put("/_wavegate/v1/log", {"format": log_format}).status == 200 \
        if log_format != "json" else True
    for name in (path("keys", A + ".key"), path("keys", B + ".key"), path("data", "gateway.key"),
                 path("tls", A + ".key")):
        with open(path(folder, name), encoding="ascii") as file:
            secrets.add(file.read())
    inbound(town, secrets)
    if log_format == "json":  # these wait for lines of the log
        outbound(town, secrets)
        admin(town, secrets, operator)
    town.gateway.stop()
    assert any(upstream in str(seen["headers"]) for seen in town.a.requests), "it was used"
    text = "\n".join(town.log.lines)
    assert len(town.log.lines) > 15 and len(secrets.words) > 15
    assert [word for word in secrets.words if word in text] == []
