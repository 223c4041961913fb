local testing = require "wavegate.testing"

local day = 86400

local function ask(policy, known_for, question)
  question = question or {}
  question.peer = { name = question.name or "new.example", known_for = known_for }
  question.name = nil
  return policy:ask("event", question)
end

testing.test("keeps what a new peer sends until it is released", function(t)
  local policy = t:policy { use = "trial_period" }
  t:expect(ask(policy, day).verdict):is "quarantine"
  t:expect(ask(policy, 7 * day - 1).verdict):is "quarantine"
  t:expect(ask(policy, 7 * day).verdict):is "allow"
end)

testing.test("has nothing to do with what we send", function(t)
  local policy = t:policy { use = "trial_period" }
  t:expect(ask(policy, 0, { ctx = { direction = "outbound" } }).verdict):is "allow"
end)

testing.test("is about the given types only", function(t)
  local policy = t:policy { use = "trial_period", options = { types = { "*.chunk" }, verdict = "deny", period = "1d" } }
  t:expect(ask(policy, 0, { event = { type = "swp.room.message.chunk" } }).verdict):is "deny"
  t:expect(ask(policy, 0, { event = { type = "swp.room.message" } }).verdict):is "allow"
end)

testing.test("can mark instead of keeping, invites too", function(t)
  local policy = t:policy { use = "trial_period", options = { verdict = "label" } }
  local answer = ask(policy, 0)
  t:expect(answer.verdict):is "allow"
  t:expect(answer.labels):is { trial = "true" }
  t:expect(policy:ask("invite", { peer = { known_for = 0 } }).labels.trial):is "true"
end)

testing.test("trusts the exceptions from the first day", function(t)
  local policy = t:policy { use = "trial_period", options = { except = { "*.partner.example" } } }
  t:expect(ask(policy, 0, { name = "a.partner.example" }).verdict):is "allow"
end)
