-- A string larger than any may be.
-- Ends: SCRIPT longer than 1048576 bytes
local wavegate = require "wavegate"

local function attack(event, ctx)
  return string.rep('x', 1 << 40)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
