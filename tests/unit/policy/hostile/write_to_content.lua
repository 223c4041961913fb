-- Nor its content.
-- Ends: SCRIPT content is read-only
local wavegate = require "wavegate"

local function attack(event, ctx)
  event.content.body = 'x'
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
