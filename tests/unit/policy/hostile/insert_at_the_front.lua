-- Quadratic by design.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = {}
  while true do table.insert(t, 1, 1) end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
