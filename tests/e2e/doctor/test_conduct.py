# SPDX-License-Identifier: Apache-2.0
"""How the doctor behaves when what it examines does not: it waits for nobody for long, keeps nothing else
waiting, and leaves when the gateway does."""
import fcntl
import http.client
import json
import os
import pty
import struct
import termios
import threading
import time

import harness
from doctor_kit import NAME


def ask(gateway, body, token=None, target="/_wavegate/v1/doctor", method="POST"):
    host, _, port = gateway.admin.split(",")[0].rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request(method, target, body if body is None else json.dumps(body),
                           {"Authorization": "Bearer " + (token or gateway.admin_token)})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


class Examination(threading.Thread):
    def __init__(self, gateway, body):
        self.gateway, self.body, self.result = gateway, body, None
        super().__init__(daemon=True)
        self.start()

    def run(self):
        self.result = ask(self.gateway, self.body)

    def rows(self):
        self.join(60)
        assert self.result, "no answer came"
        status, report = self.result
        assert status == 200, report
        return {row["id"]: row for row in report["checks"]}


def test_a_server_that_hangs_is_given_up_and_holds_up_nobody_else(street):
    street.peer.delay_s = 60
    examination = Examination(street.gateway, {"peer": NAME})
    street.peer.wait_for_fetches(1)
    began = time.monotonic()
    assert ask(street.gateway, None, target="/healthz", method="GET")[0] == 200
    assert time.monotonic() - began < 5
    rows = examination.rows()
    assert rows["peer.descriptor"]["result"] == "failed"
    assert "no answer within 12 s" in rows["peer.descriptor"]["seen"]
    assert "hangs" in rows["peer.descriptor"]["remedy"]
    assert rows["peer.queue"]["result"] == "ok"  # what does not need it goes on


def test_it_leaves_when_the_gateway_does(street):
    street.peer.delay_s = 60
    examination = Examination(street.gateway, {"peer": NAME})
    street.peer.wait_for_fetches(1)
    began = time.monotonic()
    street.gateway.stop()
    assert time.monotonic() - began < 10
    rows = examination.rows()
    for check in ("peer.descriptor", "peer.inbound", "peer.queue"):
        assert rows[check]["result"] == "skipped", rows[check]
        assert "stopping" in rows[check]["seen"]


def test_only_so_many_are_examined_at_once(street):
    street.peer.delay_s = 60
    examinations = [Examination(street.gateway, {"peer": NAME}) for _ in range(4)]
    street.peer.wait_for_fetches(4)
    status, refusal = ask(street.gateway, {"peer": NAME})
    assert status == 429
    assert refusal["error"]["code"] == "SW_RATE_LIMIT_EXCEEDED"
    assert "under way" in refusal["error"]["message"]
    street.gateway.stop()
    for examination in examinations:
        examination.rows()


def test_whoever_asks_needs_the_role_operate_and_a_body_that_makes_sense(street):
    made = street.gateway.run("token", "create", "--role", "read")
    assert made.returncode == 0, made.stderr
    status, refusal = ask(street.gateway, {"peer": NAME}, token=made.stdout.split()[-1])
    assert (status, refusal["error"]["code"]) == (403, "SW_AUTH_INSUFFICIENT_PERMISSION")
    for body, part in (({"peer": 7}, "peer: must be a string"),
                       ({"pear": NAME}, "did you mean 'peer'"),
                       ({"room_id": "room-1"}, "together with a peer"),
                       ({"peer": NAME, "room_id": "a/b"}, "room")):
        status, refusal = ask(street.gateway, body)
        assert status == 400, (body, refusal)
        assert part in refusal["error"]["message"], (body, refusal)


def test_the_audit_says_who_examined_whom(street):
    street.peer.has_send = False
    street.examine()
    def rows():
        done = street.gateway.run("audit", "--action", "federation.doctor", "--json")
        return [json.loads(line) for line in done.stdout.splitlines()]
    row = harness.poll(rows, what="the row")[0]
    assert row["peer"] == NAME and row["actor"].startswith("token:")
    assert row["extra"] == {"failed": ["peer.send"]}


def test_colours_and_broken_lines_are_for_terminals(street):
    def run(**environment):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 72, 0, 0))
        try:
            done = harness.subprocess.run(
                [harness.wavegate_binary(), "doctor", NAME, "--config", street.gateway.config_file],
                stdout=theirs, stderr=harness.subprocess.PIPE, timeout=60, check=False,
                cwd=street.world.folder, env={**os.environ, **environment})
            os.close(theirs)
            text = b""
            while True:
                try:
                    part = os.read(ours, 65536)
                except OSError:  # the other side is closed
                    break
                if not part:
                    break
                text += part
        finally:
            os.close(ours)
        assert done.returncode == 0, text
        return text.decode()
    assert "\033[32m✓\033[0m" in run(NO_COLOR="")
    plain = run(NO_COLOR="1")
    assert "\033" not in plain
    long = [line for line in plain.splitlines() if len(line) > 72]
    assert all(len(line.split()) == 1 for line in long), plain  # a word is never broken
    words = street.gateway.run("doctor", NAME).stdout.split()
    assert [word for word in plain.split() if not word[0].isdigit()] == [
        word for word in words if not word[0].isdigit()]


def test_policies_are_asked_without_counting(make_street):
    street = make_street(policy="""local wavegate = require "wavegate"
local limits = require "wavegate.limits"
local kv = require "wavegate.kv"
local few = limits.new { name = "few", rate = "1/h", burst = 1 }
wavegate.on("peer", function(peer, ctx)
  if not ctx.authenticated then return end
  kv.incr("asked")
  if not few:take(peer.name) then return wavegate.deny { reason = "asked " .. kv.get("asked") .. " times" } end
end)
wavegate.use("standard")
""")
    for _ in range(3):
        assert street.examine().failed == []
    # The first that counts passes the limiter, the next one does not: the examinations took nothing.
    first, second = street.receive(), street.receive()
    assert first.status == 200, first
    assert (second.status, second.message) == (403, "asked 2 times"), second
    report = street.examine()
    assert "peer.inbound" not in report.failed, report


def test_a_policy_that_asks_elsewhere_is_not_made_to(make_street):
    street = make_street(policy="""local wavegate = require "wavegate"
local http = require "wavegate.http"
wavegate.on("peer", function(peer)
  local answer = http.get("https://oracle.example.test/" .. peer.name)
  if not answer then return wavegate.deny { reason = "the oracle is silent" } end
end)
wavegate.use("standard")
""")
    report = street.examine()
    assert report.status == 0, report
    assert report.ids("skipped") == ["peer.inbound", "peer.outbound"]
    assert "asks somebody else" in report.seen("peer.inbound")
    assert "policies/main.lua:3" in report.seen("peer.inbound")
    assert street.examine().status == 0  # the call that was given up left nothing behind
