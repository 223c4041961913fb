#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How much a reload is felt: POST /send without and with ten reloads a second.

WAVEGATE=build/release/wavegate tests/bench/reload_bench.py [SECONDS]
"""
import signal
import sys
import time

import load


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    with load.Town() as town:
        load.measure(town, 2)  # descriptors, sessions and caches are warm then

        def reload():
            mark = time.monotonic()
            town.gateway.signal(signal.SIGHUP)
            time.sleep(max(0.0, mark + 0.1 - time.monotonic()))
        load.head("two clients, one after the other")
        load.row("no reload", *load.measure(town, seconds))
        before = len(town.log.find("policy.reloaded"))
        load.row("ten reloads a second", *load.measure(town, seconds, meanwhile=reload))
        count = len(town.log.find("policy.reloaded")) - before
        load.row("no reload, again", *load.measure(town, seconds))
        print(f"{count} reloads, {count / seconds:.1f} a second; "
              f"{len(town.log.find('policy.reload_failed'))} failed")


if __name__ == "__main__":
    main()
