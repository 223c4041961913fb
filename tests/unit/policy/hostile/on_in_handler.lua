-- Nor by on.
-- Ends: SCRIPT only while the file is loaded
local wavegate = require "wavegate"

local function attack(event, ctx)
  wavegate.on('event', function() end)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
