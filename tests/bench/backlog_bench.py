#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A million events wait for a thousand peers, half of them dead: how long from the start to the first delivery,
how much memory, and how fast the living get theirs.

  tests/bench/backlog_bench.py [--events 1000000] [--peers 1000] [--dead 500] [--folder DIR]

On two cores, sink included: the first delivery after 0.2 s, 169 MiB at most, all that can be delivered after 76.3 s,
6,551 a second; with --events 500000 --peers 500 --dead 0, which is the same without the dead, after 76.0 s."""
import argparse
import os
import socket
import subprocess
import tempfile
import time

import relaying_bench as bench
from relaying_bench import harness


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000000)
    parser.add_argument("--peers", type=int, default=1000)
    parser.add_argument("--dead", type=int, default=None, help="default: half of the peers")
    parser.add_argument("--silent", action="store_true",
                        help="the dead take connections and say nothing, instead of refusing them")
    parser.add_argument("--folder", help="where the data goes: the disk that is measured")
    options = parser.parse_args()
    options.dead = options.peers // 2 if options.dead is None else options.dead
    with tempfile.TemporaryDirectory(prefix="wavegate-bench-", dir=options.folder) as folder:
        run(harness.World(folder), options)


def dead_address(silent):
    """Returns (address, what keeps it so)."""
    door = socket.create_server(("127.0.0.1", 0), backlog=4096)
    address = "127.0.0.1:%d" % door.getsockname()[1]
    if not silent:
        door.close()
    return address, door


def fill(world, options, names):
    os.makedirs(world.path("data", ""), mode=0o700, exist_ok=True)
    began = time.monotonic()
    subprocess.run([bench.tool("relay_fill"), "--folder", world.path("data", ""),
                    "--instance", bench.INSTANCE, "--peers", world.write("all", "\n".join(names) + "\n"),
                    "--events", str(options.events)], check=True)
    size = sum(os.path.getsize(world.path("data", name)) for name in os.listdir(world.path("data", "")))
    print(f"filled: {options.events} events for {len(names)} peers in "
          f"{time.monotonic() - began:.1f} s, {size / 2 ** 20:.0f} MiB on disk", flush=True)


def run(world, options):
    world.instance(bench.INSTANCE)
    names = [f"p{i}.example.test" for i in range(options.peers)]
    # Dead and living alternate, so that neither stands before the other in any order.
    dead = {name for i, name in enumerate(names) if (i * options.dead) % options.peers < options.dead}
    living = [name for name in names if name not in dead]
    fill(world, options, names)
    sink = bench.Sink(world, living)
    address, door = dead_address(options.silent)
    world.resolve.update({name: address for name in dead})
    wanted = sum(names[n % len(names)] not in dead for n in range(options.events)) \
        if options.events < 10 * len(names) else options.events * len(living) // len(names)
    began = time.time()
    gateway = bench.Serving(world, bench.make_config(world))
    try:
        pid, peak = gateway.pid, [0]
        print(f"ready after {time.time() - began:.2f} s", flush=True)

        def look(stats):
            peak[0] = bench.memory_mib(pid, "VmHWM")
        stats = sink.wait_for(1, 60, 0.02, look)
        print(f"first delivery after {stats['first_at'] - began:.2f} s", flush=True)
        last = [time.time(), stats["events"]]

        def progress(stats):
            look(stats)
            if time.time() - last[0] >= 5:
                print(f"  {stats['events']}: {(stats['events'] - last[1]) / (time.time() - last[0]):.0f}"
                      f" events/s, {peak[0]:.0f} MiB", flush=True)
                last[:] = [time.time(), stats["events"]]
        stats = sink.wait_for(wanted, 1800, 0.5, progress)
        took = stats["last_at"] - stats["first_at"]
        print(f"{stats['events']} of {wanted} delivered to {len(living)} living peers in {took:.1f} s, "
              f"{stats['events'] / took:.0f} events/s; {stats['again']} twice, {stats['out_of_order']} out"
              f" of order; {peak[0]:.0f} MiB at most, {bench.cpu_s(pid) / stats['events'] * 1e6:.0f} us CPU "
              "an event")
    finally:
        gateway.stop()
        world.close()
        sink.stop()
        door.close()


if __name__ == "__main__":
    main()
