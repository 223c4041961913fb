-- Doubling a string in the machine itself.
-- Ends: BUDGET memory budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local s = 'x'
  while true do s = s .. s end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
