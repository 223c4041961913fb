local testing = require "wavegate.testing"

local open = [[require("wavegate").use("standard", { default_mode = "open" })]]

local function limited(t, options)
  return t:policy { use = "rate_peer", options = options, text = open }
end

local function ask(policy, name, ctx)
  return policy:ask("peer", { peer = { name = name or "a.example" }, ctx = ctx })
end

testing.test("lets a burst pass, then the rate", function(t)
  local policy = limited(t, { rate = "2/s", burst = 3 })
  for _ = 1, 3 do t:expect(ask(policy).verdict):is "allow" end
  local answer = ask(policy)
  t:expect(answer.verdict):is "defer"
  t:expect(answer.code):is "SW_RATE_LIMIT_EXCEEDED"
  t:expect(answer.seconds):is(1)
  t:turn(0.5)
  t:expect(ask(policy).verdict):is "allow"
  t:expect(ask(policy).verdict):is "defer"
end)

testing.test("counts each peer by itself", function(t)
  local policy = limited(t, { rate = "1/s", burst = 1 })
  t:expect(ask(policy, "a.example").verdict):is "allow"
  t:expect(ask(policy, "b.example").verdict):is "allow"
  t:expect(ask(policy, "a.example").verdict):is "defer"
end)

testing.test("counts only who is proven, and only what comes in", function(t)
  local policy = limited(t, { rate = "1/h", burst = 1 })
  for _ = 1, 5 do
    t:expect(ask(policy, "a.example", { authenticated = false }).verdict):is "allow"
    t:expect(ask(policy, "a.example", { direction = "outbound" }).verdict):is "allow"
  end
  t:expect(ask(policy).verdict):is "allow"
  t:expect(ask(policy).verdict):is "defer"
end)

testing.test("does not count the exceptions", function(t)
  local policy = limited(t, { rate = "1/h", burst = 1, except = { "*.partner.example" } })
  for _ = 1, 5 do t:expect(ask(policy, "x.partner.example").verdict):is "allow" end
end)

testing.test("says how long to wait when the rate is slow", function(t)
  local policy = limited(t, { rate = "60/h", burst = 1 })
  ask(policy)
  t:expect(ask(policy).seconds):is(60)
end)
