#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long each page of the admin API takes with 10,000 peers and a million rows of the audit: every list with the
filters an operator would use, the first page and pages deep in it. Says which page took longest, and ends with 1 when
one took more than 50 ms.

  tests/bench/pages_bench.py [--rows 1000000] [--peers 10000] [--rounds 20] [--only NAME] [--folder DIR]

Seen on two shared cores of a Xeon: every list 0.2 to 6.8 ms in the median, at most 5.4 ms CPU; /overview 1.8 and /metrics
0.9 ms. Of some 1,800 pages four took longer than 50 ms: 59 to 101 ms for lists that cost 4 to 5 ms CPU, and 126 ms for the
first /overview, which asks the store for every destination.

Build first: cmake --preset release -DWAVEGATE_TESTS=ON; cmake --build --preset release --target wavegate bench."""
import argparse
import hashlib
import http.client
import json
import os
import random
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import uuid

import relaying_bench as bench
from relaying_bench import harness

LIMIT_MS = 50
A = bench.INSTANCE
DAY_MS = 24 * 3600 * 1000
TRACE = json.dumps({"stages": [[name, at] for name, at in (
    ("route", 4), ("claim", 15), ("discover", 16), ("authenticate", 118), ("parse", 131),
    ("authenticate_event", 219), ("admit", 232), ("recognise", 235), ("judge", 258), ("deduplicate", 301),
    ("deliver", 912))], "hooks": [
        {"hook": "peer", "at": 220, "us": 9, "verdict": "allow", "handlers": [
            ["deny_list", "policies/deny_list.lua:41", "nothing", 2],
            ["standard", "policies/standard.lua:72", "allow", 4, "policies/standard.lua:86"]]}]},
                   separators=(",", ":"))
COLUMNS = ("n", "at", "generation", "latency_us", "action", "server", "peer", "direction", "room", "event",
           "verdict", "code", "reason", "policy", "request", "actor", "extra", "trace", "hash")


# -- filling ---------------------------------------------------------------------------------------

def chained(before, row):
    """hash(n) as docs of core/store/audit.h have it."""
    data = [before, struct.pack("<qqqq", *row[:4])]
    for text in row[4:17]:
        data.append(struct.pack("<I", 0xffffffff if text is None else len(text)))
        data.append(b"" if text is None else text.encode())
    if row[17] is not None:
        data.append(hashlib.blake2b(row[17].encode(), digest_size=32).digest())
    return hashlib.sha256(b"".join(data)).digest()


def audit_rows(count, peers, first, before):
    """Mostly events that were taken; one in a thousand refused, some acts, one rare code."""
    draw = random.Random(7)
    now = int(time.time() * 1000)
    for n in range(first, first + count):
        i = n - first
        at = now - 60 * DAY_MS + 60 * DAY_MS * i // count
        peer, room = f"p{draw.randrange(peers)}.example.test", f"room-{draw.randrange(100000)}"
        event = str(uuid.UUID(int=draw.getrandbits(128)))
        request = f"{at >> 16:08x}-{at & 0xffff:04x}-7000-8000-{n:012x}"
        action, verdict, code, reason, actor = "federation.send.success", "accepted", None, None, peer
        if i % 1000 == 0:
            action, verdict, code = "federation.policy_rejected", "refused", "SW_FED_POLICY_REJECTED"
            reason = "it is spam"
        if i == count // 7:
            action, verdict, code, reason = ("federation.signature_verify_failed", "refused",
                                             "SW_FED_SIGNATURE_MISMATCH", "created is in the past")
        row = [n, at, 1, 812, action, A, peer, "inbound", room, event, verdict, code, reason,
               "policies/standard.lua:86", request, actor,
               '{"endpoint":"send","type":"swp.room.message","status":200,"remote":"192.0.2.7"}', TRACE]
        if i % 5000 == 17:
            row[4:18] = ["federation.queue.retry", A, None, None, None, None, "done", None, None, None,
                         request, "token:bench", "{}", None]
        before = chained(before, row)
        yield (*row, before)


def fill_audit(db, count, peers):
    first, before = db.execute("SELECT audit_number, audit_hash FROM state").fetchone()
    indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'"
                         " AND tbl_name = 'sw_audit'").fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    last, size = before or bytes(32), 0

    def rows():
        nonlocal last, size
        for row in audit_rows(count, peers, first + 1, last):
            last, size = row[-1], size + 900
            yield row
    db.executemany(f"INSERT INTO sw_audit ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})",
                   rows())
    for _, sql in indexes:
        db.execute(sql)
    db.execute("UPDATE state SET audit_rows = audit_rows + ?, audit_number = ?, audit_hash = ?,"
               " audit_bytes = audit_bytes + ?, audit_unsigned = 1", (count, first + count, last, size))


def fill_peers(db, names):
    now = int(time.time())
    hours = [[now // 3600 - i, 10, 1, 12, 2] for i in range(24)]
    document = json.dumps({"first_seen": now - 1000000, "last_seen": now - 60, "keys": [], "hours": hours,
                           "last_error": {"at": now - 90, "direction": "inbound", "stage": "judge",
                                          "code": "SW_FED_POLICY_REJECTED", "proven": True,
                                          "reason": "it is spam"}})
    db.executemany("INSERT OR REPLACE INTO document (namespace, key, version, updated_at, expires_at, value)"
                   " VALUES ('peers', ?, 1, ?, 0, ?)", ((name, now * 1000, document.encode()) for name in names))


def fill_queue(db, names):
    """A tenth of the peers' deliveries become dead letters, a tenth held; nothing is under way."""
    now = int(time.time() * 1000)
    tenth = len(names) // 10
    for state, chosen in ((1, names[:tenth]), (2, names[tenth:2 * tenth])):
        keys = [("o:" + name,) for name in chosen]
        db.execute("CREATE TEMP TABLE chosen (destination TEXT PRIMARY KEY)")
        db.executemany("INSERT INTO chosen VALUES (?)", keys)
        moved = db.execute("INSERT INTO parked (state, n, destination, room, ord, attempts, reason, at) SELECT ?,"
                           " ord, destination, room, ord, 3, 'for the bench', ? FROM delivery"
                           " WHERE destination IN chosen", (state, now)).rowcount
        for table in ("delivery", "lane"):
            db.execute(f"DELETE FROM {table} WHERE destination IN chosen")
        db.execute(f"UPDATE state SET deliveries = deliveries - ?, {('held', 'dead')[state - 1]} = ?,"
                   " next_parked = (SELECT max(n) + 1 FROM parked)", (moved, moved))
        db.execute("DROP TABLE chosen")
    db.executemany("INSERT INTO suspension VALUES (?, '', ?, 0, 'for the bench', 'bench')",
                   (("o:" + name, now) for name in names))


