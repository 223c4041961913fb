# SPDX-License-Identifier: Apache-2.0
"""The same hooks for what an instance sends to a peer, and asks of it."""
import pytest

from scaiwave import events
from scaiwave.keys import SecretKey

PEER = "peer.example.test"
ROOMS = "/_scaiwave/federation/v1/rooms/room-open"
PROFILE = "/_scaiwave/federation/v1/profile/carol"
INVITE = {"type": "swp.room.member",
          "content": {"membership": "invite", "participant": "@carol:peer.example.test"}}
T0 = 1778939000
# Each hook obeys the room's name, or what an event says: "defer event", "deny invite".
POLICY = """local wavegate = require "wavegate"
wavegate.on("peer", function(peer, ctx)
  if ctx.direction == "outbound" and peer.name == "other.example.test" then
    return wavegate.deny { reason = "we do not talk to " .. peer.name }
  end
  return wavegate.allow()
end)
local function obey(hook, what)
  if what == "deny " .. hook then return wavegate.deny { reason = hook .. " says no" } end
  if what == "defer " .. hook then return wavegate.defer { seconds = 4, reason = hook .. " says later" } end
end
wavegate.on("room", function(room, ctx) if room.id == "room-shut" then return wavegate.deny() end end)
for _, hook in ipairs { "event", "invite" } do
  wavegate.on(hook, function(event, ctx)
    assert(ctx.direction == "outbound" or ctx.direction == "inbound")
    return obey(hook, event.content.body or event.content.reason)
  end)
end
wavegate.on("backfill", function(request, ctx)
  assert(request.room_id == ctx.room.id)
  return wavegate.limit { events = 3, not_before = 1778939000 + 60 }
end)
wavegate.on("members", function(request, ctx) return obey("members", request.room_id:gsub("-", " ")) end)
"""


def outcome(answer):
    return (answer.status, answer.code)


def test_peer_stops_what_goes_out(relay_town):
    out = relay_town.out
    answer = out.send(out.event(), "other.example.test")
    assert outcome(answer) == (403, "SW_FED_PEER_UNKNOWN")
    assert answer.message == "we do not talk to other.example.test"
    assert outcome(out.get(PROFILE, "other.example.test")) == (403, "SW_FED_PEER_UNKNOWN")
    assert out.send(out.event(), PEER).status == 202
    relay_town.peer.wait_for_taken(1)
    assert relay_town.other.attempts == []


@pytest.mark.parametrize("what, expected", [
    ("deny", (403, "SW_FED_POLICY_REJECTED")), ("defer", (429, "SW_RATE_LIMIT_EXCEEDED"))])
@pytest.mark.parametrize("hook", ["event", "invite"])
def test_event_and_invite_stop_what_goes_out(relay_town, hook, what, expected):
    out = relay_town.out
    members = dict(INVITE, content=dict(INVITE["content"], reason=f"{what} {hook}")) \
        if hook == "invite" else {"content": {"body": f"{what} {hook}"}}
    answer = out.send(out.event(**members), PEER)
    assert outcome(answer) == expected
    assert hook in answer.message
    assert answer.headers["Retry-After"] == ("4" if what == "defer" else None)
    assert relay_town.queue.list() == []


def test_a_room_that_policy_shuts_is_shut_both_ways(relay_town):
    out = relay_town.out
    assert outcome(out.send(out.event(room_id="room-shut"), PEER)) == (403, "SW_ROOM_FORBIDDEN")
    shut = ROOMS.replace("room-open", "room-shut")
    assert outcome(out.get(shut + "/members", PEER)) == (403, "SW_ROOM_FORBIDDEN")
    assert outcome(out.get(shut + "/backfill", PEER)) == (403, "SW_ROOM_FORBIDDEN")
    event = relay_town.peer.event(room_id="room-shut")
    assert outcome(relay_town.send(event)) == (403, "SW_ROOM_FORBIDDEN")


@pytest.mark.parametrize("query", ["?limit=50", ""])
def test_a_peer_is_asked_for_as_much_history_as_policy_allows(relay_town, query):
    answer = relay_town.out.get(ROOMS + "/backfill" + query, PEER)
    assert answer.status == 200
    assert relay_town.peer.reads[-1] == ("backfill", "room-open", {"limit": ["3"]})


def test_what_a_peer_answers_is_verified_and_cut(relay_town):
    peer = relay_town.peer
    made = [peer.event(body=f"number {i}", origin_ts=T0 + 60 * i) for i in range(7)]
    forged = dict(made[5], content={"body": "not what was signed"})
    stranger = events.sign(events.make(PEER, origin_ts=T0 + 600), PEER, SecretKey())
    made[5] = forged
    peer.history = made + [stranger]
    peer._value = lambda *_: {"events": peer.history}  # does not care about limit
    answer = relay_town.out.get(ROOMS + "/backfill?limit=50", PEER)
    assert [event["id"] for event in answer.json["events"]] == \
        [made[3]["id"], made[4]["id"], made[6]["id"]]
    record = relay_town.log.wait("federation.history_refused")
    assert record["refused"] == 2 and forged["id"] in record["reason"]


def test_reads_pass_when_nobody_objects(relay_town):
    assert relay_town.out.get(PROFILE, PEER).json["display_name"] == "Carol"
    assert relay_town.out.get(ROOMS + "/members", PEER).json == {"members": ["@carol:peer.example.test"]}
