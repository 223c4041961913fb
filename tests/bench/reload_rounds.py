#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many reloads under load: every request is answered, and memory does not grow. Run by tests/reload.sh."""
import argparse
import os
import signal
import sys
import time

import load

# Of what stands after the first tenth: freed memory is not given back at once, and neither the log nor
# the ids of taken events are the reloads' doing, so a little growth is allowed.
GROWTH_SHARE, GROWTH_KIB = 0.10, 8 * 1024

POLICIES = [load.POLICY + extra for extra in (
    "",
    'local deny = wavegate.lists.open "lists/deny.txt"\n'
    'wavegate.on("peer", function(peer) if deny:has(peer.name) then return wavegate.deny {} end end)\n',
    'local words = {}\nfor i = 1, 2000 do words["word" .. i] = true end\n'
    'wavegate.on("event", function(event) if words[event.content.body] then return wavegate.deny {} end end)\n',
    'wavegate.on("event", function() wavegate.time.sleep(0.005) end)\n',
)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    with load.Town() as town:
        town.world.write("lists/deny.txt", "bad.example\n" * 1000)
        clients = [load.Client(town, town.peers[0], pause_s=0.01) for _ in range(2)]
        baseline, curve = None, []
        began = time.monotonic()
        try:
            for turn in range(rounds):
                new = town.world.write("policies/new", POLICIES[turn % len(POLICIES)])
                os.rename(new, town.world.path("policies", "main.lua"))
                mark = town.log.mark()
                town.gateway.signal(signal.SIGHUP)
                town.log.wait("policy.reloaded", since=mark, cause="signal")
                if turn % max(1, rounds // 10) == 0:
                    curve.append(town.rss_kib())
                if turn == rounds // 10:
                    baseline = town.rss_kib()
        finally:
            for client in clients:
                client.stop()
        took = [one for client in clients for one in client.took]
        lost = sum(client.lost + sum(count for status, count in client.statuses.items()
                                     if status != 200) for client in clients)
        last = town.rss_kib()
        failed = len(town.log.find("policy.reload_failed"))
        load.head(f"{rounds} reloads in {time.monotonic() - began:.0f} s")
        load.row("two clients", took, lost)
        print(f"memory in KiB, a tenth after the other: {' '.join(map(str, curve))}, then {last}; "
              f"{failed} reloads failed")
    limit = baseline * (1 + GROWTH_SHARE) + GROWTH_KIB
    if lost or failed or last > limit or not took:
        sys.exit(f"FAILED: lost {lost}, failed reloads {failed}, {last} KiB of {limit:.0f} allowed")


if __name__ == "__main__":
    main()
