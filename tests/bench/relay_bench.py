#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Durable accept-and-deliver: how many events a second an instance can hand in, and how many arrive at peers
over TLS meanwhile, each answered 202 only when it is on the disk.

  tests/bench/relay_bench.py [--events 100000] [--connections 128] [--peers 8] [--folder DIR]"""
import argparse
import resource
import subprocess
import tempfile
import time

import relaying_bench as bench
from relaying_bench import harness


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100000)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--rooms", type=int, default=1024)
    parser.add_argument("--peers", type=int, default=8)
    parser.add_argument("--size", type=int, default=200, help="bytes of content")
    parser.add_argument("--folder", help="where the data goes: the disk that is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wavegate-bench-", dir=options.folder) as folder:
        run(harness.World(folder), options)


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(world, options):
    world.instance(bench.INSTANCE)
    sink = bench.Sink(world, [f"p{i}.example.test" for i in range(options.peers)])
    gateway = bench.Serving(world, bench.make_config(world))
    pid = gateway.pid
    try:
        # All three share the machine, so what the two helpers take is told as well.
        before, sink_before, driver_before = bench.cpu_s(pid), bench.cpu_s(sink.process.pid), children_cpu_s()
        began, written = time.time(), bench.written_bytes(pid)
        subprocess.run(
            [bench.tool("relay_driver"), "--address", gateway.egress,
             "--token", gateway.token(bench.INSTANCE), "--instance", bench.INSTANCE,
             "--peers", sink.names_file, "--events", str(options.events),
             "--connections", str(options.connections), "--rooms", str(options.rooms),
             "--size", str(options.size)], check=True)
        accepted_s = time.time() - began
        stats = sink.wait_for(options.events, 120)
        took_s = stats["last_at"] - began
        cpu, sink_cpu = bench.cpu_s(pid) - before, bench.cpu_s(sink.process.pid) - sink_before
        driver_cpu = children_cpu_s() - driver_before
        print(f"\nAccepted and delivered ({options.peers} peers, {options.rooms} rooms):\n"
              f"  Accepted:\t{options.events} in {accepted_s:.2f} secs, "
              f"{options.events / accepted_s:.0f} events/sec\n"
              f"  Delivered:\t{stats['events']} in {took_s:.2f} secs, "
              f"{stats['events'] / took_s:.0f} events/sec\n"
              f"  Twice:\t{stats['again']}\n  Out of order:\t{stats['out_of_order']}\n"
              f"  Gateway:\t{cpu / options.events * 1e6:.0f} us CPU an event, "
              f"{(bench.written_bytes(pid) - written) / options.events / 1024:.1f} KiB written, "
              f"{bench.memory_mib(pid, 'VmHWM'):.0f} MiB at most\n"
              f"  Beside it:\tdriver {driver_cpu / options.events * 1e6:.0f} us, "
              f"sink {sink_cpu / options.events * 1e6:.0f} us an event")
    finally:
        gateway.stop()
        world.close()
        sink.stop()


if __name__ == "__main__":
    main()
