# SPDX-License-Identifier: Apache-2.0
"""Starting, refusing to start, and stopping without losing anything."""
import os
import re
import signal
import threading

import pytest

from harness import DEADLINE_S, World, wavegate
from scaiwave.certs import Authority


def test_sigterm_lets_the_request_under_way_complete(town):
    town.send()  # discovery is done
    town.a.set_mode("slow", ms=1000)
    answers = []
    sender = threading.Thread(target=lambda: answers.append(town.send()))
    sender.start()
    town.a.wait_for_requests(2)
    town.gateway.signal(signal.SIGTERM)
    sender.join(DEADLINE_S)
    assert answers[0].status == 200, answers
    town.gateway.stop()


def test_sigterm_takes_no_new_connections(town):
    town.send()
    town.a.set_mode("slow", ms=2000)
    sender = threading.Thread(target=town.send)
    sender.start()
    town.a.wait_for_requests(2)
    town.gateway.signal(signal.SIGTERM)

    def is_closed():
        try:
            town.gateway.connect(timeout_s=5).close()
        except OSError:
            return True
        return False
    from harness import poll
    poll(is_closed, 1.8, "the port being closed while a request is still under way")
    sender.join(DEADLINE_S)
    town.gateway.stop()


def test_idle_connections_do_not_hold_up_the_end(town):
    request = town.peer.send_request("a.example.test", town.peer.event())
    with town.gateway.connect() as used, town.gateway.connect() as unused:
        assert used.ask(request).status == 200
        town.gateway.stop(deadline_s=10)
        assert used.ended()
        assert unused.ended()


def test_a_drain_has_an_end(town):
    gateway = town.world.gateway(limits={"drain_timeout": "500ms"})
    gateway.ask(town.peer.send_request("a.example.test", town.peer.event()))
    town.a.set_mode("slow", ms=8000)
    seen = len(town.a.requests)
    with gateway.connect() as connection:
        connection.send(town.peer.send_request("a.example.test", town.peer.event()).wire())
        town.a.wait_for_requests(seen + 1)
        gateway.stop(deadline_s=6)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_clean_right_after_the_start(town, number):
    town.gateway.signal(number)
    assert town.gateway.process.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("number, pause_s", [(signal.SIGTERM, 0.001), (signal.SIGHUP, 0.02)])
def test_signals_up_to_the_last_moment_do_not_spoil_the_end(town, number, pause_s):
    assert town.send().status == 200
    town.gateway.signal(signal.SIGTERM)
    for _ in range(int(DEADLINE_S / pause_s)):
        if town.gateway.process.poll() is not None:
            break
        town.gateway.signal(number)
        threading.Event().wait(pause_s)
    assert town.gateway.process.wait(1) == 0


def test_starts_again_on_the_same_data(town):
    assert town.send().status == 200
    town.gateway.stop()
    again = town.world.gateway()
    assert again.ask(town.peer.send_request("a.example.test", town.peer.event())).status == 200


# -- wavegate check -----------------------------------------------------------------------------

@pytest.fixture
def quiet(tmp_path):
    """A world with files and no gateway."""
    made = World(tmp_path)
    made.instance("a.example.test")
    made.write("policies/main.lua", 'require("wavegate").use("standard")\n')
    yield made
    made.close()


def check(world, config):
    return wavegate("check", "--config", world.write_config(config))


def test_check_is_content_with_a_good_configuration(quiet):
    result = check(quiet, quiet.config())
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("changes, words, why", [
    ({"ingres": {}}, [r"wavegate\.lua:[0-9]+", "ingres", "'ingress'"], "a name misspelt"),
    ({"ingress": {"listn": ["127.0.0.1:0"]}}, [r"wavegate\.lua:[0-9]+", "listn", "'listen'"],
     "a name misspelt further in"),
    ({"workers": "many"}, [r"wavegate\.lua:[0-9]+", "workers"], "a value of the wrong kind"),
    ({"ingress": {"listen": ["nowhere"]}}, [r"wavegate\.lua:[0-9]+", "nowhere"],
     "an address that is none"),
    ({"instances": {}}, ["instances"], "nothing to stand before"),
    ({"peers": {"allow_addresses": ["127.0.0.0/40"]}}, [r"127\.0\.0\.0/40"], "a bad block"),
    ({"limits": {"header": "16 parsecs"}}, ["header", "parsecs"], "a bad unit"),
])
def test_check_names_file_line_and_remedy(quiet, changes, words, why):
    result = check(quiet, quiet.config(**changes))
    assert result.returncode not in (0, -6, -11), why
    for word in words:
        assert re.search(word, result.stderr), (why, result.stderr)


def broken_instance(world, **changes):
    config = world.config()
    config["instances"]["a.example.test"].update(changes)
    return config


