# SPDX-License-Identifier: Apache-2.0
"""`wavegate doctor` as a verb: what it prints, what it ends with, what it refuses."""
import json


def test_without_a_gateway_the_verb_says_how_to_start_one(world):
    world.instance()
    gateway = world.gateway()
    gateway.stop()
    done = gateway.run("doctor", "peer.example.test")
    assert done.returncode == 1
    assert "no gateway runs" in done.stderr and "wavegate serve" in done.stderr


def test_the_gateway_itself_is_examined_without_a_name(town):
    done = town.gateway.run("doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["healthy"] and report["failed"] == 0
    assert all(check["id"].startswith("self.") for check in report["checks"])


def test_with_several_instances_one_is_to_be_named(town):
    done = town.gateway.run("doctor", "peer.example.test")
    assert done.returncode == 1
    assert "--server" in done.stderr


def test_a_server_of_this_gateway_is_no_peer(town):
    done = town.gateway.run("doctor", "b.example.test", "--server", "a.example.test")
    assert done.returncode == 1
    assert "lives behind this gateway" in done.stderr


def test_the_first_failing_cause_stands_in_the_last_line_and_what_follows_is_not_tried(town):
    town.peer.stop()
    done = town.gateway.run("doctor", "peer.example.test", "--server", "a.example.test")
    assert done.returncode == 1
    assert "\033" not in done.stdout  # no terminal, no colours
    lines = done.stdout.splitlines()
    assert any(line.startswith("✓ server name") for line in lines)
    assert any(line.startswith("✗ TCP connection") and "refused" in line for line in lines)
    assert any(line.startswith("– TLS") and "'TCP connection'" in line for line in lines)
    assert "peer.tcp" in lines[-1]
