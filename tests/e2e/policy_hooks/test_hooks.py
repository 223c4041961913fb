# SPDX-License-Identifier: Apache-2.0
"""Each hook on the wire: what it is told, and what its yes and its no do to a request of a peer."""
import pytest
from conftest import HEAD, OPEN

from scaiwave import fields
from scaiwave.keys import SecretKey

INVITE = {"type": "swp.room.member",
          "content": {"membership": "invite", "participant": "@bob:a.example.test"}}


def outcome(answer):
    return (answer.status, answer.code)


def header(seen, name):
    found = [value for key, value in seen["headers"] if key.lower() == name]
    assert len(found) <= 1, found
    return found[0] if found else None


def labels(seen):
    text = header(seen, "wavegate-labels")
    return {} if text is None else {name: value for name, (value, _) in
                                    fields.dictionary(text).items()}


# -- peer ------------------------------------------------------------------------------------------

def test_peer_is_denied_when_nobody_answers(build):
    town = build(HEAD)
    assert outcome(town.send()) == (403, "SW_FED_PEER_UNKNOWN")
    assert town.peer.fetches == 0, "nobody makes us fetch a descriptor by asking"
    assert town.a.requests == []


def test_peer_admits_and_refuses_by_name(build):
    town = build(HEAD + """
wavegate.on("peer", function(peer, ctx)
  assert(ctx.direction == "inbound" and ctx.server == "a.example.test", ctx.direction)
  assert(ctx.remote_address:match "^%d+%.%d+%.%d+%.%d+$", ctx.remote_address)
  if peer.name == "peer.example.test" then return wavegate.allow() end
  return wavegate.deny { reason = "we do not know " .. peer.name }
end)""")
    assert outcome(town.send()) == (200, None)
    other = town.world.peer("other.example.test")
    answer = town.send(peer=other)
    assert outcome(answer) == (403, "SW_FED_PEER_UNKNOWN")
    assert "we do not know other.example.test" in answer.message
    record = town.log.wait("federation.policy_rejected", peer="other.example.test")
    assert (record["policy"], record["policy_file"]) == ("main", "policies/main.lua")
    assert record["policy_line"] == 7


def test_peer_is_asked_early_and_again_with_a_proven_name(build):
    town = build(HEAD + """
wavegate.on("peer", function(peer, ctx)
  if ctx.authenticated and peer.key_id then
    return wavegate.deny { reason = "proven with " .. peer.key_id }
  end
  return wavegate.allow()
end)""")
    answer = town.send()
    assert outcome(answer) == (403, "SW_FED_PEER_UNKNOWN")
    assert answer.message.endswith("proven with " + town.peer.key.kid)
    assert town.peer.fetches == 1


def test_peer_may_choose_the_code(build):
    town = build(HEAD + """
wavegate.on("peer", function()
  return wavegate.deny { code = "SW_FED_POLICY_REJECTED", reason = "not this one" }
end)""")
    assert outcome(town.send()) == (403, "SW_FED_POLICY_REJECTED")


# -- invite and event ------------------------------------------------------------------------------

@pytest.mark.parametrize("members, hook", [({}, "event"), (INVITE, "invite")])
def test_an_event_asks_one_of_event_and_invite(build, members, hook):
    town = build(OPEN + "".join(f"""
wavegate.on("{name}", function(event, ctx)
  if event.room_id == "room-no" then return wavegate.deny {{ reason = "said {name}" }} end
end)""" for name in ("event", "invite")))
    assert outcome(town.send(town.event(**members))) == (200, None)
    answer = town.send(town.event(room_id="room-no", **members))
    assert outcome(answer) == (403, "SW_FED_POLICY_REJECTED")
    assert answer.message == f"said {hook}"
    assert len(town.a.events) == 1


def test_event_and_invite_are_allowed_when_nobody_answers(build):
    town = build(OPEN)
    assert outcome(town.send()) == (200, None)
    assert outcome(town.send(town.event(**INVITE))) == (200, None)


