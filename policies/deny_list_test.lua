local testing = require "wavegate.testing"

local open = [[require("wavegate").use("standard", { default_mode = "open" })]]

testing.test("refuses the peers of the list, and only them", function(t)
  local policy = t:policy {
    use = "deny_list", options = { peers = { "Bad.example", "*.worse.example" } }, text = open,
  }
  local function verdict_of(name) return policy:ask("peer", { peer = { name = name } }).verdict end
  t:expect(verdict_of "bad.example"):is "deny"
  t:expect(verdict_of "x.worse.example"):is "deny"
  t:expect(verdict_of "worse.example"):is "allow"
  t:expect(verdict_of "good.example"):is "allow"
end)

testing.test("tells the peer the reason that was given", function(t)
  local policy = t:policy { use = "deny_list", options = { peers = { "bad.example" }, reason = "write to us" }, text = open }
  local answer = policy:ask("peer", { peer = { name = "bad.example" } })
  t:expect(answer.reason):is "write to us"
  t:expect(answer.code):is "SW_FED_PEER_UNKNOWN"
end)
