# SPDX-License-Identifier: Apache-2.0
"""What the tests of the relay queue say to the gateway and read from it: every name of a setting, a verb, an
option or a JSON member stands here once."""
import json

from harness import poll

# -- configuration -------------------------------------------------------------------------------

RETRY, EXPIRY, EXPIRY_BY_TYPE, ROWS, BYTES, FREE_DISK = (
    "retry", "expiry", "expiry_by_type", "rows", "bytes", "free_disk")
QUICK = {RETRY: "100ms*20, 1s"}  # many attempts in a test's time


def town_config(world, instance=None, queue=None, **changes):
    """Instances that federate with everybody but refused.example.test, and retries that come soon."""
    config = world.config(**changes)
    config["queue"] = {name: value for name, value in {**QUICK, **(queue or {})}.items()
                       if value is not None}
    for settings in config["instances"].values():
        settings["federation"] = {"default_mode": "open",
                                  "denied_peers": ["refused.example.test"]}
        settings["upstream_timeout"] = "2s"
        settings.update(instance or {})
    return config


# -- wavegate queue --------------------------------------------------------------------------------

EVENT, ROOM, PEER, TYPE, STATE, ATTEMPTS, REASON, WAITING = (
    "event_id", "room_id", "destination", "type", "state", "attempts", "reason", "waiting")
CHANGED = "changed"  # how many deliveries a verb changed, or would have
FILTERS = {"peer": "--peer", "room": "--room", "kind": "--type", "older_than": "--older-than",
           "state": "--state"}


def records(text):
    """The objects of a listing: one object with a list in it, a list, or one object a line."""
    text = text.strip()
    if not text:
        return []
    try:
        value = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]
    if isinstance(value, dict):
        lists = [member for member in value.values() if isinstance(member, list)]
        return lists[0] if lists else [value]
    return value


class Queue:
    """`wavegate queue` of one gateway."""

    def __init__(self, gateway):
        self.gateway = gateway

    def run(self, *words, json_output=True, **options):
        words = ["queue", *words, *(["--json"] if json_output else [])]
        for name, value in options.items():
            flag = FILTERS.get(name, "--" + name.replace("_", "-"))
            words += [flag] if value is True else [flag, value]
        return self.gateway.run(*words)

    def ask(self, *words, **options):
        done = self.run(*words, **options)
        assert done.returncode == 0, (words, options, done.stdout, done.stderr)
        return done.stdout

    def list(self, *words, **options):
        return records(self.ask(*(words or ("list",)), **options))

    def ids(self, *words, **options):
        return [row[EVENT] for row in self.list(*words, **options)]

    def dead(self, **options):
        return self.list("dead", **options)

    def held(self, **options):
        return self.list("quarantine", "list", **options)

    def show(self, event_id):
        return json.loads(self.ask("show", event_id))

    def change(self, *words, **options):
        """Runs a verb; returns how many it changed."""
        return json.loads(self.ask(*words, **options).strip().splitlines()[-1])[CHANGED]

    def wait_for_dead(self, event_id):
        return poll(lambda: next((row for row in self.dead() if row[EVENT] == event_id), None),
                    what=f"the dead letter of {event_id}")

    def wait_until_empty(self, **options):
        poll(lambda: not self.list(**options), what="an empty queue")
