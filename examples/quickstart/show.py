#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The show of examples/quickstart.sh: starts everything, asks, compares, and stays up unless --once."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "peers"))
from scaiwave.certs import Authority  # noqa: E402
from scaiwave.instance import Control, Instance  # noqa: E402
from scaiwave.keys import SecretKey  # noqa: E402
from scaiwave.peer import Connection, Peer  # noqa: E402

A, B = "a.example.test", "b.example.test"
FRIEND, STRANGER = "peer.example.test", "stranger.example.test"
DEADLINE_S = 20

CONFIG = """return {{
  ingress = {{ listen = {{ "{ingress}" }} }},
  egress  = {{ listen = {{ "{egress}" }} }},
  admin   = {{ listen = {{ "{admin}" }} }},
  data    = "data",
  peers   = {{
    trust_anchors = "tls/ca.pem",
    resolve = {{ ["{friend}"] = "{friend_at}", ["{stranger}"] = "{stranger_at}" }},
    allow_addresses = {{ "127.0.0.0/8" }}, -- everything here lives on loopback
  }},
  instances = {{{instances}
  }},
}}
"""
INSTANCE = """
    ["{name}"] = {{
      upstream = "http://{upstream}",
      certificate = "tls/{name}.pem", private_key = "tls/{name}.key",
      signing_key = "keys/{name}.key",
      policy = "policies/main.lua",
      federation = {{ default_mode = "invite_only", allowed_peers = {{ "{friend}" }} }},
    }},"""
WELCOME = f"""
-- Added while the gateway runs: asked before the standard policy below, it has the first word.
wavegate.on("peer", function(peer)
  if peer.name == "{STRANGER}" then return wavegate.allow() end
end)
"""


class Failure(Exception):
    pass


class Page:
    """What the reader sees: one line a step."""

    def __init__(self):
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.good = "\033[32m✓\033[0m" if colour else "✓"
        self.bad = "\033[31m✗\033[0m" if colour else "✗"
        self.dim, self.plain = ("\033[2m", "\033[0m") if colour else ("", "")
        self.failed = 0

    def say(self, text=""):
        print(text, flush=True)

    def step(self, asked, answered, is_good, note=""):
        self.failed += not is_good
        self.say(f"  {self.good if is_good else self.bad} {asked:<52} {answered}")
        if note:
            self.say(f"      {self.dim}{note}{self.plain}")


