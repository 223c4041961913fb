# SPDX-License-Identifier: Apache-2.0
"""`wavegate doctor` without a name: each thing that can be broken in the gateway is, and the doctor names it."""
import contextlib
import email.utils
import os
import resource
import sqlite3
import sys
import time

import pytest

import doctor_kit
from harness import poll

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "faults"))
from levers import Levers  # noqa: E402

A, B = "a.example.test", "b.example.test"
CHECKS = ["self.store", "self.disk", "self.audit", "self.certificates", "self.keys", "self.policies",
          "self.lists", "self.instances", "self.clock", "self.descriptor", "self.queue", "self.limits"]


def examine(gateway):
    return doctor_kit.Report(gateway.run("doctor", "--json"))


def fails_alone(gateway, check, *words):
    report = examine(gateway)
    assert report.failed == [check], report
    for word in words:
        assert word in report.seen(check), report
    assert report.remedy(check), report
    return report


def test_a_healthy_gateway_passes_every_check(town):
    town.send()
    report = examine(town.gateway)
    assert report.status == 0, report
    assert report.ids("ok") == CHECKS, report
    assert "2: name, chain and key fit; the first ends in" in report.seen("self.certificates")
    assert report.seen("self.instances") == "2 answer"
    assert "2 fetched through" in report.seen("self.descriptor")
    shown = town.gateway.run("doctor")
    assert shown.returncode == 0 and shown.stdout.count("✓") >= len(CHECKS)


@pytest.mark.parametrize("how, words, also", [
    ({"days": -1, "start_days": -9}, "expired", True),
    ({"dns": ["other.example.test"]}, "it is for other.example.test", True),
], ids=["expired", "name"])
def test_a_certificate_that_peers_refuse(world, how, words, also):
    world.instance(A)
    world.authority.issue(A, **how)
    report = examine(world.gateway())
    assert report.failed == ["self.certificates"] + ["self.descriptor"] * also, report
    assert words in report.seen("self.certificates")
    assert "fullchain.pem" in report.remedy("self.certificates")


def test_a_chain_that_leads_nowhere(world):
    from scaiwave.certs import Authority
    world.instance(A)
    other = Authority(world.path("other", "ca"), "Another CA")
    for source, target in zip(other.issue(A), (".pem", ".key")):
        os.replace(source, world.path("tls", A + target))
    report = examine(world.gateway())
    assert report.failed == ["self.certificates", "self.descriptor"], report
    assert "no trust anchor" in report.seen("self.certificates")


def test_a_pair_on_the_disk_that_is_not_in_use(town):
    town.world.write(f"tls/{A}.key", "no key")
    town.log.wait("tls.reload_failed", server=A)
    fails_alone(town.gateway, "self.certificates", A, "not in use")


def test_a_certificate_that_ends_soon_is_no_failure_yet(world):
    world.instance(A)
    world.authority.issue(A, days=13)
    report = examine(world.gateway())
    assert report.status == 0 and "ends in 1" in report.seen("self.certificates")
    assert "renew now" in report.remedy("self.certificates")


def test_a_key_of_more_than_a_year_and_a_rotation_under_way(world):
    world.instance(A)
    old = time.time() - 400 * 86400
    os.utime(world.path("keys", A + ".key"), (old, old))
    gateway = world.gateway()
    report = examine(gateway)
    assert report.status == 0, report
    assert "has signed for 400 days" in report.seen("self.keys")
    assert "wavegate key rotate --server" in report.remedy("self.keys")
    assert gateway.run("key", "rotate").returncode == 0
    report = examine(gateway)
    assert "a rotation runs" in report.seen("self.keys") and not report.remedy("self.keys")


def test_a_keyring_that_cannot_be_written(world):
    world.instance(A)
    gateway = world.gateway()
    folder = os.path.join(gateway.data, "keys")
    poll(lambda: os.path.exists(os.path.join(folder, A + ".keyring")), what="the keyring")
    os.rename(folder, folder + ".away")
    world.write("data/keys", "in the way")
    assert gateway.run("key", "rotate").returncode == 1
    fails_alone(gateway, "self.keys", A, "cannot be written")


