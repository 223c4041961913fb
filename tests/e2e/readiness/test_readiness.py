# SPDX-License-Identifier: Apache-2.0
"""/readyz: what is needed to keep a promise decides; what else is wrong is shown."""
import os

from harness import poll
from operator_kit import Operator
from scaiwave.instance import Instance

A, B = "a.example.test", "b.example.test"


def readiness(gateway):
    answer = Operator(gateway).get("/readyz", token=None)
    assert answer.json["status"] == {200: "ready", 503: "not ready"}[answer.status]
    return answer.status, {check["name"]: check for check in answer.json["checks"]}


def settle(gateway, name, is_ok):
    """Until that check says so."""
    poll(lambda: readiness(gateway)[1][name]["ok"] == is_ok, what=f"{name} {is_ok}")
    return readiness(gateway)


def test_an_instance_that_is_down_is_shown_and_the_gateway_is_ready(relay_town):
    instance = relay_town.a
    address = instance.address
    assert settle(relay_town.gateway, "instances", True)[0] == 200
    relay_town.gateway.stop()
    instance.stop()
    relay_town.start()
    relay_town.log.wait("instance.unreachable", server=A)
    status, checks = readiness(relay_town.gateway)
    assert status == 200, "it takes events and keeps them"
    assert not checks["instances"]["ok"] and not checks["instances"]["required"]
    assert A in checks["instances"]["detail"] and B not in checks["instances"]["detail"]
    assert address.split(":")[1] not in checks["instances"]["detail"], "nobody has proved who asks"
    rows = Operator(relay_town.gateway).get("/_wavegate/v1/instances").json["instances"]
    reach = {row["server_name"]: row["reachable"] for row in rows}
    assert reach[B]["ok"] and not reach[A]["ok"] and address in reach[A]["error"]
    assert relay_town.send().status == 202
    host, port = address.split(":")
    relay_town.world.instances[A] = Instance(A, relay_town.world.keys[A].public, port=int(port))
    relay_town.log.wait("instance.reachable", server=A)
    assert settle(relay_town.gateway, "instances", True)[0] == 200


def test_policies_that_do_not_load_are_shown(town):
    path = town.world.path("policies", "main.lua")
    good = open(path, encoding="utf-8").read()
    town.world.write("policies/main.lua", "this is no Lua")
    town.log.wait("policy.reload_failed", 2)
    status, checks = readiness(town.gateway)
    assert status == 200 and not checks["policies"]["ok"]
    assert A in checks["policies"]["detail"] and B in checks["policies"]["detail"]
    town.world.write("policies/main.lua", good)
    assert settle(town.gateway, "policies", True)[0] == 200


def test_one_expired_certificate_is_shown_and_all_expired_is_the_end(world):
    for name in (A, B):
        world.instance(name)
        world.authority.issue(name, days=-1, start_days=-9)
    gateway = world.gateway()
    status, checks = readiness(gateway)
    assert status == 503 and not checks["certificates"]["ok"] and checks["certificates"]["required"]
    for source, target in zip(world.authority.issue(A, stem="fresh"), (".pem", ".key")):
        os.replace(source, world.path("tls", A + target))
    gateway.log.wait("tls.certificate_exchanged", server=A)
    status, checks = readiness(gateway)
    assert status == 200 and not checks["certificates"]["ok"]
    assert B in checks["certificates"]["detail"] and A not in checks["certificates"]["detail"]


def test_a_pair_on_the_disk_that_cannot_be_used_is_shown(town):
    town.world.write(f"tls/{A}.pem", "no certificate")
    town.log.wait("tls.reload_failed", server=A)
    status, checks = readiness(town.gateway)
    assert status == 200 and not checks["certificates"]["ok"]
    assert A in checks["certificates"]["detail"]


def test_too_little_free_disk_is_not_ready(world):
    world.instance(A)
    gateway = world.gateway(queue={"free_disk": "1024GiB"})
    status, checks = settle(gateway, "disk", False)
    assert status == 503 and "queue.free_disk" in checks["disk"]["detail"]


def test_a_full_queue_is_not_ready(make_relay_town):
    town = make_relay_town(queue={"rows": 1})
    assert readiness(town.gateway)[0] == 200
    town.a.set_mode("down")
    assert town.send().status == 202
    status, checks = settle(town.gateway, "queue", False)
    assert status == 503 and checks["queue"]["required"]
    town.a.set_mode("normal")
    assert settle(town.gateway, "queue", True)[0] == 200
