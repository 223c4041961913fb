# SPDX-License-Identifier: Apache-2.0
"""The verbs that talk to the gateway of this machine."""
import json
import os
import re
import subprocess

import pytest

import harness


@pytest.fixture
def run(town):
    def run_verb(*arguments, config=None):
        return harness.wavegate(*arguments, "--config", config or town.gateway.config_file)
    return run_verb


def test_a_token_is_made_used_listed_and_revoked(run, operator):
    made = run("token", "create", "--role", "read", "--comment", "wall display")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    assert re.fullmatch(r"wgt_[a-z0-9]{12}_[\w-]{43}", token)
    assert token not in made.stderr
    token_id = token.split("_")[1]
    assert operator.get("/_wavegate/v1/instances", token=token).status == 200
    listed = run("token", "list")
    assert re.search(rf"{token_id}  read .*wall display", listed.stdout), listed
    assert [json.loads(line)["id"] for line in run("token", "list", "--json").stdout.splitlines()]
    assert run("token", "revoke", token_id).returncode == 0
    assert operator.get("/_wavegate/v1/instances", token=token).status == 401
    assert re.search(rf"{token_id}  revoked", run("token", "list").stdout)


def test_a_token_for_an_instance_opens_the_egress_door(run):
    made = run("token", "create", "--instance", "a.example.test", "--json")
    assert json.loads(made.stdout)["instance"] == "a.example.test"
    refused = run("token", "create", "--instance", "c.example.test")
    assert refused.returncode == 1 and "c.example.test" in refused.stderr


@pytest.mark.parametrize("arguments", [
    ["token"], ["token", "make"], ["token", "revoke"], ["token", "create", "--rol", "read"],
    ["token", "create", "--role"], ["token", "list", "x"], ["audit", "--since", "yesterday"],
    ["audit", "x"], ["token", "create", "--role", "read", "--role", "read"]])
def test_wrong_usage_is_2_and_says_what_is_right(run, arguments):
    done = run(*arguments)
    assert done.returncode == 2 and ("usage" in done.stderr or "span" in done.stderr), done


@pytest.mark.parametrize("odd", ["../tokens", "nobody", "a/b", "%", "\N{SNOWMAN}"])
def test_an_id_that_is_none_is_refused(run, odd):
    done = run("token", "revoke", odd)
    assert done.returncode == 1 and done.stderr, done


def test_without_a_gateway_the_message_says_what_to_do(town, run):
    town.gateway.stop()
    done = run("token", "list")
    assert done.returncode == 1 and "wavegate serve" in done.stderr, done
    done = run("token", "list", config=os.path.join(town.world.folder, "nothing.lua"))
    assert done.returncode == 1 and "nothing.lua" in done.stderr


def test_a_gateway_that_was_killed_is_told_from_one_that_runs(town, run):
    town.gateway.process.kill()
    town.gateway.process.wait()
    town.gateway._stopped = True
    done = run("token", "list")
    assert done.returncode == 1 and "does not answer" in done.stderr, done


def test_the_audit_is_exported_as_json_lines(town, run, operator):
    events = [town.peer.event(room_id=room) for room in ("room-open", "room-private", "room-open")]
    for event in events:
        town.send(event)
    harness.poll(lambda: len(operator.audit(peer="peer.example.test")) == 3)
    done = run("audit", "--since", "1h", "--peer", "peer.example.test", "--action", "federation.*",
               "--json")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["event_id"] for line in done.stdout.splitlines()] == \
        [event["id"] for event in events]
    done = run("audit", "--event", events[1]["id"])
    assert len(done.stdout.splitlines()) == 1 and "room-private" in done.stdout
    assert run("audit", "--peer", "other.example.test", "--json").stdout == ""


def test_following_shows_what_comes(town):
    process = subprocess.Popen(
        [harness.wavegate_binary(), "audit", "--follow", "--json", "--verdict", "accepted",
         "--config", town.gateway.config_file], stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(3):
            event = town.peer.event()
            town.send(event)
            assert json.loads(process.stdout.readline())["event_id"] == event["id"]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_a_whole_chain_is_told_from_one_that_somebody_changed(town, run, operator):
    import sqlite3
    for _ in range(3):
        town.send()
    harness.poll(lambda: len(operator.audit(verdict="accepted")) == 3)
    done = run("audit", "verify")
    assert done.returncode == 0 and "whole: " in done.stdout, done
    town.gateway.stop()
    for name in os.listdir(operator.data):
        if not name.endswith((".sqlite", ".db")):
            continue
        database = sqlite3.connect(os.path.join(operator.data, name))
        tables = [row[0] for row in database.execute("select name from sqlite_master")]
        if "sw_audit" in tables:
            columns = [row[1] for row in database.execute("pragma table_info(sw_audit)")]
            column = "verdict" if "verdict" in columns else columns[-1]
            database.execute(f"update sw_audit set {column} = 'refused' where {column} = 'accepted'")
            database.commit()
        database.close()
    town.gateway = town.world.gateway()
    done = run("audit", "verify")
    assert done.returncode == 1 and "BROKEN" in done.stdout, done


def test_peers_are_shown_refreshed_and_forgotten(town, run):
    for _ in range(2):
        town.send()
    town.send(town.peer.event(), created=1)
    listed = run("peers")
    assert listed.returncode == 0, listed
    row = listed.stdout.splitlines()[1]
    assert re.match(r"peer\.example\.test +allowed +\d+ s ago +0 +2 +0 +0 +SW_FED_SIGNATURE_MISMATCH",
                    row), row
    assert [json.loads(line)["server_name"] for line in run("peers", "--json").stdout.splitlines()] \
        == ["peer.example.test"]
    shown = run("peers", "peer.example.test")
    assert shown.returncode == 0 and town.peer.key.kid in shown.stdout and "2 in" in shown.stdout
    town.peer.rotate()
    assert town.peer.key.kid in run("peers", "refresh", "peer.example.test").stdout
    assert run("peers", "forget", "peer.example.test").returncode == 0
    assert run("peers", "peer.example.test").returncode == 1
    assert run("peers", "..").returncode == 1
    assert run("peers", "mend", "peer.example.test").returncode == 2
