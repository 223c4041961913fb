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

local function file_of(t, options, text)
  options.file = "lists/deny.txt"
  return t:policy { use = "deny_list", options = options, text = open, lists = { ["lists/deny.txt"] = text } }
end

testing.test("refuses what a file lists, with the reason it gives", function(t)
  local policy = file_of(t, {}, "bad.example  sends spam\n*.worse.example\n")
  local answer = policy:ask("peer", { peer = { name = "bad.example" } })
  t:expect(answer.reason):is "sends spam"
  answer = policy:ask("peer", { peer = { name = "x.worse.example" } })
  t:expect(answer.reason):is "this server does not federate with yours"
  t:expect(policy:ask("peer", { peer = { name = "x.bad.example" } }).verdict):is "allow"
end)

testing.test("takes plain names for all below them when told so", function(t)
  local policy = file_of(t, { subdomains = true }, "bad.example\n")
  t:expect(policy:ask("peer", { peer = { name = "x.bad.example" } }).verdict):is "deny"
end)

testing.test("looks at the severities it is told to, and at entries without one", function(t)
  local policy = t:policy {
    use = "deny_list", options = { file = "lists/deny.csv", severities = { "suspend" } }, text = open,
    lists = { ["lists/deny.csv"] = "domain,severity\na.example,suspend\nb.example,silence\nc.example,\n" },
  }
  local function verdict_of(name) return policy:ask("peer", { peer = { name = name } }).verdict end
  t:expect(verdict_of "a.example"):is "deny"
  t:expect(verdict_of "b.example"):is "allow"
  t:expect(verdict_of "c.example"):is "deny"
end)

testing.test("an entry that has expired counts no more", function(t)
  local policy = t:policy {
    use = "deny_list", options = { file = "lists/deny.csv" }, text = open,
    lists = { ["lists/deny.csv"] = "domain,expires\na.example,2026-02-01\n" },
  }
  t:expect(policy:ask("peer", { peer = { name = "a.example" } }).verdict):is "deny"
  t:turn_to "2026-02-01"
  t:expect(policy:ask("peer", { peer = { name = "a.example" } }).verdict):is "allow"
end)

testing.test("waits for a list that was never fetched", function(t)
  local policy = t:policy { use = "deny_list", options = { file = "https://lists.example/deny.txt" }, text = open }
  local answer = policy:ask("peer", { peer = { name = "good.example" } })
  t:expect(answer.verdict):is "defer"
  t:expect(answer.seconds):is(30)
end)