def test_policies_that_do_not_load(town):
    town.world.write("policies/main.lua", "local wavegate = require 'wavegate'\nthis is no Lua\n")
    town.log.wait("policy.reload_failed", 2)
    fails_alone(town.gateway, "self.policies", "main.lua:2")


def test_a_list_that_is_not_fetched(world):
    world.instance(A)
    gateway = world.gateway(policy="""local wavegate = require "wavegate"
local lists = require "wavegate.lists"
local list = lists.open("https://lists.example.test/deny.txt")
wavegate.use("standard")
""")
    poll(lambda: examine(gateway).failed, what="the failing list")
    fails_alone(gateway, "self.lists", "https://lists.example.test/deny.txt", "never fetched")


def test_an_instance_that_does_not_answer(town):
    town.a.set_mode("down")
    report = fails_alone(town.gateway, "self.instances", A)
    assert B not in report.seen("self.instances")
    town.a.set_mode("normal")
    assert examine(town.gateway).status == 0


def test_a_clock_that_differs_from_an_instance_s(town):
    answer = town.a.answer

    def late(handler, request):
        handler.date_time_string = lambda timestamp=None: email.utils.formatdate(
            time.time() + 300, usegmt=True)
        return answer(handler, request)
    town.a._server.answer = late
    report = fails_alone(town.gateway, "self.clock", "our clock is", "behind an instance")
    assert "NTP" in report.remedy("self.clock")


def test_too_little_disk_and_a_full_queue(world):
    world.instance(A)
    report = fails_alone(world.gateway(queue={"free_disk": "1024GiB"}), "self.disk")
    assert "queue.free_disk" in report.remedy("self.disk")


def test_a_full_queue(make_street):
    street = make_street()
    street.gateway.stop()
    config = street.world.config(queue={"rows": 1})
    gateway = street.world.gateway(config)
    street.a.set_mode("wrong", status=503)
    street.gateway = gateway
    assert street.receive().status == 202
    poll(lambda: examine(gateway).failed, what="the full queue")
    fails_alone(gateway, "self.disk", "the queue is full: 1 of 1 rows")


def change_store(gateway, statement):
    with contextlib.closing(sqlite3.connect(os.path.join(gateway.data, "wavegate.db"))) as store:
        assert store.execute(statement).rowcount >= 1
        store.commit()


def test_an_audit_that_was_changed(town):
    town.send()
    town.send()
    town.gateway.stop()
    change_store(town.gateway, "UPDATE sw_audit SET peer = 'other.example.test' "
                               "WHERE peer = 'peer.example.test' AND n = (SELECT min(n) FROM "
                               "sw_audit WHERE peer = 'peer.example.test')")
    gateway = town.world.gateway()
    report = fails_alone(gateway, "self.audit", "the chain is broken")
    assert "backup" in report.remedy("self.audit")


def test_a_queue_that_does_not_move(make_street):
    """Put back by an hour on the disk, since no test waits for that long."""
    street = make_street()
    street.a.set_mode("wrong", status=503)
    assert street.receive().status == 202
    street.gateway.stop()
    change_store(street.gateway, "UPDATE lane SET head_at = head_at - 3600000")
    change_store(street.gateway, "UPDATE message SET accepted_at = accepted_at - 3600000")
    street.gateway = street.world.gateway()
    report = fails_alone(street.gateway, "self.queue", A, "the oldest for 60 min")
    assert "wavegate doctor PEER" in report.remedy("self.queue")


def test_no_files_left_to_open(town):
    pid = town.gateway.process.pid
    held = [town.gateway.connect() for _ in range(100)]
    used = len(os.listdir(f"/proc/{pid}/fd"))
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 12, hard))
    try:
        report = fails_alone(town.gateway, "self.limits", f"of {used + 12} files open")
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        for connection in held:
            connection.close()
    assert "LimitNOFILE" in report.remedy("self.limits")


def test_a_store_that_cannot_be_written(world):
    world.instance(A)
    levers = Levers(world.path("levers"))
    gateway = world.gateway(environment=levers.environment)
    levers.require()
    levers.fail_fsync()
    made = gateway.run("token", "create", "--role", "read")
    assert made.returncode == 1
    report = examine(gateway)
    assert report.failed[0] == "self.store", report
    assert "the last write failed" in report.seen("self.store")
    levers.fail_fsync(0)
