local testing = require "wavegate.testing"

local function event(peer, more)
  local question = more or {}
  question.peer = peer
  question.peer.name = question.peer.name or "new.example"
  return question
end

-- How many of count events pass at once.
local function passing(policy, count, peer)
  local passed = 0
  for _ = 1, count do
    if policy:ask("event", event(peer)).verdict == "allow" then passed = passed + 1 end
  end
  return passed
end

testing.test("takes 20 events a second of a new peer", function(t)
  local policy = t:policy { use = "access_edge_defaults" }
  t:expect(passing(policy, 30, { known_for = 0 })):is(20)
  t:expect(policy:ask("event", event { known_for = 0 }).code):is "SW_RATE_LIMIT_EXCEEDED"
  t:turn "1s"
  t:expect(passing(policy, 30, { known_for = 0 })):is(20)
end)

testing.test("takes one event a second when the failure ratio looks bad", function(t)
  local policy = t:policy { use = "access_edge_defaults" }
  t:expect(passing(policy, 5, { known_for = 0, events_24h = 10, failures_24h = 10 })):is(1)
  t:expect(passing(policy, 5, { name = "old.example", events_24h = 0, failures_24h = 20 })):is(1)
  t:expect(passing(policy, 5, { name = "few.example", events_24h = 0, failures_24h = 19 })):is(5)
  t:expect(passing(policy, 5, { name = "good.example", events_24h = 100, failures_24h = 10 })):is(5)
end)

testing.test("leaves peers alone that we know, or that somebody vouched for", function(t)
  local policy = t:policy { use = "access_edge_defaults", document = { allowed_peers = { "vouched.example" } } }
  t:expect(passing(policy, 50, { known_for = 31 * 86400 })):is(50)
  t:expect(passing(policy, 50, { name = "vouched.example", known_for = 0 })):is(50)
end)

testing.test("watches a peer that reaches for more targets than the bound", function(t)
  local policy = t:policy { use = "access_edge_defaults", options = { targets = 3, watched = "label" } }
  local function reach(number)
    return policy:ask("event", event({ name = "wide.example" }, { event = { room_id = "room-" .. number } }))
  end
  for number = 1, 3 do t:expect(reach(number).labels):is {} end
  t:expect(reach(3).labels):is {}
  t:expect(reach(4).labels):is { watch = "more than 3 targets" }
  t:expect(reach(1).labels.watch):is_not(nil)
  t:turn "24h"
  t:expect(reach(5).labels):is {}
end)

testing.test("counts who is invited as a target", function(t)
  local policy = t:policy { use = "access_edge_defaults", options = { targets = 1, watched = "label" } }
  local function invite(who)
    return policy:ask("invite", {
      event = { content = { membership = "invite", participant_id = who }, type = "swp.room.member" },
    })
  end
  t:expect(invite("@a:chat.example.com").labels):is {}
  t:expect(invite("@b:chat.example.com").labels.watch):contains "targets"
end)

testing.test("slows a watched peer down, or refuses it", function(t)
  for watched, verdict in pairs { slow = "defer", deny = "deny" } do
    local policy = t:policy { use = "access_edge_defaults", options = { targets = 1, watched = watched } }
    local function reach(number)
      return policy:ask("event", event({ name = "wide.example" }, { event = { room_id = "room-" .. number } }))
    end
    reach(1)
    reach(2)
    t:expect(reach(3).verdict):is(verdict)
  end
end)

testing.test("counts only who is proven", function(t)
  local policy = t:policy { use = "access_edge_defaults", options = { targets = 1, watched = "deny" } }
  for number = 1, 5 do
    local question = event({ known_for = 0 }, { event = { room_id = "room-" .. number }, ctx = { authenticated = false } })
    t:expect(policy:ask("event", question).verdict):is "allow"
  end
end)
