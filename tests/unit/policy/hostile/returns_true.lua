-- Even true is no verdict.
-- Ends: SCRIPT returned a boolean
local wavegate = require "wavegate"

local function attack(event, ctx)
  return true
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
