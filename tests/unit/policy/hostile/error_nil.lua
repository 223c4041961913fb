-- error(nil)
-- Ends: SCRIPT an error that is no text
local wavegate = require "wavegate"

local function attack(event, ctx)
  error(nil)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
