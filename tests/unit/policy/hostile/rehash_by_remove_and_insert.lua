-- Every insertion into a full table counts and moves all of it.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = {}
  for i = 1, 65536 do t['k' .. i] = true end
  for i = 1, math.huge do t['k' .. i] = nil t['n' .. i] = true end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
