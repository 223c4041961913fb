# SPDX-License-Identifier: Apache-2.0
"""Rounds of kill -9 under load (tests/crash.sh). In each: speakers in both directions, stand-ins that fail and
recover, one to three kills at random moments, then quiet; and then it has to be true that every promised event
has arrived, that each room's events arrived in their order, and that nothing arrived that was never sent."""
import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
sys.path.insert(0, HERE)
import harness  # noqa: E402
import relaying  # noqa: E402
from speakers import Inbound, Outbound  # noqa: E402

A, B = "a.example.test", "b.example.test"
PEERS = ["peer.example.test", "other.example.test"]
DRAIN_S = 120


class Weather(threading.Thread):
    """Stand-ins fail and recover at random, until stop() leaves them all well."""

    def __init__(self, chance, instances, sinks):
        super().__init__(daemon=True)
        self.chance, self.instances, self.sinks = chance, instances, sinks
        self._over = threading.Event()

    def run(self):
        while not self._over.wait(self.chance.uniform(0.02, 0.2)):
            instance = self.chance.choice(self.instances)
            mode = self.chance.choice(["normal", "normal", "down", "wrong", "slow"])
            instance.set_mode(mode, **{"slow": {"ms": 30}, "wrong": {"status": 503}}.get(mode, {}))
            sink = self.chance.choice(self.sinks)
            mode = self.chance.choice(["drop", "cut", "refuse", "slow", "accept"])
            options = {"refuse": {"status": self.chance.choice([500, 503, 429])},
                       "slow": {"ms": 30}}.get(mode, {})
            times = {} if mode == "accept" else {"times": self.chance.randint(1, 3)}
            sink.set_mode(mode, **times, **options)

    def stop(self):
        self._over.set()
        self.join()
        for instance in self.instances:
            instance.set_mode("normal")
        for sink in self.sinks:
            sink.set_mode("accept")


class Town:
    def __init__(self, folder, chance):
        self.chance = chance
        self.world = harness.World(folder)
        self.instances = {name: self.world.instance(name) for name in (A, B)}
        self.sinks = {name: self.world.sink(name) for name in PEERS}
        self.instances[B].trust(A, self.world.keys[A].public)
        self.gateway = None
        self.start()
        self.client = self.gateway.client(A)

    def start(self):
        self.gateway = self.world.gateway(relaying.town_config(self.world))

    def kill(self):
        gateway, self.gateway = self.gateway, None
        gateway.kill()
        self.world.gateways.remove(gateway)

    def kill_and_start(self):
        """Sometimes it is killed again before it is up."""
        self.kill()
        if self.chance.random() < 0.3:
            self.start_and_die()
        self.start()

    def start_and_die(self):
        delay = self.chance.uniform(0, 0.3)
        process = []
        launch = harness.subprocess.Popen

        def popen(*arguments, **options):
            process.append(launch(*arguments, **options))
            threading.Timer(delay, process[0].kill).start()
            return process[0]
        harness.subprocess.Popen = popen
        try:
            self.start()
            self.world.gateways[-1].process.wait()
            self.kill()
        except AssertionError:
            pass  # it died before it was ready, as meant
        finally:
            harness.subprocess.Popen = launch
            self.gateway = None

    def receivers(self):
        """name -> the events it took, in the order of their first arrival"""
        return {**{name: instance.events for name, instance in self.instances.items()},
                **{name: sink.taken for name, sink in self.sinks.items()}}

    def speakers(self, number):
        running = lambda: self.gateway  # noqa: E731
        rooms = [f"round-{number}-{i}" for i in range(9)]
        for instance in self.instances.values():
            instance.rooms.update({room: {"federated": True} for room in rooms})
        outbound = [[PEERS[0]], [PEERS[1]], PEERS, [B], [*PEERS, B]]
        return [*(Outbound(running, self.client, rooms[i], destinations)
                  for i, destinations in enumerate(outbound)),
                *(Inbound(running, self.sinks[PEERS[i % 2]], rooms[5 + i], A,
                          self.world.authority.file) for i in range(4))]


