local testing = require "wavegate.testing"

local function ask(policy, limit, name, direction)
  return policy:ask("backfill", {
    request = { limit = limit }, peer = { name = name or "a.example" }, ctx = { direction = direction or "inbound" },
  })
end

testing.test("gives history until the budget is used, then as it comes back", function(t)
  local policy = t:policy { use = "backfill_budget", options = { rate = "60/h", burst = 100 } }
  t:expect(ask(policy, 60).limit.events):is(60)
  t:expect(ask(policy, 40).limit.events):is(40)
  local answer = ask(policy, 30)
  t:expect(answer.verdict):is "defer"
  t:expect(answer.code):is "SW_RATE_LIMIT_EXCEEDED"
  t:expect(answer.seconds):is(30 * 60)
  t:turn "30m"
  t:expect(ask(policy, 30).verdict):is "allow"
end)

testing.test("never gives more than the burst in one answer", function(t)
  local policy = t:policy { use = "backfill_budget", options = { burst = 50 } }
  t:expect(ask(policy, 500).limit.events):is(50)
end)

testing.test("counts each peer by itself, and not what we ask for", function(t)
  local policy = t:policy { use = "backfill_budget", options = { rate = "1/h", burst = 10, except = { "vip.example" } } }
  t:expect(ask(policy, 10, "a.example").verdict):is "allow"
  t:expect(ask(policy, 10, "b.example").verdict):is "allow"
  t:expect(ask(policy, 10, "a.example").verdict):is "defer"
  t:expect(ask(policy, 10, "a.example", "outbound").verdict):is "allow"
  t:expect(ask(policy, 500, "vip.example").verdict):is "allow"
end)
