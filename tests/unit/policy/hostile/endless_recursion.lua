-- Recursion without end.
-- Ends: SCRIPT stack overflow
local wavegate = require "wavegate"

local function attack(event, ctx)
  local function deeper(n) return 1 + deeper(n + 1) end
  return deeper(1)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
