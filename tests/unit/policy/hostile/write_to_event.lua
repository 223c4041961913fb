-- The request cannot be changed.
-- Ends: SCRIPT event is read-only
local wavegate = require "wavegate"

local function attack(event, ctx)
  event.type = 'x'
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
