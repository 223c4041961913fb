local testing = require "wavegate.testing"

local function ask(policy, name, known_for, direction)
  return policy:ask("invite", {
    peer = { name = name, known_for = known_for }, ctx = { direction = direction or "inbound" },
  })
end

testing.test("takes invites of peers we have known for a day", function(t)
  local policy = t:policy { use = "invite_guard" }
  t:expect(ask(policy, "a.example", 86400).verdict):is "allow"
  t:expect(ask(policy, "a.example", 86399).verdict):is "deny"
  t:expect(ask(policy, "a.example", 0, "outbound").verdict):is "allow"
end)

testing.test("can keep early invites for an operator", function(t)
  local policy = t:policy { use = "invite_guard", options = { verdict = "quarantine", known_for = "1h" } }
  t:expect(ask(policy, "a.example", 60).verdict):is "quarantine"
end)

testing.test("takes invites of the listed servers only", function(t)
  local policy = t:policy {
    use = "invite_guard", options = { only = { "*.a.example" }, except = { "vip.example" } },
  }
  t:expect(ask(policy, "x.a.example", 86400).verdict):is "allow"
  t:expect(ask(policy, "b.example", 86400).reason):contains "takes no invites from b.example"
  t:expect(ask(policy, "vip.example", 0).verdict):is "allow"
end)
