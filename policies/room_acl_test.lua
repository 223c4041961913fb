local testing = require "wavegate.testing"

local rooms = {
  ["room-board"] = { allow = { "*.example.com" } },
  ["room-*"] = { deny = { "spam.example" } },
  ["room-board-*"] = { allow = {} },
  ["room-chess-*"] = { allow = { "chess.example" } },
}

local function verdict_of(policy, room, peer, hook)
  return policy:ask(hook or "room", { peer = { name = peer }, room = { id = room } }).verdict
end

testing.test("opens a room to the servers of its list only", function(t)
  local policy = t:policy { use = "room_acl", options = { rooms = rooms } }
  t:expect(verdict_of(policy, "room-board", "a.example.com")):is "allow"
  t:expect(verdict_of(policy, "room-board", "other.example")):is "deny"
end)

testing.test("answers that the room is forbidden, for events and invites too", function(t)
  local policy = t:policy { use = "room_acl", options = { rooms = rooms } }
  for _, hook in ipairs { "room", "event", "invite" } do
    local answer = policy:ask(hook, { peer = { name = "spam.example" }, room = { id = "room-x" } })
    t:expect(answer.code):is "SW_ROOM_FORBIDDEN"
  end
  t:expect(verdict_of(policy, "room-x", "good.example", "event")):is "allow"
end)

testing.test("takes the exact room first, then the longest pattern", function(t)
  local policy = t:policy { use = "room_acl", options = { rooms = rooms } }
  t:expect(verdict_of(policy, "room-board-2", "a.example.com")):is "deny"
  t:expect(verdict_of(policy, "room-other", "a.example.com")):is "allow"
  t:expect(verdict_of(policy, "room-chess-1", "chess.example")):is "allow"
  t:expect(verdict_of(policy, "room-chess-1", "a.example.com")):is "deny"
end)

testing.test("decides rooms that no entry names by the default", function(t)
  local policy = t:policy { use = "room_acl", options = { rooms = { r = {} }, default = "deny" } }
  t:expect(verdict_of(policy, "r", "a.example")):is "allow"
  t:expect(verdict_of(policy, "room-1", "a.example")):is "deny"
end)

testing.test("refuses entries it does not understand", function(t)
  local function with(entry)
    return function() t:policy { use = "room_acl", options = { rooms = { ["room-1"] = entry } } } end
  end
  t:expect(with { alow = {} }):fails "unknown field 'alow'"
  t:expect(with { allow = "a.example" }):fails "must be a list"
  t:expect(function() t:policy { use = "room_acl", options = { rooms = { "room-1" } } } end):fails "rooms must be"
end)