@pytest.mark.parametrize("changes, words, why", [
    ({"signing_key": "keys/none.key"}, ["none\\.key", "keygen"], "a key file that is not there"),
    ({"certificate": "tls/none.pem"}, ["none\\.pem"], "a certificate that is not there"),
    ({"policy": "policies/none.lua"}, ["none\\.lua"], "a policy that is not there"),
    ({"upstream": "ftp://127.0.0.1"}, ["upstream", "http"], "an upstream that is no HTTP"),
    ({"federation": {"default_mode": "opne"}}, ["opne", "open"], "a mode misspelt"),
])
def test_check_looks_into_instances(quiet, changes, words, why):
    result = check(quiet, broken_instance(quiet, **changes))
    assert result.returncode not in (0, -6, -11), why
    for word in words:
        assert re.search(word, result.stderr), (why, result.stderr)


def test_check_reports_every_problem_of_the_file(quiet):
    config = quiet.config(ingres={}, wrokers=3)
    result = check(quiet, config)
    assert "ingres" in result.stderr and "wrokers" in result.stderr, result.stderr


@pytest.mark.parametrize("policy, words", [
    ('local wavegate = require "wavegate"\nwavegate.use("standrad")\n', ["main\\.lua:2", "standrad"]),
    ("this is not Lua\n", ["main\\.lua:1"]),
    ('io.open("/etc/passwd")\n', ["main\\.lua:1", "io"]),
])
def test_check_loads_the_policies(quiet, policy, words):
    quiet.write("policies/main.lua", policy)
    result = check(quiet, quiet.config())
    assert result.returncode not in (0, -6, -11)
    for word in words:
        assert re.search(word, result.stderr), result.stderr


def test_check_of_a_file_that_is_no_lua(quiet):
    result = wavegate("check", "--config", quiet.write("bad.lua", "return {\n  ingress = \n}\n"))
    assert result.returncode not in (0, -6, -11)
    assert re.search(r"bad\.lua:[0-9]+", result.stderr), result.stderr


def test_check_of_no_file_at_all(quiet):
    result = wavegate("check", "--config", quiet.path("absent.lua"))
    assert result.returncode not in (0, -6, -11)
    assert "absent.lua" in result.stderr


# -- starts that fail ---------------------------------------------------------------------------

def refuses_to_start(world, config, *words):
    result = wavegate("serve", "--config", world.write_config(config), cwd=world.folder)
    assert result.returncode not in (0, -6, -11), result.stderr
    assert "Sanitizer" not in result.stderr, result.stderr
    for word in words:
        assert re.search(word, result.stderr), result.stderr


def test_a_port_in_use_is_named(town):
    config = town.world.config(ingress={"listen": [town.a.address]}, data="other-data")
    refuses_to_start(town.world, config, re.escape(town.a.address), "in use")


def test_a_key_that_is_not_the_certificates_is_named(quiet):
    quiet.authority.issue("b.example.test")
    refuses_to_start(quiet, broken_instance(quiet, private_key="tls/b.example.test.key"),
                     "b\\.example\\.test\\.key|a\\.example\\.test\\.pem")


@pytest.mark.parametrize("field, text", [
    ("certificate", "no PEM at all"), ("private_key", "no PEM at all"),
    ("signing_key", "# nothing here\n"), ("signing_key", "ed25519-secret:AAAA\n")])
def test_a_file_of_the_wrong_form_is_named(quiet, field, text):
    quiet.write("tls/wrong.file", text)
    os.chmod(quiet.path("tls", "wrong.file"), 0o600)
    refuses_to_start(quiet, broken_instance(quiet, **{field: "tls/wrong.file"}), "wrong\\.file")


def test_trust_anchors_that_are_none_are_named(quiet):
    quiet.write("tls/empty.pem", "")
    config = quiet.config()
    config["peers"]["trust_anchors"] = "tls/empty.pem"
    refuses_to_start(quiet, config, "empty\\.pem")


def test_a_certificate_can_be_replaced_by_sighup(town):
    # A new CA: only who presents the new certificate can be verified with it.
    fresh = Authority(town.world.path("fresh", "ca"), "Another CA")
    for source, target in zip(fresh.issue("a.example.test"),
                              ("tls/a.example.test.pem", "tls/a.example.test.key")):
        os.replace(source, town.world.path(*target.split("/")))
    mark = town.log.mark()
    town.gateway.signal(signal.SIGHUP)
    town.log.wait("policy.reloaded", since=mark)
    from scaiwave.peer import Connection
    from harness import poll

    def presents_the_new_one():
        try:
            Connection(town.gateway.ingress, "a.example.test", fresh.file).close()
        except OSError:
            return False
        return True
    poll(presents_the_new_one, 10, "the new certificate")
