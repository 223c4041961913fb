local testing = require "wavegate.testing"

local function from(name) return { peer = { name = name } } end

testing.test("admits the peers of allowed_peers, and those below a pattern", function(t)
  local policy = t:policy { use = "standard", options = { allowed_peers = { "a.example", "*.b.example" } } }
  t:expect(policy:ask("peer", from "a.example").verdict):is "allow"
  t:expect(policy:ask("peer", from "x.y.b.example").verdict):is "allow"
  t:expect(policy:ask("peer", from "b.example").verdict):is "deny"
end)

testing.test("tells a peer that is not admitted what its operator can do", function(t)
  local answer = t:policy({ use = "standard" }):ask("peer", from "c.example")
  t:expect(answer.verdict):is "deny"
  t:expect(answer.code):is "SW_FED_PEER_UNKNOWN"
  t:expect(answer.reason):contains "add c.example to allowed_peers"
end)

testing.test("denies a peer of denied_peers in every mode", function(t)
  for _, mode in ipairs { "open", "invite_only", "closed" } do
    local policy = t:policy {
      use = "standard",
      options = { default_mode = mode, allowed_peers = { "a.example" }, denied_peers = { "A.example", "*.bad.example" } },
    }
    t:expect(policy:ask("peer", from "a.example").reason):contains "denied_peers"
    t:expect(policy:ask("peer", from "x.bad.example").verdict):is "deny"
  end
end)

testing.test("admits everybody else when the mode is open, nobody when it is closed", function(t)
  local open = t:policy { use = "standard", options = { default_mode = "open" } }
  local closed = t:policy { use = "standard", options = { default_mode = "closed", allowed_peers = { "a.example" } } }
  t:expect(open:ask("peer", from "c.example").verdict):is "allow"
  t:expect(closed:ask("peer", from "a.example").reason):contains "closed"
end)

testing.test("takes what is not given from the policy document", function(t)
  local policy = t:policy { use = "standard", document = { allowed_peers = { "a.example" }, max_backfill_events_per_request = 7 } }
  t:expect(policy:ask("peer", from "a.example").verdict):is "allow"
  t:expect(policy:ask("backfill").limit.events):is(7)
end)

testing.test("limits history by number and by age", function(t)
  local policy = t:policy {
    use = "standard",
    options = { max_backfill_events_per_request = 20, hide_history_before = "2025-12-01" },
  }
  local answer = policy:ask("backfill", { request = { limit = 500 } })
  t:expect(answer.verdict):is "allow"
  t:expect(answer.limit):is { events = 20, not_before = 1764547200 }
end)

testing.test("keeps the participants of other servers below the bound", function(t)
  local policy = t:policy { use = "standard", options = { max_foreign_participants_per_room = 3 } }
  local function join(count, membership, direction)
    return {
      event = { type = "swp.room.member", membership = membership or "join" },
      room = { foreign_participants = count },
      ctx = { direction = direction or "inbound" },
    }
  end
  t:expect(policy:ask("event", join(2)).verdict):is "allow"
  t:expect(policy:ask("event", join(3)).reason):contains "max_foreign_participants_per_room is 3"
  t:expect(policy:ask("event", join(3, "leave")).verdict):is "allow"
  t:expect(policy:ask("event", join(3, "join", "outbound")).verdict):is "allow"
  local function invite(participant)
    return {
      event = { type = "swp.room.member", content = { membership = "invite", participant_id = participant } },
      room = { foreign_participants = 3 },
      ctx = { direction = "outbound", server = "chat.example.com" },
    }
  end
  t:expect(policy:ask("invite", invite "@carol:c.example").verdict):is "deny"
  t:expect(policy:ask("invite", invite "@bob:chat.example.com").verdict):is "allow"
end)

testing.test("knows who is in the room already, and who only speaks", function(t)
  local policy = t:policy { use = "standard", options = { max_foreign_participants_per_room = 3 } }
  local function ask(kind, room)
    return policy:ask("event", { event = { type = "swp.room." .. kind, membership = kind == "member" and "join" or nil }, room = room })
  end
  t:expect(ask("member", { foreign_participants = 3, has_participant = true }).verdict):is "allow"
  t:expect(ask("message", { foreign_participants = 3, has_participant = true }).verdict):is "allow"
  t:expect(ask("message", { foreign_participants = 3, has_participant = false }).verdict):is "deny"
  t:expect(ask("message", { foreign_participants = 2, has_participant = false }).verdict):is "allow"
  t:expect(ask("member", { foreign_participants = -1, has_participant = false }).verdict):is "allow"
end)

testing.test("leaves rooms to the flag that is set at the gateway", function(t)
  local policy = t:policy { use = "standard" }
  t:expect(policy:ask("room", { room = { federated = false } }).code):is "SW_ROOM_FORBIDDEN"
  t:expect(policy:ask("room", { room = { federated = true } }).verdict):is "allow"
end)

testing.test("refuses options that make no sense, with the nearest right name", function(t)
  local function with(options)
    return function() t:policy { use = "standard", options = options } end
  end
  t:expect(with { alowed_peers = {} }):fails "did you mean 'allowed_peers'?"
  t:expect(with { default_mode = "opne" }):fails "did you mean 'open'?"
  t:expect(with { max_backfill_events_per_request = 1001 }):fails "at most 1000"
end)
