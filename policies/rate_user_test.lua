local testing = require "wavegate.testing"

local function ask(policy, sender, more)
  local question = more or {}
  question.event = question.event or {}
  question.event.sender = sender
  return policy:ask("event", question)
end

testing.test("counts each participant by itself", function(t)
  local policy = t:policy { use = "rate_user", options = { rate = "1/s", burst = 2 } }
  t:expect(ask(policy, "@a:x.example").verdict):is "allow"
  t:expect(ask(policy, "@a:x.example").verdict):is "allow"
  t:expect(ask(policy, "@b:x.example").verdict):is "allow"
  local answer = ask(policy, "@a:x.example")
  t:expect(answer.verdict):is "defer"
  t:expect(answer.code):is "SW_RATE_LIMIT_EXCEEDED"
  t:expect(answer.seconds):is(1)
  t:turn "1s"
  t:expect(ask(policy, "@a:x.example").verdict):is "allow"
end)

testing.test("counts the given types only, invites among them", function(t)
  local policy = t:policy { use = "rate_user", options = { rate = "1/h", burst = 1, types = { "swp.room.member" } } }
  for _ = 1, 3 do t:expect(ask(policy, "@a:x.example").verdict):is "allow" end
  local invite = { event = { sender = "@a:x.example" } }
  t:expect(policy:ask("invite", invite).verdict):is "allow"
  t:expect(policy:ask("invite", invite).verdict):is "defer"
end)

testing.test("does not count what we send, nor the exceptions", function(t)
  local policy = t:policy { use = "rate_user", options = { rate = "1/h", burst = 1, except = { "@bot-*:*" } } }
  for _ = 1, 3 do
    t:expect(policy:ask("event", { ctx = { direction = "outbound" } }).verdict):is "allow"
    t:expect(ask(policy, "@bot-7:x.example").verdict):is "allow"
  end
end)
