# SPDX-License-Identifier: Apache-2.0
"""Names that the system's resolver knows, not the configuration: several addresses, both families."""
import os
import subprocess

import pytest

import harness
from doctor_kit import NAME, Neighbour, examine
from scaiwave import events


def settle(peer, host):
    """The neighbour bears the name of its port, as a server on another port than 443 does."""
    peer.server_name = f"{host}:{peer.port}"
    peer.descriptor = events.descriptor(peer.server_name, peer.key.public)
    return peer.server_name


def config(world):
    settings = world.config()
    settings["peers"] = {"trust_anchors": "tls/ca.pem", "allow_addresses": ["127.0.0.0/8", "::1"]}
    settings["instances"]["a.example.test"]["federation"] = {"default_mode": "open"}
    return settings


@pytest.fixture
def neighbour(world):
    world.instance("a.example.test")
    peer = world.peer(NAME, kind=Neighbour, dns=[NAME, "localhost"])
    peer.trust("a.example.test", world.keys["a.example.test"].public)
    return peer


@pytest.fixture
def hosts(world, monkeypatch):
    """Gateways of this test read this file in place of /etc/hosts."""
    path = world.write("hosts", "")
    wrapper = world.write("wavegate", f"""#!/bin/sh
exec unshare -r -m sh -c 'mount --bind {path} /etc/hosts && exec "$@"' - {harness.wavegate_binary()} "$@"
""")
    os.chmod(wrapper, 0o755)
    if subprocess.run([wrapper, "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no namespace of our own to be had here")
    monkeypatch.setenv("WAVEGATE", wrapper)
    return path


def test_a_name_of_the_resolver_is_judged_as_it_resolves(world, neighbour):
    name = settle(neighbour, "localhost")
    report = examine(world.gateway(config(world)), name)
    assert report.failed == [], report
    assert f"127.0.0.1:{neighbour.port}" in report.seen("peer.addresses")
    assert "peers.resolve" not in report.seen("peer.addresses")


def test_each_address_of_a_name_is_tried(world, neighbour, hosts):
    name = settle(neighbour, NAME)
    with open(hosts, "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 {NAME}\n127.0.0.2 {NAME}\n::1 {NAME}\n10.9.8.7 {NAME}\n")
    report = examine(world.gateway(config(world)), name)
    assert report.failed == [], report  # one way is enough
    port = neighbour.port
    for address in (f"127.0.0.1:{port}", f"127.0.0.2:{port}", f"[::1]:{port}",
                    f"10.9.8.7:{port} (refused by our guard)"):
        assert address in report.seen("peer.addresses")
    assert "IPv4 and IPv6" in report.seen("peer.addresses")
    assert report.seen("peer.tcp").startswith(f"127.0.0.1:{port}; but not ")
    assert f"[::1]:{port}: " in report.seen("peer.tcp")
    assert f"127.0.0.2:{port}: connection refused" in report.seen("peer.tcp")
    assert "10.9.8.7" not in report.seen("peer.tcp")
    assert "works by the other address" in report.remedy("peer.tcp")


def test_our_name_may_lead_where_this_machine_cannot_go(world, neighbour, hosts):
    name = settle(neighbour, NAME)
    with open(hosts, "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 {NAME}\n127.0.0.3 a.example.test\n")
    gateway = world.gateway(config(world))
    report = examine(gateway, name)
    assert report.failed == [], report
    assert f"through our own listener {gateway.ingress}" in report.seen("peer.sees_us")
    assert "127.0.0.3:443: connection refused" in report.seen("peer.sees_us")