def test_event_sees_the_whole_envelope(build):
    town = build(OPEN + """
wavegate.on("event", function(event, ctx)
  local c = event.content
  return wavegate.deny { reason = table.concat({ event.id, event.type, event.room_id, event.sender,
    event.origin, event.origin_ts, c.body, c.tags and c.tags[2] or "", c.tags and #c.tags or 0,
    tostring(c.none) }, " ") }
end)""")
    event = town.event(origin_ts=1778939467,
                       content={"msgtype": "swp.text", "body": "hi", "tags": ["a", "b"]})
    answer = town.send(event)
    assert answer.message == (f"{event['id']} swp.room.message room-open @alice:peer.example.test "
                              "peer.example.test 1778939467 hi b 2 nil")


# -- room ------------------------------------------------------------------------------------------

ROOM = """
wavegate.on("room", function(room, ctx)
  if room.id == "room-shut" then return wavegate.deny { reason = "this room stays at home" } end
  if room.id == "room-plain" then return wavegate.deny() end
  if room.id == "room-open" then return wavegate.allow() end
end)"""


@pytest.mark.parametrize("ask", ["send", "backfill", "members"])
def test_a_room_that_policy_shuts_is_forbidden(build, ask):
    town = build(OPEN + ROOM)
    town.a.rooms["room-shut"] = {"federated": True}

    def asked(room):
        return town.send(town.event(room_id=room)) if ask == "send" else \
            getattr(town, ask)(room=room)
    answer = asked("room-shut")
    assert outcome(answer) == (403, "SW_ROOM_FORBIDDEN")
    assert answer.message == "this room stays at home"
    assert outcome(asked("room-plain")) == (403, "SW_ROOM_FORBIDDEN")
    assert town.a.requests == [], "the instance is not asked"
    assert outcome(asked("room-open")) == (200, None)


def test_without_a_flag_the_instance_decides_about_rooms(build):
    town = build(OPEN + """
wavegate.on("room", function(room)
  return wavegate.label { flag = tostring(room.federated) }
end)""")
    assert outcome(town.send()) == (200, None)
    assert outcome(town.send(town.event(room_id="room-private"))) == (403, "SW_ROOM_FORBIDDEN")
    assert [labels(seen)["flag"] for seen in town.a.requests] == ["nil", "nil"]


# -- members and profile -----------------------------------------------------------------------------

def test_members_and_profile_are_allowed_when_nobody_answers(build):
    town = build(OPEN)
    assert town.members().json == {"members": ["@bob:a.example.test"]}
    assert town.profile().json["display_name"] == "Bob"


def test_members_and_profile_can_be_refused(build):
    town = build(OPEN + """
wavegate.on("members", function(request, ctx)
  assert(request.endpoint == "members" and request.room_id == ctx.room.id)
  return wavegate.deny { reason = "members of " .. request.room_id }
end)
wavegate.on("profile", function(request, ctx)
  assert(request.endpoint == "profile")
  return wavegate.deny { reason = "profile of " .. request.participant, code = "SW_FED_NOT_FOUND" }
end)""")
    answer = town.members()
    assert (answer.status, answer.message) == (403, "members of room-open")
    answer = town.profile()
    assert outcome(answer) == (404, "SW_FED_NOT_FOUND")
    assert answer.message == "profile of @bob:a.example.test"
    assert town.a.requests == []


# -- key -------------------------------------------------------------------------------------------

KEY = """
wavegate.on("key", function(change, ctx)
  if change.old_key_id then
    return wavegate.deny { reason = change.old_key_id .. " became " .. change.new_key_id }
  end
end)"""


def test_a_first_key_and_a_new_one_are_taken_when_nobody_answers(build):
    town = build(OPEN)
    assert outcome(town.send()) == (200, None)
    old = town.peer.rotate()
    town.a.trust("peer.example.test", town.peer.key.public)
    assert outcome(town.send()) == (200, None)
    record = town.log.wait("federation.key_accepted")
    assert (record["old_kid"], record["kid"]) == (old.kid, town.peer.key.kid)
    assert record["policy"] == "default"


