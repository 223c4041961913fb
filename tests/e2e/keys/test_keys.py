# SPDX-License-Identifier: Apache-2.0
"""Signing keys are rotated under way: peers verify before, during and after, whatever is killed meanwhile."""
import json
import os
import re
import shutil
import signal
import stat
import sys
import threading
import time

import pytest

from harness import poll
from operator_kit import Operator
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "faults"))
from levers import Levers  # noqa: E402
from scaiwave import events, signatures
from scaiwave.keys import PublicKey, SecretKey
from scaiwave.sink import Sink

A = "a.example.test"
KEYS = "/_wavegate/v1/keys"


class Follower(Sink):
    """A peer that knows of our keys what the descriptor says, and fetches it again for a kid that it does
    not know, as the protocol wants it."""
    gateway = None
    fetched = 0

    def answer(self, handler, request):
        for text in request.all("signature-input"):
            found = re.search(r'keyid="([^"#]+)#([^"]+)"', text)
            if found and found.group(2) not in self.trusted.get(found.group(1), {}):
                self.fetched += 1
                self.trusted[found.group(1)] = published(self.gateway, found.group(1))
        return super().answer(handler, request)


def descriptor(gateway, name=A):
    answer = gateway.ask(signatures.Request("GET", events.WELL_KNOWN, name, [("Host", name)]))
    assert answer.status == 200, answer
    return answer


def published(gateway, name=A):
    """What a peer may verify with now: public_key, and the keys that are valid."""
    said, now = descriptor(gateway, name).json, time.time()
    keys = [PublicKey.parse(said["public_key"])]
    keys += [PublicKey.parse(row["public_key"]) for row in said.get("keys", ())
             if row.get("valid_from", 0) <= now <= row.get("valid_until", now)]
    return {key.kid: key for key in keys}


@pytest.fixture
def levers(world):
    return Levers(world.path("levers"))


@pytest.fixture
def home(world):
    """One instance, one peer that follows our keys, and a gateway."""
    class Home:
        pass
    made = Home()
    made.world = world
    made.instance = world.instance(A)
    made.peer = world.peer("peer.example.test", kind=Follower)
    made.first = world.keys[A].kid

    def start(environment=None):
        made.gateway = made.peer.gateway = world.gateway(environment=environment)
        made.operator = Operator(made.gateway)
        made.log = made.gateway.log
    made.start = start
    start()
    return made


def keys(home):
    rows = home.operator.get(KEYS).json["instances"]
    assert [row["server_name"] for row in rows] == [A]
    return rows[0]


def states(home):
    return {key["kid"]: key["state"] for key in keys(home)["keys"]}


