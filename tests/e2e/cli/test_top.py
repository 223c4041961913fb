# SPDX-License-Identifier: Apache-2.0
"""`wavegate top` on a terminal: what a person sees, and that the terminal is given back."""
import http.server
import json
import os
import signal
import threading

import pytest

from harness import wavegate_binary
from screen import Screen, width_of


@pytest.fixture
def top(request):
    screens = []

    def start(gateway, *arguments, columns=80, lines=24, interval="200ms", **options):
        command = [wavegate_binary(), "top", "--config", gateway.config_file, "--interval",
                   interval, *arguments]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        screens.append(Screen(command, columns, lines, env=environment, cwd=gateway.world.folder,
                              **options))
        return screens[-1]

    yield start
    for screen in screens:
        screen.close()


def is_given_back(screen):
    return not screen.is_alternate and screen.has_cursor and screen.settings_are_restored()


def test_an_empty_gateway_has_a_picture(town, top):
    screen = top(town.gateway)
    screen.wait_for("nothing was exchanged with any peer yet")
    assert screen.is_alternate and not screen.has_cursor
    lines = screen.text.split("\n")
    assert lines[0].startswith("wavegate 0.") and town.gateway.admin in lines[0]
    for name in ("in ", "out ", "queue ", "deliver ", "store ", "load "):
        assert any(line.startswith(name) for line in lines), screen.text


def test_what_happens_is_seen_within_a_moment(town, top):
    screen = top(town.gateway)
    screen.wait_for("nothing was exchanged")
    for _ in range(5):
        town.send()
    screen.wait_for("peer.example.test")
    town.send(created=1)
    screen.wait_for("SW_FED_SIGNATURE_MISMAT")
    town.a.stop()
    town.send()
    screen.wait(lambda screen: "waiting 1 " in screen.text)


def test_keys_choose_panels_and_end_it(town, top):
    town.send(created=1)
    screen = top(town.gateway)
    screen.wait_for("q quit")
    for key, title in (("2", "nothing waits"), ("3", "REFUSALS"), ("4", "REFUSED IN THE LAST"),
                       ("5", "INSTANCES"), ("\t", "PEERS"), ("\t", "QUEUE")):
        screen.key(key)
        screen.wait_for(title)
    screen.key("s")
    screen.wait_for("s by errors")
    screen.key("x")  # means nothing
    screen.key("q")
    assert screen.end() == 0
    assert is_given_back(screen)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_as_before(town, top, number):
    screen = top(town.gateway)
    screen.wait_for("PEERS")
    screen.process.send_signal(number)
    assert screen.end() == 0
    assert is_given_back(screen)


def test_control_c_at_the_keyboard_is_one_of_them(town, top):
    screen = top(town.gateway)
    screen.wait_for("PEERS")
    screen.key("\x03")
    # Without a controlling terminal the key makes no signal; then it is no key either.
    screen.key("q")
    assert screen.end() == 0
    assert is_given_back(screen)


def test_sizes(town, top):
    for _ in range(3):
        town.send()
    town.send(created=1)
    screen = top(town.gateway)
    screen.wait_for("peer.example.test")
    screen.resize(200, 60)
    wanted = ("PEERS", "QUEUE", "REFUSALS", "REFUSED IN THE LAST 10 MINUTES", "INSTANCES",
              "at most 60 s are allowed")
    screen.wait(lambda screen: all(text in screen.text for text in wanted))
    for columns, lines in ((80, 24), (40, 10), (20, 5), (1, 1), (300, 100), (80, 24)):
        screen.resize(columns, lines)
        first = ("wavegate 0." + " " * 80)[:min(columns, 11)].rstrip()
        screen.wait(lambda screen: screen.text.startswith(first))
    screen.wait_for("peer.example.test")


def test_a_gateway_that_dies_and_comes_back(town, top):
    town.send()
    screen = top(town.gateway)
    screen.wait_for("peer.example.test")
    town.gateway.kill()
    screen.wait_for("does not answer")
    assert "peer.example.test" in screen.text  # what was known stays
    config = town.world.config()
    again = town.world.gateway(config)
    screen.wait(lambda screen: "does not answer" not in screen.text and again.admin in screen.text)
    assert screen.process.poll() is None