def test_a_new_key_can_be_refused(build):
    town = build(OPEN + KEY)
    assert outcome(town.send()) == (200, None)
    old = town.peer.rotate()
    answer = town.send()
    assert outcome(answer) == (403, "SW_FED_POLICY_REJECTED")
    assert answer.message == f"{old.kid} became {town.peer.key.kid}"
    assert outcome(town.members()) == (403, "SW_FED_POLICY_REJECTED"), "for reads as well"
    assert len(town.a.events) == 1
    town.reload(OPEN)
    town.a.trust("peer.example.test", town.peer.key.public)
    assert outcome(town.send()) == (200, None)
    town.reload(OPEN + KEY)
    assert outcome(town.send()) == (200, None), "what was taken once is not asked about again"


def test_accepted_keys_are_remembered_over_a_restart(build):
    town = build(OPEN + KEY)
    assert outcome(town.send()) == (200, None)
    town.gateway.stop()
    old = town.peer.rotate()
    town.start()
    answer = town.send()
    assert outcome(answer) == (403, "SW_FED_POLICY_REJECTED")
    assert answer.message == f"{old.kid} became {town.peer.key.kid}"


def test_an_event_signed_with_another_key_asks_about_that_key_too(build):
    town = build(OPEN + KEY)
    assert outcome(town.send()) == (200, None)
    second = SecretKey()
    town.gateway.stop()
    town.peer.descriptor["keys"] = [{"kid": second.kid, "public_key": second.public.text}]
    town.start()
    answer = town.send(town.event(key=second))
    assert outcome(answer) == (403, "SW_FED_POLICY_REJECTED")
    assert answer.message == f"{town.peer.key.kid} became {second.kid}"
    assert len(town.a.events) == 1


# -- labels ----------------------------------------------------------------------------------------

def test_labels_reach_the_instance_as_a_dictionary(build):
    town = build(HEAD + """
wavegate.on("peer", function()
  return wavegate.label { trust = "low", from = "peer" }
end)
wavegate.on("peer", function() return wavegate.allow() end)
wavegate.on("room", function() return wavegate.label { trust = "lower" } end)
wavegate.on("event", function(event)
  return wavegate.label { score = 7, spam = false, say = 'a "b" \\\\ c' }
end)
wavegate.on("event", function(event) return wavegate.label { score = 8 } end)""")
    assert outcome(town.send()) == (200, None)
    assert labels(town.a.requests[0]) == {"trust": "lower", "from": "peer", "score": "8",
                                          "spam": "false", "say": 'a "b" \\ c'}


def test_many_long_labels_do_not_harm_the_request(build):
    town = build(OPEN + """
wavegate.on("event", function(event)
  local all = {}
  for i = 1, 16 do all[("n"):rep(60) .. i] = ('"'):rep(256) end
  return wavegate.label(all)
end)""")
    assert outcome(town.send()) == (200, None)
    assert len(labels(town.a.requests[0])) == 16


def test_without_labels_there_is_no_header(build):
    town = build(OPEN)
    town.send()
    assert header(town.a.requests[0], "wavegate-labels") is None


def test_a_peer_cannot_bring_labels_of_its_own(build):
    town = build(OPEN)
    request = town.peer.send_request("a.example.test", town.event())
    request.headers.append(("Wavegate-Labels", 'trust="high"'))
    assert town.gateway.ask(request).status == 200
    assert header(town.a.requests[0], "wavegate-labels") is None


# -- defer -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("hook, ask", [("peer", "send"), ("room", "send"), ("event", "send"),
                                       ("backfill", "backfill"), ("members", "members"),
                                       ("profile", "profile"), ("key", "send")])
def test_defer_answers_429_with_the_time_to_wait(build, hook, ask):
    town = build((HEAD if hook == "peer" else OPEN) + f"""
wavegate.on("{hook}", function()
  return wavegate.defer {{ seconds = 17, reason = "later, please" }}
end)""")
    answer = getattr(town, ask)()
    assert outcome(answer) == (429, "SW_RATE_LIMIT_EXCEEDED")
    assert answer.headers["Retry-After"] == "17"
    assert answer.message == "later, please"
    assert town.a.requests == []