def rotate(home, *words):
    done = home.gateway.run("key", "rotate", "--server", A, "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def deliver(home, signed_by):
    """An event goes out; the peer verifies request and event. Returns what it was sent."""
    event = home.gateway.client(A).event()
    answer = home.gateway.client(A).send(event)
    assert answer.status == 202, answer
    home.peer.wait_for(lambda sink: event["id"] in sink.ids(), what="the event")
    taken = next(row for row in home.peer.taken if row["id"] == event["id"])
    assert list(taken["signatures"][A]) == ["ed25519:" + signed_by]
    return taken


def take_in(home):
    """An event comes in, and the instance checks the gateway's signature on it."""
    key = descriptor(home.gateway).json["public_key"]
    home.instance.gateway_key = PublicKey.parse(key)
    event = home.peer.event()
    answer = home.gateway.ask(home.peer.send_request(A, event))
    assert (answer.status, answer.json["status"]) == (200, "accepted"), answer


def test_without_an_overlap_the_new_key_signs_at_once_and_the_old_one_still_verifies(home):
    old = deliver(home, home.first)
    assert "keys" not in descriptor(home.gateway).json
    row = rotate(home, "--overlap", "0s")
    new = row["kid"]
    assert new != home.first and row["rotation"] is None
    said = descriptor(home.gateway).json
    assert PublicKey.parse(said["public_key"]).kid == new
    assert [key["kid"] for key in said["keys"]] == [new, home.first]
    assert said["keys"][0]["valid_from"] <= time.time() < said["keys"][1]["valid_until"]
    assert states(home) == {new: "signs", home.first: "published"}
    deliver(home, new)
    assert home.peer.fetched == 2, "an unknown kid sends the peer to the descriptor, once"
    take_in(home)
    # History that the old key has signed: what the instance tells of it is still ours.
    home.instance.events.append(old)
    answer = home.gateway.ask(home.peer.request(
        A, "GET", "/_scaiwave/federation/v1/rooms/room-open/backfill?limit=10"))
    assert old["id"] in [event["id"] for event in answer.json["events"]]
    # An instance that signs for itself may go on for as long as the key is published.
    own = home.gateway.client(A).event(signed=True)
    assert home.gateway.client(A).send(own).status == 202
    home.peer.wait_for(lambda sink: own["id"] in sink.ids(), what="the event of the old key")


def test_during_the_overlap_both_are_published_and_the_old_one_signs(home):
    new = rotate(home)["rotation"]["next"]
    answer = descriptor(home.gateway)
    assert PublicKey.parse(answer.json["public_key"]).kid == home.first
    rows = {key["kid"]: key for key in answer.json["keys"]}
    assert set(rows) == {home.first, new}
    assert 24 * 3600 < rows[new]["valid_from"] - time.time() < 26 * 3600
    assert rows[home.first]["valid_until"] > rows[new]["valid_from"] + 5 * 24 * 3600
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert states(home) == {new: "next", home.first: "signs"}
    deliver(home, home.first)
    take_in(home)


def test_the_new_key_signs_when_the_overlap_is_over(home):
    mark = home.log.mark()
    new = rotate(home, "--overlap", "3s")["rotation"]["next"]
    age = re.search(r"max-age=(\d+)", descriptor(home.gateway).headers["cache-control"])
    assert int(age.group(1)) == 60
    home.log.wait("federation.key.signs", since=mark, server=A, kid=new)
    assert keys(home)["rotation"] is None
    deliver(home, new)
    take_in(home)
    assert [row["reason"] for row in home.operator.audit(action="federation.key.signs")] == [new]


def test_a_whole_rotation_by_the_clock_alone(home, levers):
    """The clock is turned; the gateway is killed in each part of it."""
    new = rotate(home)["rotation"]["next"]
    hour, day = 3600, 24 * 3600
    for ahead_s, signs, both in ((24 * hour, home.first, True), (25 * hour + 60, new, True),
                                 (25 * hour + 5 * day, new, True), (25 * hour + 7 * day, new, False)):
        for again in (False, True):
            home.gateway.kill()
            levers.step_clock(ahead_s)
            home.start(levers.environment)
            levers.require()
            said = descriptor(home.gateway).json
            assert PublicKey.parse(said["public_key"]).kid == signs, (ahead_s, again)
            assert {key["kid"] for key in said.get("keys", ())} == \
                ({home.first, new} if both else set()), (ahead_s, again)
            assert keys(home)["kid"] == signs
    assert states(home) == {new: "signs", home.first: "former"}
    poll(lambda: "ed25519-secret:" in (text := open(keyring(home), encoding="ascii").read())
         and text.count("ed25519-secret:") == 1, what="the old secret's end")
    home.gateway.kill()
    levers.step_clock(0)
    home.start(levers.environment)
    assert keys(home)["kid"] == home.first, "a clock that is set back finds the state of that time"


def test_one_rotation_at_a_time_and_cancel_takes_it_back(home):
    refused = home.operator.post(KEYS + "/cancel")
    assert (refused.status, refused.code) == (409, "SW_CONFLICT")
    new = rotate(home)["rotation"]["next"]
    refused = home.operator.post(KEYS + "/rotate")
    assert (refused.status, refused.code) == (409, "SW_CONFLICT")
    assert "wavegate key cancel" in refused.message and new in refused.message
    done = home.gateway.run("key", "cancel")
    assert done.returncode == 0, done.stderr
    assert states(home) == {home.first: "signs"}
    assert "keys" not in descriptor(home.gateway).json
    again = home.gateway.run("key", "cancel")
    assert again.returncode == 1 and "no rotation runs" in again.stderr
    actions = [(row["action"], row["verdict"]) for row in home.operator.audit(order="oldest")
               if row["action"].startswith("federation.key.")]
    assert actions == [("federation.key.cancel", "failed"), ("federation.key.rotate", "done"),
                       ("federation.key.rotate", "failed"), ("federation.key.cancel", "done"),
                       ("federation.key.cancel", "failed")]


def test_who_may_not_changes_nothing(home):
    reader = home.operator.new_token(role="operate", comment="no admin")["token"]
    for target in ("/rotate", "/cancel"):
        assert home.operator.post(KEYS + target, token=None).status == 401
        assert home.operator.post(KEYS + target, token=reader).status == 403
    for body in ({"overlap_s": -1}, {"overlap_s": "1d"}, {"overlap_s": 10**9}, {"keep_s": 1.5},
                 {"overlap": 1}, b"[]"):
        assert home.operator.post(KEYS + "/rotate", body).status == 400, body
    assert home.operator.get(KEYS, token=reader).status == 200
    assert states(home) == {home.first: "signs"}


def keyring(home):
    return os.path.join(home.gateway.data, "keys", A + ".keyring")


def test_what_is_on_the_disk_is_for_the_owner_only_and_outlasts_a_kill(home):
    poll(lambda: os.path.exists(keyring(home)), what="the keyring")
    for words, state in ((("--overlap", "0s"), "signs"), ((), "next")):
        rotate(home, *words)
        before = keys(home)
        assert stat.S_IMODE(os.stat(keyring(home)).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.dirname(keyring(home))).st_mode) == 0o700
        home.gateway.kill()
        home.start()
        assert keys(home)["keys"] == before["keys"] and before["keys"][0]["state"] == state
        deliver(home, before["kid"])
    assert home.first != before["kid"]


