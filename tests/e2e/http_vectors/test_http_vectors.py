# SPDX-License-Identifier: Apache-2.0
"""Public HTTP/1.1 suites (../shared/vectors/http1), raw over TLS, with a live second client throughout.

The suites speak to an imaginary `localhost`; that name is replaced by an instance's, so that a case is
decided by how it is read and not by whom it is for. No case names an endpoint: where one is read as a
request, the router answers 404 or 405. So
  reject   the last thing said is a refusal of the HTTP layer (or nothing), and the connection ends;
  accept   the router is reached;
  either   anything but harm."""
import base64
import concurrent.futures
import http.client
import json
import os
import re
import threading

import pytest

from harness import HERE
from scaiwave import events, signatures

FOLDER = os.path.join(HERE, "..", "..", "..", "shared", "vectors", "http1")
NAME = "a.example.test"
HTTP_REFUSALS = {400, 408, 411, 413, 414, 417, 431, 501, 505}
PATIENCE = {"head_timeout": "1s", "body_timeout": "1s", "idle_timeout": "2s"}


def load():
    cases = []
    for name in ("http11probe.jsonl", "llhttp-requests.jsonl"):
        path = os.path.join(FOLDER, name)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                case = json.loads(line)
                parts = case.get("parts_b64") or [case["http_b64"]]
                case["parts"] = [
                    re.sub(rb"localhost(:8080|:5000)?(?=[\r\n,/\x20]|$)", NAME.encode(),
                           base64.b64decode(part)) for part in parts]
                case["key"] = f"{name.split('.')[0].split('-')[0]}-{number}-{case['id']}"
                cases.append(case)
    return cases


CASES = load()
pytestmark = pytest.mark.skipif(not CASES, reason="../shared/vectors/http1 is not here")


class LiveClient(threading.Thread):
    """Asks for the descriptor over and over on a connection of its own."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.asked, self.failures = gateway, 0, []
        self._stop_asking = threading.Event()

    def run(self):
        request = signatures.Request("GET", events.WELL_KNOWN, NAME, [("Host", NAME)])
        try:
            with self.gateway.connect() as connection:
                while not self._stop_asking.wait(0.02):
                    answer = connection.ask(request)
                    assert answer.status == 200, answer
                    self.asked += 1
        except Exception as failure:  # pylint: disable=broad-except
            self.failures.append(failure)

    def finish(self):
        self._stop_asking.set()
        self.join(30)


def run(gateway, case):
    """All answers until the gateway ends the connection; (statuses, did it end)."""
    answers = []
    with gateway.connect(timeout_s=30) as connection:
        try:
            for part in case["parts"]:
                connection.send(part)
            method = "HEAD" if case["parts"][0].startswith(b"HEAD") else "POST"
            while True:
                answers.append(connection.answer(method).status)
        except TimeoutError:
            return answers, False
        except (OSError, http.client.HTTPException):
            return answers, True


@pytest.fixture(scope="module")
def outcomes(shared_town):
    gateway = shared_town.world.gateway(limits=PATIENCE)
    live = LiveClient(gateway)
    live.start()
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        found = dict(zip((case["key"] for case in CASES),
                         pool.map(lambda case: run(gateway, case), CASES)))
    live.finish()
    assert not live.failures, live.failures
    assert live.asked > 20
    gateway.stop()
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["key"])
def test_reads_as_the_suite_says(outcomes, case):
    answers, ended = outcomes[case["key"]]
    shown = (case["verdict"], case.get("expected_text") or case.get("reason"), answers, case["parts"])
    assert ended, shown
    if case["verdict"] == "accept":
        assert answers and not set(answers) & HTTP_REFUSALS, shown
    elif case["verdict"] == "reject":
        assert not answers or answers[-1] in HTTP_REFUSALS, shown
    else:
        assert all(status < 600 for status in answers), shown