class Show:
    def __init__(self, options, page):
        self.options, self.page = options, page
        self.binary = os.path.abspath(options.wavegate)
        self.folder = os.path.abspath(options.folder) if options.folder else \
            tempfile.mkdtemp(prefix="wavegate-quickstart.")
        self.policy = self.path("policies", "main.lua")
        self.log = self.path("gateway.log")
        self.instances, self.controls, self.peers = {}, {}, {}
        self.process = None
        self.addresses = {}

    def path(self, *parts):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    # -- setting up ---------------------------------------------------------------------------

    def keygen(self, name):
        path = self.path("keys", name + ".key")
        if not os.path.exists(path):
            subprocess.run([self.binary, "keygen", "--out", path], check=True,
                           stdout=subprocess.DEVNULL)
        return SecretKey.load(path)

    def neighbours(self):
        """Certificates and keys, two instances, two foreign servers."""
        authority = Authority(self.path("tls", "ca.pem").rpartition("/")[0])
        for name in (A, B):
            authority.issue(name)
            self.instances[name] = Instance(name, self.keygen(name).public)
            self.controls[name] = Control(self.instances[name])
        for name in (FRIEND, STRANGER):
            self.peers[name] = Peer(name, *authority.issue(name), key=self.keygen(name))
            for instance in self.instances.values():
                instance.trust(name, self.peers[name].key.public)

    def start(self):
        shutil.copyfile(os.path.join(HERE, "main.lua"), self.policy)
        instances = "".join(INSTANCE.format(name=name, upstream=instance.address, friend=FRIEND)
                            for name, instance in self.instances.items())
        config = self.path("wavegate.lua")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(
                ingress=self.options.ingress, egress=self.options.egress,
                admin=self.options.admin, friend=FRIEND, friend_at=self.peers[FRIEND].address,
                stranger=STRANGER, stranger_at=self.peers[STRANGER].address, instances=instances))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([self.binary, "serve", "--config", config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addresses = self.wait_until_ready()

    def wait_until_ready(self):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                lines = file.readlines()
            for line in lines:
                if '"gateway.ready"' in line and line.endswith("\n"):
                    return json.loads(line)
            if self.process.poll() is not None:
                raise Failure("the gateway did not start:\n" + "".join(lines[-10:]))
            time.sleep(0.02)
        raise Failure(f"the gateway was not ready within {DEADLINE_S} s; its log: {self.log}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for service in [*self.controls.values(), *self.instances.values(), *self.peers.values()]:
            service.stop()
        return self.process.returncode if self.process else 0

    # -- the show -----------------------------------------------------------------------------

    def ask(self, request):
        with Connection(self.addresses["ingress"], request.authority,
                        self.path("tls", "ca.pem")) as connection:
            return connection.ask(request)

    def send(self, sender, event, tamper=False):
        peer = self.peers[sender]
        request = peer.send_request(A, event)
        if tamper:
            request.body = request.body.replace(b"tea", b"pea")
        return self.ask(request)

    def expect(self, asked, answer, status, word):
        """word: the status of an accepted event, or the code of an error."""
        body = answer.json
        said = body.get("status") or answer.code
        note = answer.message if answer.code else ""
        self.page.step(asked, f"{answer.status} {said}", (answer.status, said) == (status, word), note)

    def run(self):
        page, friend = self.page, self.peers[FRIEND]
        event = friend.event(body="Shall we have tea?")
        self.expect(f"a signed event from {FRIEND}", self.send(FRIEND, event), 200, "accepted")
        arrived = [kept for kept in self.instances[A].events if kept == event]
        found = [seen for seen in self.instances[A].requests if seen.get("answer") == 200]
        verified = bool(found) and found[0].get("gateway_signature") == "verified" \
            and found[0].get("peer_signature") == "verified"
        page.step(f"{A} has it, both signatures verified",
                  json.dumps(event["content"]["body"]) if arrived else "nothing arrived",
                  len(arrived) == 1 and verified)
        self.expect("the same event again", self.send(FRIEND, event), 200, "duplicate")
        self.expect("an event with one letter changed on the way",
                    self.send(FRIEND, friend.event(body="Shall we have tea?"), tamper=True),
                    401, "SW_FED_SIGNATURE_MISMATCH")
        stranger = self.peers[STRANGER]
        refused = stranger.event(body="May I come in?")
        self.expect(f"an event from {STRANGER}", self.send(STRANGER, refused),
                    403, "SW_FED_PEER_UNKNOWN")
        told = self.why(refused["id"])
        page.step("wavegate why, asked about that event", told.partition(",")[0],
                  "standard.lua:" in told, told)
        self.edit_policy()
        self.expect("… and after an edit of policies/main.lua", self.await_welcome(), 200, "accepted")
        page.step("without a restart", f"still process {self.process.pid}",
                  self.process.poll() is None)

    def command(self, *words):
        """What a verb of the binary says of the running gateway."""
        return subprocess.run([self.binary, *words, "--config", self.path("wavegate.lua")],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False)

    def why(self, event_id):
        """The first line of the event's story; its row is written behind the answer."""
        end = time.monotonic() + DEADLINE_S
        while True:
            done = self.command("why", event_id)
            if done.returncode == 0 or time.monotonic() > end:
                return (done.stdout or done.stderr).partition("\n")[0]
            time.sleep(0.05)

    def edit_policy(self):
        with open(self.policy, encoding="utf-8") as file:
            text = file.read()
        before, use, after = text.partition('wavegate.use("standard")')
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(before.rstrip() + "\n" + WELCOME + "\n" + use + after)

    def await_welcome(self):
        end = time.monotonic() + DEADLINE_S
        while True:
            answer = self.send(STRANGER, self.peers[STRANGER].event(body="May I come in now?"))
            if answer.status != 403 or time.monotonic() > end:
                return answer
            time.sleep(0.05)

    def what_next(self):
        at, control = self.addresses["ingress"], self.controls[A].address
        self.page.say(f"""
It stays up; Ctrl-C ends it. To try in another terminal:

  cd {ROOT}; S={self.folder}

  # another event, and what {A} has; also with --tamper or --created-offset -61
  tests/peers/standin send --name {FRIEND} --key $S/keys/{FRIEND}.key \\
      --to {A} --at {at} --ca $S/tls/ca.pem --text 'Hello again'
  curl -s http://{control}/events

  # the descriptor that peers read
  curl -s --cacert $S/tls/ca.pem --connect-to {A}:443:{at} https://{A}/.well-known/scaiwave/server

  # the policy: save a change and send again; a broken one changes nothing and is in the log
  ${{EDITOR:-nano}} $S/policies/main.lua
  tail -f $S/gateway.log

  # what became of an event, what is wrong with a peer, and what goes on
  {self.binary} audit --config $S/wavegate.lua
  {self.binary} why EVENT_ID --config $S/wavegate.lua
  {self.binary} doctor {FRIEND} --server {A} --config $S/wavegate.lua
  {self.binary} top --config $S/wavegate.lua

  # {A} goes down, and comes up again
  curl -s -d '{{"mode":"down"}}' http://{control}/mode
  curl -s -d '{{"mode":"normal"}}' http://{control}/mode
""")


def stay():
    """Until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        print()


def main():
    parser = argparse.ArgumentParser(prog="quickstart.sh")
    parser.add_argument("--wavegate", required=True)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--folder")
    for door in ("ingress", "egress", "admin"):
        parser.add_argument("--" + door, default="127.0.0.1:0", metavar="IP:PORT")
    options = parser.parse_args()

    page = Page()
    show = Show(options, page)
    is_good = False
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        show.neighbours()
        show.start()
        page.say(f"Wavegate at {show.addresses['ingress']}, before {A} and {B}; files in {show.folder}\n")
        show.run()
        is_good = page.failed == 0
        if is_good and not options.once:
            show.what_next()
            stay()
    except (Failure, OSError, subprocess.CalledProcessError) as failure:
        page.say(f"  {page.bad} {failure}")
    except KeyboardInterrupt:
        print()
    finally:
        status = show.stop()
    if status != 0:
        page.say(f"  {page.bad} the gateway ended with status {status}")
        is_good = False
    if not is_good:
        page.say(f"\nSomething went otherwise; the gateway's log is {show.log}")
    elif not options.folder:
        shutil.rmtree(show.folder, ignore_errors=True)
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
