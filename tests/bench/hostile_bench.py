#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the requests of one peer feel of a policy that does its worst for another peer's requests.

WAVEGATE=build/release/wavegate tests/bench/hostile_bench.py [SECONDS]

The hostile client sends one request after the other on one connection, without a pause and, in a second
row, ten a second. A worker is at its mercy for as long as the budget lasts; past half a second of that in
all, the hostile peer is held back.
"""
import sys
import time

import load

SCRIPTS = {
    "endless loop": "while true do end",
    "endless loop, caught": "while true do pcall(function() while true do end end) end",
    "memory bomb": "local t = {} while true do t[#t + 1] = ('x'):rep(1 << 19) .. #t end",
    "table bomb": "local t = {} while true do t[#t + 1] = {} end",
    "pattern that backtracks": "(('a'):rep(5000)):find(('a-'):rep(30) .. 'b')",
    "sort without end": "local t = {} for i = 1, 1e5 do t[i] = i end"
                        " table.sort(t, function() while true do end end)",
    "deep recursion": "local function f() return 1 + f() end f()",
    "string of strings": "local s = 'x' while true do s = s .. s end",
}


def beside_an_ordinary_one(town, seconds):
    """What to compare with: a third client takes its share of the machine, whatever it sends."""
    other = load.Client(town, town.peers[1], "good morning")
    load.row("an ordinary one (no pause)", *load.measure(town, seconds))
    other.stop()


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4
    policy = load.POLICY + 'wavegate.on("event", function(event)\n' + "".join(
        f'  if event.content.body == "{name}" then {script} end\n'
        for name, script in SCRIPTS.items()) + "end)\n"
    with load.Town(policy, ("peer.example.test", "evil.example.test")) as town:
        load.measure(town, 2)
        load.head("two clients, beside")
        load.row("nobody", *load.measure(town, seconds))
        beside_an_ordinary_one(town, seconds)
        for name in SCRIPTS:
            for pause_s, rate in ((0.1, "10/s"), (0.0, "no pause")):
                evil = load.Client(town, town.peers[1], name, pause_s)
                time.sleep(1)  # what is forgiven at first is over
                load.row(f"{name} ({rate})", *load.measure(town, seconds))
                evil.stop()
                if set(evil.statuses) - {403, 429}:
                    sys.exit(f"{name}: {evil.statuses}, not 403 and 429 only")
                evil_worst = max(evil.took, default=0) * 1e3
                print(f"    the hostile one: {evil.statuses.get(403, 0)} contained, "
                      f"{evil.statuses.get(429, 0)} held back, worst {evil_worst:.1f} ms", flush=True)
        beside_an_ordinary_one(town, seconds)


if __name__ == "__main__":
    main()
