# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of a running gateway share: a town around it, and clients that time each request."""
import os
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import harness  # noqa: E402

SERVER = "a.example.test"
POLICY = """local wavegate = require "wavegate"
wavegate.use("standard")
"""


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def row(what, took, failures):
    """One line of a table; took in seconds."""
    print(f"{what:<34} {len(took):>8} {percentile(took, .5) * 1e3:>8.2f} "
          f"{percentile(took, .99) * 1e3:>8.2f} {max(took, default=0) * 1e3:>8.2f} {failures:>6}",
          flush=True)


def head(what):
    print(f"{what:<34} {'requests':>8} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'lost':>6}")


class Town:
    def __init__(self, policy=POLICY, peers=("peer.example.test",), /, **config):
        if not harness.wavegate_binary():
            sys.exit("WAVEGATE must name the binary, such as build/release/wavegate")
        self._folder = tempfile.TemporaryDirectory(prefix="wavegate-bench-")
        self.world = harness.World(self._folder.name)
        self.instance = self.world.instance(SERVER)
        self.peers = [self.world.peer(name) for name in peers]
        self.world.write("policies/main.lua", policy)
        self.gateway = self.world.gateway(self.world.config(**config))
        self.log = self.gateway.log

    def rss_kib(self):
        with open(f"/proc/{self.gateway.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.world.close()
        self._folder.cleanup()


class Client(threading.Thread):
    """Sends events one after the other on one connection until told to stop. Signing is not timed."""

    def __init__(self, town, peer, body="Hello", pause_s=0.0):
        super().__init__(daemon=True)
        self.town, self.peer, self.body, self.pause_s = town, peer, body, pause_s
        self.took, self.statuses, self.lost = [], {}, 0
        self._stop_asked = threading.Event()
        self.start()

    def run(self):
        with self.town.gateway.connect() as connection:
            while not self._stop_asked.is_set():
                request = self.peer.send_request(SERVER, self.peer.event(body=self.body))
                wire = request.wire()
                began = time.perf_counter()
                try:
                    connection.send(wire)
                    status = connection.answer().status
                except Exception:  # pylint: disable=broad-except
                    self.lost += 1
                    return
                self.took.append(time.perf_counter() - began)
                self.statuses[status] = self.statuses.get(status, 0) + 1
                if self.pause_s:
                    self._stop_asked.wait(self.pause_s)

    def stop(self):
        self._stop_asked.set()
        self.join(60)


def measure(town, seconds, clients=2, meanwhile=None, **options):
    """The times of all requests of that many clients, and how many were lost; meanwhile() runs beside."""
    running = [Client(town, town.peers[0], **options) for _ in range(clients)]
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            if meanwhile:
                meanwhile()
            else:
                time.sleep(0.1)
    finally:
        for client in running:
            client.stop()
    wrong = sum(count for client in running for status, count in client.statuses.items()
                if status != 200)
    return [took for client in running for took in client.took], \
        sum(client.lost for client in running) + wrong
