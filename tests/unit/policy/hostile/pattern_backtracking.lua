-- Nested repetition takes exponential time in a backtracking matcher.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local text = string.rep('a', 5000)
  return text:match(string.rep('a*', 30) .. 'b')
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
