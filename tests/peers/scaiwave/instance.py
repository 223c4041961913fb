# SPDX-License-Identifier: Apache-2.0
"""The smallest honest ScaiWave instance: what Wavegate forwards to.

It believes nobody: the gateway's signature has to stand over every request, and the peer's own must
have passed through unharmed whenever the peer's key is known here (trust()). Rooms named at the start
exist; what is said in them is kept.
"""
import json
import re
import threading
import time
import urllib.parse

from . import events, jcs, signatures
from .keys import PublicKey
from .serving import Service

PROFILE = re.compile(r"/_scaiwave/federation/v1/profile/([^/]+)$")
MEMBERS = re.compile(r"/_scaiwave/federation/v1/rooms/([^/]+)/members$")
BACKFILL = re.compile(r"/_scaiwave/federation/v1/rooms/([^/]+)/backfill$")


class Refusal(Exception):
    def __init__(self, status, code, message, headers=()):
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


class Instance(Service):
    def __init__(self, server_name, gateway_key, **where):
        self.server_name = server_name
        self.gateway_key = gateway_key
        self.rooms = {"room-open": {"federated": True}, "room-private": {"federated": False}}
        self.members = {"room-open": {f"@bob:{server_name}"}, "room-private": set()}
        self.profiles = {"bob": {"participant_id": f"@bob:{server_name}", "display_name": "Bob"}}
        self.events = []      # in the order taken
        self.requests = []    # every request, with what was found out about its signatures
        self.peer_keys = {}   # server name -> {kid: PublicKey}
        self.mode = {"mode": "normal"}
        self.clock = time.time
        self._ids = set()
        self._lock = threading.Condition()
        super().__init__(**where)

    def trust(self, server_name, key):
        self.peer_keys.setdefault(server_name, {})[key.kid] = key

    def set_mode(self, mode, **options):
        """normal | slow (ms=) | down (connections end without an answer) |
        wrong (status= with body=, retry_after=; or garbage=True: no HTTP at all)"""
        self.mode = {"mode": mode, **options}

    def wait_for_requests(self, count, deadline_s=10):
        """Until that many requests have arrived, answered or not."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self.requests) >= count, deadline_s):
                raise TimeoutError(f"{len(self.requests)} requests arrived, not {count}")
            return list(self.requests)

    # -- one request -------------------------------------------------------------------------

    def answer(self, handler, request):
        seen = {"method": request.method, "target": request.target, "headers": request.headers,
                "body": request.body, "at": time.time()}
        with self._lock:
            self.requests.append(seen)
            self._lock.notify_all()
        mode = dict(self.mode)
        if mode["mode"] == "slow":
            time.sleep(mode["ms"] / 1000)
        elif mode["mode"] == "down":
            return handler.drop()
        elif mode["mode"] == "wrong":
            return self._answer_wrongly(handler, mode)
        try:
            self._check_gateway(request, seen)
            value = self._route(request, seen)
        except Refusal as refusal:
            value = {"error": {"code": refusal.code, "message": str(refusal)}}
            seen["answer"] = refusal.status
            return handler.reply(refusal.status, value, refusal.headers)
        seen["answer"] = 200
        return handler.reply(200, value)

    @staticmethod
    def _answer_wrongly(handler, mode):
        if mode.get("garbage"):
            handler.wfile.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            return handler.drop()
        headers = [("Retry-After", str(mode["retry_after"]))] if "retry_after" in mode else []
        return handler.reply(mode.get("status", 500), mode.get("body", {"oops": True}), headers)

    def _check_gateway(self, request, seen):
        """The second signature (docs/protocol.md, "From the gateway to an instance")."""
        def find(keyid):
            server, _, kid = keyid.partition("#")
            known = server == self.server_name and kid in ("", self.gateway_key.kid)
            return self.gateway_key if known else None
        try:
            label, parameters, covered = signatures.verify(
                request, signatures.UPSTREAM_TAG, find, now=self.clock())
        except (ValueError, KeyError, TypeError) as error:
            seen["gateway_signature"] = str(error)
            raise Refusal(401, "SW_FED_SIGNATURE_MISMATCH", f"the gateway's signature: {error}")
        seen["gateway_signature"] = "verified"
        seen["gateway_label"], seen["gateway_covers"] = label, covered
        seen["gateway_created"] = parameters["created"]

    def _check_peer(self, request, seen):
        """The peer's own signature, as far as we know its keys; its age is the gateway's business."""
        def find(keyid):
            server, _, kid = keyid.partition("#")
            known = self.peer_keys.get(server, {})
            return known.get(kid) if kid else next(iter(known.values()), None)
        if not request.all("signature-input") or not self.peer_keys:
            seen["peer_signature"] = "not asked"
            return
        if not any(signatures.FEDERATION_TAG in text for text in request.all("signature-input")):
            # What the gateway has narrowed, or asks of its own accord: its signature stands for it.
            seen["peer_signature"] = "left out"
            return
        request = signatures.Request(**{**vars(request), "scheme": "https"})
        try:
            signatures.verify(request, signatures.FEDERATION_TAG, find, window_s=None)
        except (ValueError, KeyError, TypeError) as error:
            seen["peer_signature"] = str(error)
            raise Refusal(401, "SW_FED_SIGNATURE_MISMATCH", f"the peer's signature: {error}")
        seen["peer_signature"] = "verified"

    def _route(self, request, seen):
        self._check_peer(request, seen)
        path = urllib.parse.unquote(request.path)
        if request.method == "POST" and path == events.SEND:
            return self._send(request)
        if request.method == "GET":
            for pattern, action in ((PROFILE, self._profile), (MEMBERS, self._members),
                                    (BACKFILL, self._backfill)):
                found = pattern.match(path)
                if found:
                    return action(found.group(1), request)
        raise Refusal(404, "SW_FED_NOT_FOUND", f"nothing at {request.method} {path}")

    def _room(self, room_id):
        room = self.rooms.get(room_id)
        if room is None:
            raise Refusal(404, "SW_ROOM_NOT_FOUND", f"no room {room_id} here")
        if not room["federated"]:
            raise Refusal(403, "SW_ROOM_FORBIDDEN",
                          f"{room_id} is not federated; ask its owner to federate it")
        return room

    def _send(self, request):
        try:
            event = jcs.parse(request.body)
        except ValueError as error:
            raise Refusal(400, "SW_FED_BAD_REQUEST", f"the event: {error}")
        keys = self.peer_keys.get(event["origin"], {})
        if keys and not any(events.verify(event, key) for key in keys.values()):
            raise Refusal(401, "SW_FED_SIGNATURE_MISMATCH", "the event's signature is not valid")
        self._room(event["room_id"])
        with self._lock:
            if event["id"] in self._ids:
                return {"status": "duplicate", "id": event["id"]}
            self._ids.add(event["id"])
            self.events.append(event)
            if event["type"] == "swp.room.member":
                members = self.members.setdefault(event["room_id"], set())
                change = members.add if event["content"].get("membership") == "join" else members.discard
                change(event["sender_id"])
        return {"status": "accepted", "id": event["id"]}

    def _profile(self, local_id, _request):
        profile = self.profiles.get(local_id)
        if profile is None:
            raise Refusal(404, "SW_PROFILE_NOT_FOUND", f"nobody called {local_id} here")
        return profile

    def _members(self, room_id, _request):
        self._room(room_id)
        return {"members": sorted(self.members.get(room_id, ()))}

    def _backfill(self, room_id, request):
        self._room(room_id)
        query = urllib.parse.parse_qs(request.query[1:])
        limit = int(query.get("limit", ["100"])[0])
        history = [event for event in self.events if event["room_id"] == room_id]
        before = query.get("before", [None])[0]
        if before:
            ids = [event["id"] for event in history]
            history = history[:ids.index(before)] if before in ids else history
        page = history[-limit:]
        answer = {"events": page}
        if len(page) < len(history):
            answer["next"] = page[0]["id"]
        return answer


class Control(Service):
    """What a test or a person asks of a running instance, on a port of its own.

    GET /events, /requests, /rooms; POST /mode {"mode":"slow","ms":500}; POST /rooms {"room_id",
    "federated"}; POST /trust {"server_name","public_key"}."""

    def __init__(self, instance, **where):
        self.instance = instance
        super().__init__(**where)

    def answer(self, handler, request):
        asked = json.loads(request.body or b"{}")
        instance = self.instance
        if request.path == "/mode":
            instance.set_mode(asked.pop("mode"), **asked)
        elif request.path == "/trust":
            instance.trust(asked["server_name"], PublicKey.parse(asked["public_key"]))
        elif request.path == "/rooms" and request.method == "POST":
            instance.rooms[asked["room_id"]] = {"federated": asked.get("federated", True)}
        elif request.path == "/events":
            return handler.reply(200, {"events": instance.events})
        elif request.path == "/requests":
            return handler.reply(200, {"requests": [
                {**seen, "body": seen["body"].decode("utf-8", "replace")}
                for seen in instance.requests]})
        elif request.path != "/rooms":
            return handler.reply(404, {"error": Control.__doc__})
        return handler.reply(200, {"mode": instance.mode, "rooms": instance.rooms})
