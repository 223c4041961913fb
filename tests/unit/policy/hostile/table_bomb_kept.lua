-- Memory kept in an upvalue and filled from call to call.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"
local kept = {}
local function attack(event, ctx)
  for i = 1, math.huge do kept[#kept + 1] = string.rep('x', 1000) .. #kept end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
