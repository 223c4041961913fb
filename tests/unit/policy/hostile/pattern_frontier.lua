-- Many positions, large sets.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local text = string.rep('a', 500000)
  return text:find('%f[' .. string.rep('b', 1000) .. ']x')
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
