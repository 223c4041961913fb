-- Globals would leak from one call into the next.
-- Ends: SCRIPT undeclared global 'seen'
local wavegate = require "wavegate"

local function attack(event, ctx)
  seen = event.id
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
