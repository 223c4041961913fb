# SPDX-License-Identifier: Apache-2.0
"""A peer that takes what the gateway delivers, believes none of it before checking, and writes down every
attempt with its time. It can be told to misbehave in the ways that peers do."""
import dataclasses
import re
import threading
import time
import urllib.parse

from . import events, jcs, signatures
from .peer import Peer

PROFILE = re.compile(r"/_scaiwave/federation/v1/profile/([^/]+)$")
MEMBERS = re.compile(r"/_scaiwave/federation/v1/rooms/([^/]+)/members$")
BACKFILL = re.compile(r"/_scaiwave/federation/v1/rooms/([^/]+)/backfill$")


@dataclasses.dataclass
class Attempt:
    """One request to /send. at: monotonic seconds; created, nonce: of its signature; answer: the status it
    met, or the name of the mode that gave none."""
    at: float
    event_id: str
    room_id: str
    event: dict
    created: int
    nonce: str
    answer: object = None


@dataclasses.dataclass
class _Rule:
    mode: str
    options: dict
    room: str = None
    event_id: str = None
    times: int = None

    def fits(self, event):
        return (self.times != 0 and self.room in (None, event["room_id"])
                and self.event_id in (None, event["id"]))


class Sink(Peer):
    """attempts   every verified attempt, in the order they came
    taken      the events, in the order they were first taken
    reads      (endpoint, argument, query) of every verified GET
    problems   what should never come: signatures that do not verify, a nonce used twice"""

    def __init__(self, server_name, certificate, private_key, **where):
        self.trusted = {}
        self.attempts, self.taken, self.reads, self.problems = [], [], [], []
        self.profiles = {"carol": {"participant_id": f"@carol:{server_name}",
                                   "display_name": "Carol"}}
        self.members = {"room-open": [f"@carol:{server_name}"]}
        self.history = []  # events a backfill may show, oldest first
        self.clock = time.time
        self._rules, self._nonces, self._ids = [], set(), set()
        self._news = threading.Condition()
        super().__init__(server_name, certificate, private_key, **where)

    def trust(self, server_name, key):
        self.trusted.setdefault(server_name, {})[key.kid] = key

    def set_mode(self, mode, *, room=None, event_id=None, times=None, **options):
        """How events (of one room, or one event) are met from here on, or the next times:

        accept   taken and answered 200
        drop     taken, but the connection ends without an answer
        cut      not taken; the connection ends without an answer
        slow     taken; answered after ms=, or byte by byte with ms_per_byte=
        refuse   status=, code=, retry_after= (text or seconds)

        The newest rule that fits counts; accept without room and event_id forgets all others."""
        with self._news:
            if mode == "accept" and room is None and event_id is None and times is None:
                self._rules.clear()
            else:
                self._rules.append(_Rule(mode, options, room, event_id, times))

    def wait_for(self, question, deadline_s=30, what="what was waited for"):
        """Until question(self) is true, asked after each attempt; returns its answer."""
        with self._news:
            answer = self._news.wait_for(lambda: question(self), deadline_s)
        if not answer:
            raise TimeoutError(f"{self.server_name}: {what} did not come within {deadline_s} s; "
                               f"{len(self.taken)} taken, {len(self.attempts)} attempts, "
                               f"the last: {self.attempts[-3:]}, problems: {self.problems[:3]}")
        return answer

    def wait_for_taken(self, count, deadline_s=30):
        self.wait_for(lambda sink: len(sink.taken) >= count, deadline_s, f"{count} events")
        return list(self.taken)

    def wait_for_attempts(self, count, deadline_s=30, event_id=None):
        self.wait_for(lambda sink: len(sink.attempts_at(event_id)) >= count, deadline_s,
                      f"{count} attempts")
        return self.attempts_at(event_id)

    def attempts_at(self, event_id=None):
        return [attempt for attempt in self.attempts if event_id in (None, attempt.event_id)]

    def ids(self, room=None):
        """The ids of the events taken (in that room), in their order."""
        return [event["id"] for event in self.taken if room in (None, event["room_id"])]

    # -- one request -------------------------------------------------------------------------

    def answer(self, handler, request):
        if request.path == events.WELL_KNOWN:
            return super().answer(handler, request)
        try:
            parameters = self._check_request(request)
            if request.method == "GET":
                return self._read(handler, request, parameters)
            event = self._check_event(request, parameters)
        except (ValueError, KeyError, TypeError) as error:
            self._complain(f"{request.method} {request.target}: {error}")
            return self._error(handler, 401, "SW_FED_SIGNATURE_MISMATCH", str(error))
        return self._meet(handler, event, parameters)

    def _complain(self, text):
        with self._news:
            self.problems.append(text)
            self._news.notify_all()

    def _check_request(self, request):
        def find(keyid):
            server, _, kid = keyid.partition("#")
            known = self.trusted.get(server, {})
            return known.get(kid) if kid else next(iter(known.values()), None)
        if request.authority != self.server_name:
            raise ValueError(f"Host is {request.authority}")
        _, parameters, _ = signatures.verify(request, signatures.FEDERATION_TAG, find,
                                             now=self.clock())
        with self._news:
            if len(parameters["nonce"]) < 22 or parameters["nonce"] in self._nonces:
                raise ValueError(f"nonce {parameters['nonce']} is short or was used before")
            self._nonces.add(parameters["nonce"])
        return parameters

    def _check_event(self, request, parameters):
        if (request.method, request.path) != ("POST", events.SEND):
            raise ValueError("no such endpoint")
        event = jcs.parse(request.body)
        server = parameters["keyid"].partition("#")[0]
        if not event["origin"] == event["sender_id"].partition(":")[2] == server:
            raise ValueError(f"{event['sender_id']} and {event['origin']} sent by {server}")
        if not any(events.verify(event, key) for key in self.trusted[server].values()):
            raise ValueError(f"the signature of event {event['id']} is not valid")
        return event

    def _take(self, event):
        with self._news:
            is_new = event["id"] not in self._ids
            if is_new:
                self._ids.add(event["id"])
                self.taken.append(event)
        return {"status": "accepted" if is_new else "duplicate", "id": event["id"]}

    def _meet(self, handler, event, parameters):
        attempt = Attempt(time.monotonic(), event["id"], event["room_id"], event,
                          parameters["created"], parameters["nonce"])
        with self._news:
            rule = next((rule for rule in reversed(self._rules) if rule.fits(event)),
                        _Rule("accept", {}))
            if rule.times:
                rule.times -= 1
        takes = rule.mode not in ("cut", "refuse")
        answer = self._take(event) if takes else None
        attempt.answer = rule.options.get("status", 503) if rule.mode == "refuse" else \
            rule.mode if rule.mode in ("cut", "drop") else 200
        with self._news:
            self.attempts.append(attempt)
            self._news.notify_all()
        return self._reply(handler, rule, answer)

    def _reply(self, handler, rule, answer):
        options = rule.options
        if rule.mode in ("drop", "cut"):
            return handler.drop()
        if rule.mode == "refuse":
            headers = [("Retry-After", str(options["retry_after"]))] \
                if "retry_after" in options else []
            return self._error(handler, options.get("status", 503),
                               options.get("code", "SW_INTERNAL"), "as told", headers)
        if "ms_per_byte" in options:
            return self._dribble(handler, jcs.canonical(answer), options["ms_per_byte"])
        time.sleep(options.get("ms", 0) / 1000)
        return handler.reply(200, answer)

    @staticmethod
    def _dribble(handler, body, ms):
        text = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        for byte in text:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(ms / 1000)

    @staticmethod
    def _error(handler, status, code, message, headers=()):
        return handler.reply(status, {"error": {"code": code, "message": message}}, headers)

    def _read(self, handler, request, _parameters):
        path = urllib.parse.unquote(request.path)
        query = urllib.parse.parse_qs(request.query[1:])
        for endpoint, pattern in (("profile", PROFILE), ("members", MEMBERS),
                                  ("backfill", BACKFILL)):
            found = pattern.match(path)
            if not found:
                continue
            with self._news:
                self.reads.append((endpoint, found.group(1), query))
            value = self._value(endpoint, found.group(1), query)
            if value is not None:
                return handler.reply(200, value)
        return self._error(handler, 404, "SW_FED_NOT_FOUND", path)

    def _value(self, endpoint, argument, query):
        if endpoint == "profile":
            return self.profiles.get(argument)
        if endpoint == "members":
            members = self.members.get(argument)
            return None if members is None else {"members": members}
        limit = int(query.get("limit", ["100"])[0])
        return {"events": [event for event in self.history
                           if event["room_id"] == argument][-limit:]}
