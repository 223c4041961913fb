-- One instruction that compares a megabyte.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local a, b = string.rep('a', 1000000) .. 'x', string.rep('a', 1000000) .. 'y'
  local n = 0
  while true do if a == b then n = n + 1 end end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