def fill(world, options):
    names = [f"p{i}.example.test" for i in range(options.peers)]
    data = world.path("data", "")
    config = bench.make_config(world)
    if os.path.exists(os.path.join(data, "wavegate.db")):
        return config  # of an earlier run, in --folder
    bench.Serving(world, config).stop()  # makes the file
    subprocess.run([bench.tool("relay_fill"), "--folder", data, "--instance", A, "--peers",
                    world.write("all", "\n".join(names) + "\n"), "--events", str(10 * options.peers)], check=True)
    began = time.monotonic()
    with sqlite3.connect(os.path.join(data, "wavegate.db")) as db:
        fill_peers(db, names)
        fill_queue(db, names)
        fill_audit(db, options.rows, options.peers)
    db.close()
    print(f"filled in {time.monotonic() - began:.0f} s, "
          f"{os.path.getsize(os.path.join(data, 'wavegate.db')) / 2 ** 20:.0f} MiB", flush=True)
    return config


# -- asking ----------------------------------------------------------------------------------------

class Asker:
    def __init__(self, admin, token):
        address, _, port = admin.split(",")[0].rpartition(":")
        self.connection = http.client.HTTPConnection(address, int(port), timeout=60)
        self.token = token

    def get(self, target):
        began = time.perf_counter()
        self.connection.request("GET", target, headers={"Authorization": "Bearer " + self.token})
        response = self.connection.getresponse()
        body = response.read()
        ms = (time.perf_counter() - began) * 1000
        if response.status != 200:
            raise RuntimeError(f"{target}: {response.status} {body[:300]!r}")
        return ms, json.loads(body) if body[:1] == b"{" else {}


def with_cursor(target, cursor):
    return target + ("&" if "?" in target else "?") + "cursor=" + cursor if cursor else target