def test_defer_may_choose_the_code(build):
    town = build(OPEN + """
wavegate.on("event", function()
  return wavegate.defer { seconds = 3, code = "SW_FED_UPSTREAM_UNAVAILABLE" }
end)""")
    answer = town.send()
    assert outcome(answer) == (503, "SW_FED_UPSTREAM_UNAVAILABLE")
    assert answer.headers["Retry-After"] == "3"


# -- quarantine --------------------------------------------------------------------------------------

QUARANTINE = """
wavegate.on("event", function(event)
  if event.content.body == "odd" then return wavegate.quarantine { reason = "look at it" } end
end)"""


def test_quarantine_takes_the_event_and_holds_it(build):
    town = build(OPEN + QUARANTINE)
    odd = town.event(body="odd")
    answer = town.send(odd)
    assert answer.status == 202
    assert answer.json == {"status": "queued", "id": odd["id"]}
    assert outcome(town.send(town.event(room_id="room-private"))) == (403, "SW_ROOM_FORBIDDEN")
    assert [seen for seen in town.a.requests if odd["id"].encode() in seen["body"]] == []
    assert town.send(odd).json["status"] == "duplicate"
    town.gateway.stop()
    town.start(OPEN)
    assert outcome(town.send(town.event(room_id="room-private"))) == (403, "SW_ROOM_FORBIDDEN")
    assert town.a.events == [], "held over a restart, and under a policy that knows nothing of it"
    assert town.send(odd).json["status"] == "duplicate"


@pytest.mark.parametrize("ask", ["backfill", "members", "profile"])
def test_what_is_no_event_cannot_be_held_and_is_refused(build, ask):
    town = build(OPEN + f"""
wavegate.on("{ask}", function() return wavegate.quarantine {{ reason = "odd" }} end)""")
    assert outcome(getattr(town, ask)()) == (403, "SW_FED_POLICY_REJECTED")


# -- on_error ----------------------------------------------------------------------------------------

BROKEN = {"an error": "error('broken')", "endless": "while true do end",
          "no verdict": "return 'yes'",
          "out of memory": "local t = {} while true do t[#t + 1] = ('x'):rep(1 << 19) end"}
ON_ERROR = {"deny": (403, "SW_FED_POLICY_REJECTED"), "defer": (503, "SW_FED_POLICY_DEFERRED"),
            "allow": (200, None)}


@pytest.mark.parametrize("on_error", ON_ERROR)
def test_a_policy_that_fails_is_answered_as_on_error_says(build, on_error):
    town = build(OPEN + 'wavegate.on("event", function(event)\n' + "".join(
        f'if event.content.body == "{name}" then {code} end\n' for name, code in BROKEN.items())
        + "end)", on_error=on_error)
    for name in BROKEN:
        mark = town.log.mark()
        answer = town.send(town.event(body=name))
        assert outcome(answer) == ON_ERROR[on_error], (name, answer)
        if on_error == "defer":
            assert int(answer.headers["Retry-After"]) > 0
        if on_error != "allow":
            assert "main.lua" not in answer.message and "broken" not in answer.message
        town.log.wait("policy.failed", since=mark, hook="event",
                      server="a.example.test", policy_file="policies/main.lua")
    assert outcome(town.send()) == (200, None)


# -- one request, one generation -----------------------------------------------------------------------

def test_one_request_sees_one_generation(build):
    """Every hook of a request bears the number of the generation that its first hook had."""
    policy = HEAD + """
for _, hook in ipairs { "peer", "room", "event" } do
  wavegate.on(hook, function(_, ctx)
    return wavegate.label { [hook] = MARK, [hook .. "-number"] = ctx.generation }
  end)
end
wavegate.on("peer", function() return wavegate.allow() end)"""
    town = build(policy.replace("MARK", "0"))
    for turn in range(1, 6):
        generation = town.reload(policy.replace("MARK", str(turn)))["generation"]
        for _ in range(3):
            assert outcome(town.send()) == (200, None)
            found = labels(town.a.requests[-1])
            assert {found["peer"], found["room"], found["event"]} == {str(turn)}
            assert {found["peer-number"], found["room-number"], found["event-number"],
                    header(town.a.requests[-1], "wavegate-policy")} == {str(generation)}
