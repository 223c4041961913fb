local testing = require "wavegate.testing"

testing.test("asks the other policy and only writes down what it said", function(t)
  local policy = t:policy {
    use = "log_only", options = { policy = "event_types", options = { deny = { "swp.room.message" } } },
  }
  local answer = policy:ask("event", { event = { type = "swp.room.message" } })
  t:expect(answer.verdict):is "allow"
  t:expect(answer.labels["log_only.event_types"]):contains "deny "
  t:expect(answer.labels["log_only.event_types"]):contains "event_types.lua:"
end)

testing.test("writes nothing when the other policy had no opinion", function(t)
  local policy = t:policy { use = "log_only", options = { policy = "event_types" } }
  t:expect(policy:ask("event").labels):is {}
end)

testing.test("writes down limits with their numbers", function(t)
  local policy = t:policy {
    use = "log_only", options = { policy = "standard", options = { max_backfill_events_per_request = 7 } },
  }
  local answer = policy:ask "backfill"
  t:expect(answer.limit):is { events = 100 }
  t:expect(answer.labels["log_only.standard"]):contains "limit events=7"
end)

testing.test("leaves the decision to the policies around it", function(t)
  local policy = t:policy {
    use = "log_only", options = { policy = "allow_list", options = { peers = { "a.example" } }, name = "strict" },
    text = [[require("wavegate").use("standard", { default_mode = "open" })]],
  }
  local answer = policy:ask("peer", { peer = { name = "b.example" } })
  t:expect(answer.policy):is "standard"
  t:expect(answer.labels["log_only.strict"]):contains "deny"
end)

testing.test("names the line of whoever gave wrong options", function(t)
  t:expect(function()
    t:policy { use = "log_only", options = { policy = "event_types", options = { alow = {} } } }
  end):fails "policy:1: event_types: unknown option 'alow', did you mean 'allow'?"
end)