def cpu_ms(pid):
    """Of all its threads, by the nanosecond: says what a page costs on a machine that is busy with other work, too."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e6


def rows_of(page):
    return next((len(value) for value in page.values() if isinstance(value, list)), 0)


def walk(asker, target, rounds):
    """Times of pages from the first on, then of the first and the last seen again and again."""
    times, cursor, found, to_first, pages = [], None, 0, None, 0
    for _ in range(rounds):
        ms, page = asker.get(with_cursor(target, cursor))
        times.append(ms)
        pages += 1
        found += rows_of(page)
        if found and to_first is None:
            to_first = pages
        if not page.get("next_cursor") or page.get("end"):
            break
        cursor = page["next_cursor"]
    for again in (None, cursor):
        times += [asker.get(with_cursor(target, again))[0] for _ in range(rounds)]
    return times, found, to_first


def targets(sample):
    peers, audit, queue = "/v1/admin/federation/peers", "/_wavegate/v1/audit", "/_wavegate/v1/queue"
    now = int(time.time() * 1000)
    filters = {
        "everything": "", "peer": f"peer={sample['peer']}", "room": f"room_id={sample['room_id']}",
        "event": f"event_id={sample['event_id']}", "request": f"request_id={sample['request_id']}",
        "action": "action=federation.send.success", "rare action": "action=federation.signature_verify_failed",
        "action.*": "action=federation.*", "rare action.*": "action=federation.queue.*",
        "verdict": "verdict=accepted", "rare verdict": "verdict=refused",
        "rare code": "code=SW_FED_SIGNATURE_MISMATCH", "no such code": "code=SW_NONE",
        "no such verdict": "verdict=nothing", "server": f"server={A}", "direction": "direction=inbound",
        "actor": "actor=token:bench", "no such peer": "peer=nobody.example.test",
        "no such room": "room_id=room-none", "no such event": f"event_id={uuid.uuid4()}",
        "no such server": "server=b.example.test", "direction outbound": "direction=outbound",
        "peer, refused": f"peer={sample['peer']}&verdict=refused",
        "peer, action.*": f"peer={sample['peer']}&action=federation.*",
        "room, code": f"room_id={sample['room_id']}&code=SW_FED_POLICY_REJECTED",
        "refused, accepted action": "verdict=refused&action=federation.send.success",
        "last hour": f"since_ms={now - 3600 * 1000}", "a day a month ago":
            f"since_ms={now - 31 * DAY_MS}&until_ms={now - 30 * DAY_MS}",
        "a day a month ago, refused": f"since_ms={now - 31 * DAY_MS}&until_ms={now - 30 * DAY_MS}&verdict=refused",
        "last day, peer": f"since_ms={now - DAY_MS}&peer={sample['peer']}",
    }
    for name, query in filters.items():
        yield f"audit: {name}", f"{audit}?{query}"
        yield f"audit: {name}, oldest first, 1000", f"{audit}?order=oldest&limit=1000&{query}"
    yield "audit verify", audit + "/verify"
    for limit in (100, 1000):
        yield f"peers, {limit}", f"{peers}?limit={limit}"
        yield f"queue shape, {limit}", f"{queue}/shape?limit={limit}"
        yield f"queue suspensions, {limit}", f"{queue}/suspensions?limit={limit}"
        for state in ("waiting", "held", "dead"):
            yield f"queue {state}, {limit}", f"{queue}?state={state}&limit={limit}"
            yield f"queue {state}, rare type, {limit}", f"{queue}?state={state}&type=swp.none&limit={limit}"
            yield f"queue {state}, room, {limit}", f"{queue}?state={state}&room_id=room-77&limit={limit}"
            yield f"queue {state}, peer, {limit}", f"{queue}?state={state}&peer={sample['peer']}&limit={limit}"
    yield "one event", f"/_wavegate/v1/events/{sample['event_id']}"
    yield "one peer", f"/_wavegate/v1/peers/{sample['peer']}"
    for path in ("tokens", "generations", "instances", "keys", "overview"):
        yield path, "/_wavegate/v1/" + path
    yield "metrics", "/metrics"


def run(world, options):
    world.instance(A)
    config = fill(world, options)
    gateway = bench.Serving(world, config)
    worst = []
    try:
        with open(world.path("data", "admin.token"), encoding="ascii") as file:
            asker = Asker(gateway.admin, file.read())
        rows = asker.get("/_wavegate/v1/audit?verdict=accepted&limit=1000")[1]["rows"]
        for name, target in targets(rows[len(rows) // 2]):
            if options.only and options.only not in name:
                continue
            before = cpu_ms(gateway.pid)
            times, found, to_first = walk(asker, target, options.rounds)
            cpu = (cpu_ms(gateway.pid) - before) / len(times)
            worst.append((max(times), name))
            print(f"{'!' if max(times) > LIMIT_MS else ' '} {name:46} median {statistics.median(times):6.2f} ms,"
                  f" worst {max(times):6.2f} ms, {cpu:6.2f} ms CPU, {found:6} rows"
                  + (f", the first on page {to_first}" if to_first and to_first > 1 else ""), flush=True)
    finally:
        gateway.stop()
        world.close()
    slowest = max(worst)
    print(f"slowest: {slowest[1]}, {slowest[0]:.1f} ms")
    return slowest[0] > LIMIT_MS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--peers", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", help="only pages whose name has this in it")
    parser.add_argument("--folder", help="where the data goes, to stay there for the next run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wavegate-bench-") as folder:
        if options.folder:
            os.makedirs(options.folder, mode=0o700, exist_ok=True)
            os.symlink(os.path.abspath(options.folder), os.path.join(folder, "data"))
        sys.exit(run(harness.World(folder), options))


if __name__ == "__main__":
    main()
