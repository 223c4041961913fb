-- next walks over the empty slots of a large table.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = {}
  for i = 1, 100000 do t[i + 0.5] = 1 end
  for i = 1, 99999 do t[i + 0.5] = nil end
  while true do next(t) end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
