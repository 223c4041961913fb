# SPDX-License-Identifier: Apache-2.0
"""Level and format of the log change while the gateway runs."""
import json
import signal

import harness
import pytest

LOG = "/_wavegate/v1/log"


def line_of(town, event):
    """The line of an event, written as logfmt; the line of another's end may come between."""
    return harness.poll(lambda: next((line for line in town.log.lines
                                      if line.startswith("time=") and f" event={event} " in line), None),
                        what=f"a line of {event}")


def refused(town):
    """One request that is refused: a line at level warn."""
    assert town.get("/_scaiwave/federation/v1/rooms/room-open/members", key=None,
                    created=1).status == 401


def test_level_and_format_are_told_and_changed_at_once(town, operator):
    assert operator.get(LOG).json == {"level": "info", "format": "json"}
    assert operator.put(LOG, {"format": "logfmt"}).json == {"level": "info", "format": "logfmt"}
    refused(town)
    assert " stage=claim " in line_of(town, "federation.signature_verify_failed")
    assert operator.put(LOG, {"level": "error", "format": "json"}).status == 200
    before = town.log.mark()
    refused(town)
    assert operator.put(LOG, {"level": "debug"}).json["level"] == "debug"
    refused(town)
    town.log.wait("federation.signature_verify_failed", since=before)
    assert len(town.log.find("federation.signature_verify_failed", since=before)) == 1
    town.send()
    assert operator.get("/healthz", token=None).status == 200
    town.log.wait("admin.request", level="debug", path="/healthz")


def test_a_change_stands_in_the_audit(town, operator):
    operator.put(LOG, {"level": "warn"})
    rows = operator.audit(action="gateway.log.put")
    assert len(rows) == 1
    assert rows[0]["extra"] == {"before": {"level": "info", "format": "json"},
                                "after": {"level": "warn", "format": "json"}}


@pytest.mark.parametrize("body, told", [
    ({}, "give level"), ({"level": "loud"}, "debug, info, warn or error"),
    ({"format": "xml"}, "json, logfmt or human"), ({"level": None}, "debug"),
    ({"levels": "info"}, "level"),
])
def test_what_is_no_level_or_format_changes_nothing(town, operator, body, told):
    answer = operator.put(LOG, body)
    assert answer.status == 400 and told in answer.message
    assert operator.get(LOG).json == {"level": "info", "format": "json"}


def test_only_an_administrator_changes_it(town, operator):
    token = operator.new_token(role="operate", comment="x")["token"]
    assert operator.get(LOG, token=token).status == 200
    assert operator.put(LOG, {"level": "debug"}, token=token).status == 403
    assert operator.get(LOG, token=None).status == 401


def test_the_verb_shows_and_changes(town):
    assert town.gateway.run("log").stdout == "level info, format json\n"
    done = town.gateway.run("log", "--level", "debug", "--format", "logfmt", "--json")
    assert json.loads(done.stdout) == {"level": "debug", "format": "logfmt"}
    assert town.gateway.run("log", "--level", "loud").returncode == 2


def test_sighup_takes_what_the_configuration_says_now(town, operator):
    operator.put(LOG, {"level": "error"})
    config = town.world.config(log={"level": "debug", "format": "logfmt"})
    town.world.write_config(config)
    town.gateway.signal(signal.SIGHUP)
    harness.poll(lambda: operator.get(LOG).json == {"level": "debug", "format": "logfmt"},
                 what="level and format of the file")


def test_a_configuration_that_is_wrong_changes_nothing(town, operator):
    town.world.write("wavegate.lua", "return { log = { level = 'loud' } }")
    town.gateway.signal(signal.SIGHUP)
    town.log.wait("log.reload_failed")
    assert operator.get(LOG).json == {"level": "info", "format": "json"}