def test_without_a_gateway_it_waits_for_one(world, top):
    world.instance("a.example.test")
    world.write("policies/main.lua", 'require "wavegate".use("standard")\n')

    class NoGateway:
        config_file = world.write_config(world.config())

    NoGateway.world = world
    screen = top(NoGateway)
    screen.wait_for("no gateway runs with")
    gateway = world.gateway()
    screen.wait_for("INSTANCES" if screen.lines >= 40 else "PEERS")
    assert gateway.admin in screen.text


def test_once_is_plain_text(town):
    for _ in range(3):
        town.send()
    town.send(created=1)
    done = town.gateway.run("top", "--once", "--interval", "100ms")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout and "\r" not in done.stdout
    assert max(map(len, done.stdout.split("\n"))) <= 120
    for text in ("peer.example.test", "REFUSALS, BY CODE", "SW_FED_SIGNATURE_MISMATCH",
                 "a.example.test", "store", "load"):
        assert text in done.stdout


def test_json_is_for_programs(town):
    town.send()
    done = town.gateway.run("top", "--once", "--json", "--interval", "100ms")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["rates"]["inbound"]["requests_per_s"] == 0
    assert told["overview"]["peers"]["rows"][0]["server_name"] == "peer.example.test"


def test_it_says_what_is_wrong_when_it_cannot_show_anything(town, tmp_path):
    done = town.gateway.run("top")
    assert done.returncode == 2 and "--once" in done.stderr
    town.gateway.stop()
    done = town.gateway.run("top", "--once")
    assert done.returncode == 1 and "no gateway runs" in done.stderr and done.stdout == ""
    done = town.gateway.run("top", "--once", "--interval", "1ms")
    assert done.returncode == 2 and "at least 100 ms" in done.stderr


# ---- what others have written

FOREIGN = "\x1b[2J\x1b]0;x\x07\r\n\x9b7m漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字é\u0301\u202e\u200b" + 300 * "long"


class Pretended(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        overview = {
            "version": FOREIGN, "pid": 1, "now": 1800000000, "mono_ms": 1, "workers": 1,
            "process": {}, "exchanges": [{"direction": "inbound", "outcome": "refused",
                                          "code": FOREIGN, "total": 1e300}],
            "store": {"writable": False}, "loops": [{"loop": FOREIGN, "busy_us": 1}] * 100,
            "queue": {"destinations": [{"destination": FOREIGN, "direction": FOREIGN,
                                        "deliveries": 1}]},
            "peers": {"rows": [{"server_name": FOREIGN, "received": -1, "last_seen": -5,
                                "last_error": {"at": 1, "code": FOREIGN, "reason": FOREIGN}}]},
            "instances": [{"server_name": FOREIGN, "last_load_failure": FOREIGN,
                           "certificate_until": 1}, 7, None, "x"]}
        rows = {"rows": [{"at": FOREIGN, "peer": FOREIGN, "code": FOREIGN, "reason": FOREIGN}]}
        body = json.dumps(overview if "overview" in self.path else rows).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def pretended(town):
    """Something that answers as a gateway would that was told anything."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pretended)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    town.gateway.stop()
    with open(os.path.join(town.gateway.data, "admin.address"), "w", encoding="ascii") as file:
        file.write(f"127.0.0.1:{server.server_port}\n")
    with open(os.path.join(town.gateway.data, "admin.token"), "w", encoding="ascii") as file:
        file.write("wgt_x\n")
    yield town.gateway
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("columns, lines", [(80, 24), (200, 60), (33, 12)])
def test_foreign_text_cannot_break_the_picture(pretended, top, columns, lines):
    """The screen of these tests fails on sequences, control characters and lines too long."""
    screen = top(pretended, columns=columns, lines=lines)
    screen.wait_for("PEERS")
    for key, title in (("1", "PEERS"), ("2", "QUEUE"), ("3", "REFUSALS"), ("4", "REFUSED"),
                       ("5", "INSTANCES")):
        screen.key(key)
        screen.wait_for(title)
    assert "漢字" in screen.text
    for row in screen.cells:
        assert sum(width_of(cell) for cell in row if cell) <= columns
    screen.key("q")
    assert screen.end() == 0 and is_given_back(screen)


def test_foreign_text_is_cleaned_in_plain_text(pretended):
    done = pretended.run("top", "--once", "--interval", "100ms")
    assert done.returncode == 0, done
    assert not any(character < " " and character != "\n" or character in "\x7f\x9b\u202e"
                   for character in done.stdout)
