-- The iterator of a read-only table called with another one.
-- Ends: SCRIPT wanted
local wavegate = require "wavegate"

local function attack(event, ctx)
  local iterator = pairs(string)
  return iterator({}, nil)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
