# SPDX-License-Identifier: Apache-2.0
"""What the two relay benchmarks share: a world with one instance, a relay_sink for many names, figures of a
process. Build first: cmake --preset release -DWAVEGATE_TESTS=ON; cmake --build --preset release --target
wavegate bench."""
import atexit
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("WAVEGATE_BUILD") or os.path.join(HERE, "..", "..", "build", "release")
os.environ.setdefault("WAVEGATE", os.path.join(BUILD, "wavegate"))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import harness  # noqa: E402
from scaiwave import signatures  # noqa: E402
from scaiwave.keys import SecretKey  # noqa: E402
from scaiwave.peer import Connection  # noqa: E402

INSTANCE = "a.example.test"
TICK = os.sysconf("SC_CLK_TCK")


def tool(name):
    return os.path.join(BUILD, "tests", name)


class Sink:
    """relay_sink, which answers for all names."""

    def __init__(self, world, names):
        self.world, self.names = world, names
        key = SecretKey()
        certificate, private_key = world.authority.issue("sink.example.test", dns=names)
        self.names_file = world.write("names", "\n".join(names) + "\n")
        self.process = subprocess.Popen(
            [tool("relay_sink"), "--certificate", certificate, "--key", private_key,
             "--public-key", key.public.text, "--names", self.names_file],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        atexit.register(self.process.kill)
        self.address = json.loads(self.process.stdout.readline())["listening"]
        for name in names:
            world.resolve[name] = self.address

    def stats(self):
        name = self.names[0]
        with Connection(self.address, name, self.world.authority.file) as connection:
            return connection.ask(signatures.Request("GET", "/stats", name, [("Host", name)])).json

    def wait_for(self, events, deadline_s, tick_s=0.2, each=lambda stats: None):
        end = time.monotonic() + deadline_s
        while True:
            stats = self.stats()
            each(stats)
            if stats["events"] >= events or time.monotonic() > end:
                return stats
            time.sleep(tick_s)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Serving:
    """wavegate serve, its log in a file: to read it while it works would cost what is measured."""

    def __init__(self, world, config):
        self.config_file = world.write_config(config)
        # Not beside the configuration, whose folder the gateway watches: a line would wake it.
        self.log_file = world.path("log", "gateway")
        with open(self.log_file, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [harness.wavegate_binary(), "serve", "--config", self.config_file],
                stdin=subprocess.DEVNULL, stderr=log, cwd=world.folder)
        self.pid = self.process.pid
        ready = harness.poll(self._ready, 120, "gateway.ready")
        self.egress, self.admin = ready["egress"], ready.get("admin")

    def _ready(self):
        with open(self.log_file, encoding="utf-8") as log:
            lines = [line for line in log if '"gateway.ready"' in line]
        if not lines and self.process.poll() is not None:
            with open(self.log_file, encoding="utf-8") as log:
                raise RuntimeError("the gateway ended:\n" + log.read()[-2000:])
        return json.loads(lines[0]) if lines else None

    def token(self, name):
        made = harness.wavegate("token", "create", "--instance", name, "--config", self.config_file)
        assert made.returncode == 0, made.stderr
        return made.stdout.split()[-1]

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def written_bytes(pid):
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("wchar"))


def memory_mib(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024


def make_config(world):
    world.write("policies/main.lua", harness.STANDARD_POLICY)
    config = world.config()
    config["instances"][INSTANCE]["federation"] = {"default_mode": "open"}
    return config
