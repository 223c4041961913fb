local testing = require "wavegate.testing"

local open = [[require("wavegate").on("peer", function() return require("wavegate").allow() end)]]

local function panic(t, options)
  options.expires = options.expires or "2026-01-01T02:00:00Z" -- two hours from the test's begin
  return t:policy { use = "panic_mode", options = options, text = open }
end

testing.test("does nothing while the switch is off", function(t)
  t:expect(panic(t, {}):ask("peer").verdict):is "allow"
end)

testing.test("tells peers to come again, and ends by itself", function(t)
  local policy = panic(t, { on = true })
  local answer = policy:ask "peer"
  t:expect(answer.verdict):is "defer"
  t:expect(answer.seconds):is(15 * 60)
  t:turn "119m"
  t:expect(policy:ask("peer").seconds):is(60)
  t:turn "1m"
  t:expect(policy:ask("peer").verdict):is "allow"
end)

testing.test("has no panic without an end", function(t)
  t:expect(function() t:policy { use = "panic_mode", options = { on = true } } end)
    :fails "option 'expires' is required"
end)

testing.test("lets the exceptions pass", function(t)
  local policy = panic(t, { on = true, except = { "hospital.example" } })
  t:expect(policy:ask("peer", { peer = { name = "hospital.example" } }).verdict):is "allow"
  t:expect(policy:ask("peer", { peer = { name = "other.example" } }).verdict):is "defer"
end)

testing.test("stops one direction when asked to", function(t)
  local policy = panic(t, { on = true, direction = "inbound" })
  t:expect(policy:ask("peer", { ctx = { direction = "inbound" } }).verdict):is "defer"
  t:expect(policy:ask("peer", { ctx = { direction = "outbound" } }).verdict):is "allow"
end)
