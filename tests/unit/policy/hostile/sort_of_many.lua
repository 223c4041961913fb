-- A hundred thousand items without a comparator.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = {}
  for i = 1, 100000 do t[i] = -i end
  while true do table.sort(t) end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