def test_killed_in_the_midst_of_changes_it_goes_on_with_what_it_has_said(home):
    for _ in range(4):
        promised, is_over = [], threading.Event()

        def change():
            while not is_over.is_set():
                try:
                    for target in ("/rotate", "/cancel"):
                        answer = home.operator.post(KEYS + target)
                        if answer.status == 200:
                            promised.append(answer.json["keys"])
                except (OSError, ValueError):
                    return
        worker = threading.Thread(target=change)
        worker.start()
        poll(lambda: len(promised) >= 5, what="changes")
        home.gateway.kill()
        is_over.set()
        worker.join()
        home.start()
        found = states(home)
        assert found[home.first] == "signs"
        # The last promise, or the one change after it that was never answered.
        assert abs(len(found) - len(promised[-1])) <= 1
        if len(found) == 2 and len(promised[-1]) == 2:
            assert set(found) == {key["kid"] for key in promised[-1]}
        assert not os.path.exists(keyring(home)) or "key " in open(keyring(home)).read()
        deliver(home, home.first)
        home.operator.post(KEYS + "/cancel")


def replace_file(home, key):
    path = home.world.path("keys", A + ".key")
    os.replace(path, path + ".before")
    key.save(path)
    home.gateway.signal(signal.SIGHUP)


def test_a_new_key_in_the_file_is_taken_on_sighup_and_ends_a_rotation(home):
    rotate(home)
    mark = home.log.mark()
    replace_file(home, key := SecretKey())
    home.log.wait("federation.key.replaced", since=mark, server=A, kid=key.kid)
    home.log.wait("federation.key.signs", since=mark, server=A, kid=key.kid)
    assert states(home) == {key.kid: "signs", home.first: "published"}
    deliver(home, key.kid)
    home.gateway.kill()
    home.start()
    assert states(home) == {key.kid: "signs", home.first: "published"}


def test_a_key_replaced_while_the_gateway_was_down_leaves_the_old_one_published(home):
    poll(lambda: os.path.exists(keyring(home)), what="the keyring")
    home.gateway.stop()
    path = home.world.path("keys", A + ".key")
    os.remove(path)
    (key := SecretKey()).save(path)
    home.start()
    assert states(home) == {key.kid: "signs", home.first: "published"}
    deliver(home, key.kid)


def test_a_former_key_in_the_file_is_not_taken_back(home):
    """A configuration management that puts its copy of the key in place again, say."""
    new = rotate(home, "--overlap", "0s")["kid"]
    path = home.world.path("keys", A + ".key")
    shutil.copyfile(path, path + ".copy")
    replace_file(home, third := SecretKey())
    poll(lambda: states(home).get(third.kid) == "signs", what="the third key")
    os.replace(path + ".copy", path)
    home.gateway.signal(signal.SIGHUP)
    home.log.wait("federation.key.former_in_file", server=A, kid=home.first)
    assert states(home) == {third.kid: "signs", new: "published", home.first: "published"}
    home.gateway.stop()
    home.start()
    assert states(home)[third.kid] == "signs"


def test_a_broken_file_changes_nothing(home):
    home.world.write(f"keys/{A}.key", "this is no key\n")
    home.gateway.signal(signal.SIGHUP)
    reason = home.log.wait("federation.key.reload_failed", server=A)["reason"]
    assert "ed25519-secret" in reason
    assert states(home) == {home.first: "signs"}


def test_where_nothing_can_be_written_nothing_is_published(home):
    poll(lambda: os.path.exists(keyring(home)), what="the keyring")
    folder = os.path.dirname(keyring(home))
    os.rename(folder, folder + ".away")
    home.world.write("data/keys", "in the way")
    refused = home.operator.post(KEYS + "/rotate")
    assert refused.status in (500, 503), refused
    assert "nothing was changed" in refused.message and "write there" in refused.message
    assert states(home) == {home.first: "signs"}
    assert "keys" not in descriptor(home.gateway).json
    os.remove(folder)
    os.rename(folder + ".away", folder)
    rotate(home)


def test_a_damaged_keyring_is_not_passed_over(home):
    rotate(home, "--overlap", "0s")
    home.gateway.stop()
    file = keyring(home)
    good = open(file, encoding="ascii").read()
    home.world.write(f"data/keys/{A}.keyring", good[:len(good) // 2])
    from harness import wavegate
    refused = wavegate("serve", "--config", home.gateway.config_file, cwd=home.world.folder)
    assert refused.returncode == 1
    assert A + ".keyring" in refused.stderr
    home.world.write(f"data/keys/{A}.keyring", good)
    home.start()
    assert states(home)[home.first] == "published"


def test_the_list_is_for_people_too(home):
    new = rotate(home)["rotation"]["next"]
    shown = home.gateway.run("key", "list")
    assert shown.returncode == 0, shown.stderr
    assert f"{A}: a rotation runs, {new} signs from" in shown.stdout
    assert re.search(rf"{home.first}\s+signs\s+from .* published until \d", shown.stdout)
    rows = [json.loads(line) for line in
            home.gateway.run("key", "list", "--json").stdout.splitlines()]
    assert rows[0]["keys"][0]["kid"] == new
    wrong = home.gateway.run("key", "list", "--server", "nobody.example.test")
    assert wrong.returncode == 1 and "nobody.example.test" in wrong.stderr
