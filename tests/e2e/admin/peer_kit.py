# SPDX-License-Identifier: Apache-2.0
"""A peer that answers reads: it has rooms with history, and people with profiles."""
import json
import re
import urllib.parse

from scaiwave import events, signatures

BACKFILL = re.compile(r"/_scaiwave/federation/v1/rooms/([^/]+)/backfill$")
PROFILE = re.compile(r"/_scaiwave/federation/v1/profile/([^/]+)$")


class Archive:
    """Answers for a stand-in peer what it cannot by itself; checks who is asking."""

    def __init__(self, peer, keys):
        self.peer, self.keys = peer, keys
        self.history, self.profiles, self.asked = {}, {}, []
        self.page_limit = 1000
        self.refusal = None  # (status, code, message)
        self._answer = peer.answer
        peer.answer = peer._server.answer = self.answer

    def fill(self, room_id, count, **members):
        made = [self.peer.event(room_id, f"number {number}", origin_ts=1778930000 + number,
                                **members) for number in range(count)]
        self.history.setdefault(room_id, []).extend(made)
        return made

    def answer(self, handler, request):
        backfill, profile = BACKFILL.match(request.path), PROFILE.match(request.path)
        if request.method != "GET" or not (backfill or profile):
            return self._answer(handler, request)
        self.asked.append(request)
        label, _, _ = signatures.verify(request, signatures.FEDERATION_TAG,
                                        lambda keyid: self.keys[keyid.partition("#")[0]].public)
        assert label
        if self.refusal:
            status, code, message = self.refusal
            return handler.reply(status, {"error": {"code": code, "message": message}})
        if profile:
            return handler.reply(200, self.profiles[urllib.parse.unquote(profile.group(1))])
        return handler.reply(200, self.page(backfill.group(1), request.query))

    def page(self, room_id, query):
        asked = urllib.parse.parse_qs(query[1:])
        limit = min(int(asked["limit"][0]), self.page_limit)
        history = self.history.get(room_id, [])
        if "before" in asked:
            ids = [event["id"] for event in history]
            history = history[:ids.index(asked["before"][0])]
        page = history[max(0, len(history) - limit):] if limit else []
        answer = {"events": page}
        if page and len(page) < len(history):
            answer["next"] = page[0]["id"]
        return json.loads(json.dumps(answer))
