-- A list of one large string.
-- Ends: SCRIPT at most 1048576
local wavegate = require "wavegate"

local function attack(event, ctx)
  local s, t = string.rep('x', 100000), {}
  for i = 1, 1000 do t[i] = s end
  return table.concat(t)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
