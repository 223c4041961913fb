-- Raw, too.
-- Ends: SCRIPT read-only
local wavegate = require "wavegate"

local function attack(event, ctx)
  rawset(string, 'find', print)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
