local testing = require "wavegate.testing"

local function ask(policy, type, direction)
  return policy:ask("event", { event = { type = type }, ctx = { direction = direction } })
end

testing.test("lets everything pass unless told otherwise", function(t)
  local policy = t:policy { use = "event_types" }
  t:expect(ask(policy, "org.example.custom").verdict):is "allow"
end)

testing.test("lets only the allowed types pass", function(t)
  local policy = t:policy { use = "event_types", options = { allow = { "swp.room.*", "exact.type" } } }
  t:expect(ask(policy, "swp.room.message").verdict):is "allow"
  t:expect(ask(policy, "exact.type").verdict):is "allow"
  t:expect(ask(policy, "swp.roomy").verdict):is "deny"
  t:expect(ask(policy, "exactXtype").reason):contains "exactXtype"
end)

testing.test("denies what is denied, allowed or not", function(t)
  local policy = t:policy { use = "event_types", options = { deny = { "swp.room.message.chunk" } } }
  t:expect(ask(policy, "swp.room.message.chunk").code):is "SW_FED_POLICY_REJECTED"
  t:expect(ask(policy, "swp.room.message").verdict):is "allow"
end)

testing.test("looks at one direction when asked to", function(t)
  local policy = t:policy { use = "event_types", options = { deny = { "*" }, direction = "inbound" } }
  t:expect(ask(policy, "a", "inbound").verdict):is "deny"
  t:expect(ask(policy, "a", "outbound").verdict):is "allow"
end)

testing.test("invites are events too", function(t)
  local policy = t:policy { use = "event_types", options = { deny = { "swp.room.member" } } }
  t:expect(policy:ask("invite").verdict):is "deny"
end)
