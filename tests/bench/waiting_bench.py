#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What ordinary requests feel of a thousand that wait in a policy, all on one worker.

WAVEGATE=build/release/wavegate tests/bench/waiting_bench.py [WAITING]
"""
import sys
import time

import load

POLICY = load.POLICY + """
wavegate.on("event", function(event)
  if event.content.body == "wait" then wavegate.time.sleep(60) end
end)
"""


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with load.Town(POLICY, workers=1, policy={"waiting": "120s"},
                   limits={"connections_per_address": count + 100, "drain_timeout": "1s"}) as town:
        peer = town.peers[0]
        load.measure(town, 2)
        load.head("two clients, one worker")
        load.row("nobody waits", *load.measure(town, 5))
        connections = []
        for _ in range(count):
            connections.append(town.gateway.connect())
            connections[-1].send(peer.send_request(load.SERVER, peer.event(body="wait")).wire())
        time.sleep(1)
        load.row(f"{count} wait", *load.measure(town, 5))
        for connection in connections:
            connection.close()
        load.row("they have gone", *load.measure(town, 5))


if __name__ == "__main__":
    main()
