# SPDX-License-Identifier: Apache-2.0
"""The table of the command line, as the binary tells it."""
import json

from harness import wavegate

VALUES = {"number": "3", "duration": "1h", "moment": "1h", "peer": "peer.example.test",
          "server": "a.example.test", "hook": "event", "code": "SW_FED_PEER_UNKNOWN"}


def usage():
    done = wavegate("help", "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)["verbs"]


def runnable():
    return [verb for verb in usage() if not verb["wants_sub_verb"]]


def value(row):
    """Something that the row takes."""
    if row["kind"] == "choice":
        return row["metavar"].split("|")[0]
    return VALUES.get(row["kind"], "x")


def is_needed(row):
    return row["occurs"] in ("once", "once or more")


def as_argument(option):
    return [option["name"]] + ([] if option["kind"] == "none" else [value(option)])


def least(verb, without=None):
    """A call with what the verb cannot do without, and nothing else."""
    call = verb["verb"].split()
    for option in verb["options"]:
        if is_needed(option) and option["name"] != without:
            call += as_argument(option)
    return call + [value(word) for word in verb["words"] if is_needed(word)]
