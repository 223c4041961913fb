# SPDX-License-Identifier: Apache-2.0
"""A real gateway with stand-ins around it, on loopback ports the system chooses.

World      scratch folder, development CA, instances, peers; closes everything it opened
Gateway    one `wavegate serve`: its log is read line by line and can be waited for
"""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "peers"))
from scaiwave.certs import Authority  # noqa: E402
from scaiwave.egress import Egress  # noqa: E402
from scaiwave.instance import Instance  # noqa: E402
from scaiwave.keys import SecretKey  # noqa: E402
from scaiwave.peer import Connection, Peer  # noqa: E402
from scaiwave.sink import Sink  # noqa: E402

DEADLINE_S = 30
SANITIZER = re.compile(r"ERROR: (Address|Leak|Thread|Undefined)\w*Sanitizer|runtime error:"
                       r"|WARNING: ThreadSanitizer|SUMMARY: \w+Sanitizer")
STANDARD_POLICY = """local wavegate = require "wavegate"
wavegate.use("standard")
"""


def wavegate_binary():
    return os.environ.get("WAVEGATE", "")


def wavegate(*arguments, **options):
    """One short run of the binary; returns its CompletedProcess with text streams."""
    return subprocess.run([wavegate_binary(), *map(str, arguments)], capture_output=True,
                          text=True, timeout=DEADLINE_S, check=False, **options)


def to_lua(value, indent=""):
    """A Python value as the Lua table constructor the configuration file wants."""
    deeper = indent + "  "
    if isinstance(value, dict):
        if not value:
            return "{}"
        rows = "".join(f'{deeper}["{name}"] = {to_lua(element, deeper)},\n'
                       for name, element in value.items())
        return "{\n" + rows + indent + "}"
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(to_lua(element, deeper) for element in value) + " }"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return json.dumps(str(value))


def poll(question, deadline_s=DEADLINE_S, what="the condition"):
    """Asks again and again until the answer is true; for what can only be seen by asking."""
    end = time.monotonic() + deadline_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come true within {deadline_s} s")
        threading.Event().wait(0.02)


class Log:
    """The gateway's standard error, read by a thread of its own."""

    def __init__(self, stream):
        self.lines = []    # every line, as text
        self.records = []  # the JSON ones, as dicts
        self._news = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    try:
                        record = json.loads(line)
                    except ValueError:
                        record = None
                    if isinstance(record, dict):
                        self.records.append(record)
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def find(self, event, since=0, **fields):
        return [record for record in self.records[since:] if record.get("event") == event
                and all(record.get(name) == value for name, value in fields.items())]

    def wait(self, event, count=1, since=0, deadline_s=DEADLINE_S, **fields):
        """Until count lines of that event with those fields are there; returns the last of them."""
        with self._news:
            self._news.wait_for(
                lambda: self._ended or len(self.find(event, since, **fields)) >= count, deadline_s)
            found = self.find(event, since, **fields)
            if len(found) < count:
                raise AssertionError(
                    f"{len(found)} of {count} log lines {event} {fields} came; the log:\n{self}")
            return found[count - 1]

    def mark(self):
        """For since=: only lines from here on."""
        return len(self.records)

    def join(self):
        self._thread.join(DEADLINE_S)

    def __str__(self):
        return "\n".join(self.lines[-200:])


class Gateway:
    def __init__(self, world, config_file, data="data", environment=None):
        environment = {**os.environ, **(environment or {})}
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        self.world = world
        self.config_file = config_file
        self.data = os.path.join(world.folder, data)
        self.process = subprocess.Popen(
            [wavegate_binary(), "serve", "--config", config_file], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", env=environment, cwd=world.folder)
        self.log = Log(self.process.stderr)
        self._stopped = self._asked_to_stop = False
        try:
            ready = self.log.wait("gateway.ready")
        except AssertionError:
            self.process.kill()
            self.process.wait()
            self._stopped = True
            raise
        self.ingress, self.egress = ready["ingress"], ready.get("egress")
        self.admin = ready.get("admin")

    def connect(self, server_name="a.example.test", **options):
        return Connection(self.ingress, server_name, self.world.authority.file, **options)

    def ask(self, request, **options):
        """One request on a connection of its own, to the instance it names."""
        with self.connect(request.authority, **options) as connection:
            return connection.ask(request)

    def signal(self, number):
        self._asked_to_stop = self._asked_to_stop or number in (signal.SIGTERM, signal.SIGINT)
        self.process.send_signal(number)

    def run(self, *arguments):
        """A command of the binary that talks to this gateway."""
        return wavegate(*arguments, "--config", self.config_file, cwd=self.world.folder)

    def token(self, name="a.example.test"):
        """The egress token of an instance; made once for each data folder."""
        known = self.world.tokens.setdefault(self.data, {})
        if name not in known:
            made = self.run("token", "create", "--instance", name)
            assert made.returncode == 0, made.stderr
            known[name] = made.stdout.split()[-1]
        return known[name]

    def client(self, name="a.example.test"):
        """The instance as a client of this gateway's egress door."""
        return Egress(self.egress, name, self.token(name), self.world.keys[name])

    @property
    def admin_token(self):
        with open(os.path.join(self.data, "admin.token"), encoding="ascii") as file:
            return file.read().strip()

    def kill(self):
        """kill -9: nothing is drained, nothing is said."""
        self._stopped = True
        self.process.kill()
        self.process.wait()
        self.log.join()
        text = "\n".join(self.log.lines)
        assert not SANITIZER.search(text), text[-8000:]

    def stop(self, deadline_s=DEADLINE_S):
        """SIGTERM; a clean end is exit status 0 and a log without sanitizer reports."""
        if self._stopped:
            return
        self._stopped = True
        if not self._asked_to_stop and self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            status = self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"SIGTERM did not end the gateway in {deadline_s} s:\n{self.log}")
        self.log.join()
        text = "\n".join(self.log.lines)
        assert not SANITIZER.search(text), text[-8000:]
        assert status == 0, f"the gateway ended with {status}:\n{self.log}"