def missing(speakers, receivers):
    """How many promises are not kept yet."""
    arrived = {name: {event["id"] for event in list(taken)} for name, taken in receivers.items()}
    return sum(event_id not in arrived[name] for speaker in speakers
               for name in speaker.destinations for event_id in speaker.promised)


def complaints(speakers, receivers):
    """What is wrong, in words; nothing when all is well."""
    for speaker in speakers:
        yield from (f"{speaker.room_id}: an answer nobody expects: {refusal}"
                    for refusal in speaker.refusals[:3])
        for name in speaker.destinations:
            taken = [event for event in receivers[name] if event["room_id"] == speaker.room_id]
            ids = [event["id"] for event in taken]
            lost = [event_id for event_id in speaker.promised if event_id not in set(ids)]
            if lost:
                yield f"{name} never got {len(lost)} promised events of {speaker.room_id}: {lost[:3]}"
            for event in taken:
                offered = speaker.offered.get(event["id"])
                if offered is None or any(event.get(member) != offered[member]
                                          for member in offered if member != "signatures"):
                    yield f"{name} got what nobody sent: {event}"
            numbers = [event["content"]["body"] for event in taken]
            if numbers != sorted(numbers):
                yield f"{name} got {speaker.room_id} out of order: {numbers}"
    rooms = {speaker.room_id: speaker.destinations for speaker in speakers}
    for name, taken in receivers.items():
        yield from (f"{name} got {event['id']} of {event['room_id']}, which was not for it"
                    for event in taken if name not in rooms.get(event["room_id"], [name]))


def play(town, number, chance):
    """One round; returns (summary, complaints)."""
    speakers = town.speakers(number)
    weather = Weather(random.Random(chance.random()), list(town.instances.values()),
                      list(town.sinks.values()))
    for thread in (*speakers, weather):
        thread.start()
    kills = chance.randint(1, 3)
    try:
        for _ in range(kills):
            time.sleep(chance.uniform(0.05, 1.2))
            town.kill_and_start()
        time.sleep(chance.uniform(0, 0.5))
    finally:
        for speaker in speakers:
            speaker.stop()
        for speaker in speakers:
            speaker.join()
        weather.stop()
    began = time.monotonic()
    while missing(speakers, town.receivers()) and time.monotonic() - began < DRAIN_S:
        time.sleep(0.05)
    found = list(complaints(speakers, town.receivers()))
    found += [f"{sink.server_name} was sent {problem}" for sink in town.sinks.values()
              for problem in sink.problems]
    outbound = sum(len(speaker.promised) for speaker in speakers[:5])
    inbound = sum(len(speaker.promised) for speaker in speakers[5:])
    if not outbound or not inbound:
        found.append("no load: the round shows nothing")
    return (f"{kills} kills, {outbound} promised out, {inbound} in, all there after "
            f"{time.monotonic() - began:.1f} s"), found


def main():
    parser = argparse.ArgumentParser(description="kill -9 under load: no promise is broken")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", action="store_true", help="leave the folder there in any case")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="wavegate-crash-")
    print(f"seed {options.seed}, folder {folder}", flush=True)
    chance = random.Random(options.seed)
    town = Town(folder, chance)
    passed = failed = 0
    for number in range(1, options.rounds + 1):
        try:
            summary, found = play(town, number, chance)
        except Exception:  # noqa: BLE001  a round that cannot be played has failed
            summary, found = "broken off", [traceback.format_exc()]
        print(f"round {number}: {summary}", *found[:10], sep="\n    ", flush=True)
        passed, failed = passed + (not found), failed + bool(found)
        if found:
            break
    if failed and town.gateway:
        print(*town.gateway.log.lines[-40:], sep="\n")
    try:
        town.world.close()
    except AssertionError as failure:
        print(failure)
        failed += not failed
    if not failed and not options.keep:
        shutil.rmtree(folder)
    failed += options.rounds - passed - failed if failed else 0
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
