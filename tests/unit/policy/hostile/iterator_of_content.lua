-- The iterator of content called with something else.
-- Ends: SCRIPT wanted
local wavegate = require "wavegate"

local function attack(event, ctx)
  local iterator = pairs(event.content)
  return iterator(ctx, nil)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