class World:
    """Everything around one test, or around the tests of one file."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.authority = Authority(self.path("tls"))
        self.instances, self.peers, self.gateways = {}, {}, []
        self.keys = {}  # the gateway's signing key for each instance
        self.tokens = {}  # data folder -> {instance: egress token}
        self.resolve = {}

    def path(self, *parts):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, name, text):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def instance(self, name="a.example.test"):
        key = SecretKey()
        key.save(self.path("keys", name + ".key"))
        self.authority.issue(name)
        self.keys[name] = key
        self.instances[name] = Instance(name, key.public)
        for sink in self.sinks:
            sink.trust(name, key.public)
        return self.instances[name]

    @property
    def sinks(self):
        return [peer for peer in self.peers.values() if isinstance(peer, Sink)]

    def sink(self, name="peer.example.test", **certificate):
        """A peer that checks and writes down what is delivered to it."""
        sink = self.peer(name, kind=Sink, **certificate)
        for instance, key in self.keys.items():
            sink.trust(instance, key.public)
        return sink

    def peer(self, name="peer.example.test", trusted=True, kind=Peer, **certificate):
        """A foreign server the gateway can resolve; trusted: the instances know its key, too."""
        issuer = certificate.pop("issuer", self.authority)
        peer = kind(name, *issuer.issue(name, **certificate))
        self.peers[name] = peer
        self.resolve[name] = peer.address
        for instance in self.instances.values() if trusted else ():
            instance.trust(name, peer.key.public)
        return peer

    def config(self, **changes):
        """The configuration as a dict; changes replace top-level members, None takes one out."""
        config = {
            "ingress": {"listen": ["127.0.0.1:0"]},
            "egress": {"listen": ["127.0.0.1:0"]},
            "admin": {"listen": ["127.0.0.1:0"]},
            "data": "data",
            "workers": 2,
            "peers": {
                "trust_anchors": "tls/ca.pem",
                "resolve": dict(self.resolve),
                "allow_addresses": ["127.0.0.0/8"],
            },
            "instances": {name: self.instance_config(name) for name in self.instances},
        }
        config.update(changes)
        return {name: value for name, value in config.items() if value is not None}

    def instance_config(self, name):
        return {
            "upstream": "http://" + self.instances[name].address,
            "certificate": f"tls/{name}.pem",
            "private_key": f"tls/{name}.key",
            "signing_key": f"keys/{name}.key",
            "policy": "policies/main.lua",
            "federation": {"default_mode": "invite_only",
                           "allowed_peers": list(self.resolve)},
        }

    def write_config(self, config, name="wavegate.lua"):
        return self.write(name, "return " + to_lua(config) + "\n")

    def gateway(self, config=None, policy=STANDARD_POLICY, environment=None, **changes):
        if not os.path.exists(self.path("policies", "main.lua")):
            self.write("policies/main.lua", policy)
        config = config or self.config(**changes)
        if any(gateway.process.poll() is None for gateway in self.gateways):
            config = {**config, "data": f"data-{len(self.gateways)}"}  # data has one owner at a time
        gateway = Gateway(self, self.write_config(config), config.get("data", "data"),
                          environment)
        self.gateways.append(gateway)
        return gateway

    def close(self):
        """Stops all; the gateways first, and their complaints last."""
        failures = []
        for gateway in self.gateways:
            try:
                gateway.stop()
            except AssertionError as failure:
                failures.append(str(failure))
        for service in [*self.instances.values(), *self.peers.values()]:
            service.stop()
        failures += [f"{sink.server_name} was sent {problem}"
                     for sink in self.sinks for problem in sink.problems]
        assert not failures, "\n".join(failures)
