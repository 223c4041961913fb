local testing = require "wavegate.testing"

local function verdict_of(policy, name)
  return policy:ask("peer", { peer = { name = name } }).verdict
end

testing.test("allows the peers of the list and nobody else", function(t)
  local policy = t:policy { use = "allow_list", options = { peers = { "a.example", "*.b.example" } } }
  t:expect(verdict_of(policy, "a.example")):is "allow"
  t:expect(verdict_of(policy, "x.b.example")):is "allow"
  t:expect(verdict_of(policy, "b.example")):is "deny"
  t:expect(policy:ask("peer", { peer = { name = "c.example" } }).reason):contains "c.example"
end)

testing.test("leaves the others to whoever follows when asked to", function(t)
  local policy = t:policy {
    use = "allow_list", options = { peers = { "a.example" }, others = "pass" },
    text = [[require("wavegate").use("standard", { default_mode = "open" })]],
  }
  t:expect(verdict_of(policy, "a.example")):is "allow"
  t:expect(policy:ask("peer", { peer = { name = "c.example" } }).policy):is "standard"
end)

testing.test("must be given a list", function(t)
  t:expect(function() t:policy { use = "allow_list" } end):fails "option 'peers' is required"
end)
