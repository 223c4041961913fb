-- A handler returns a verdict or nothing.
-- Ends: SCRIPT returned a table
local wavegate = require "wavegate"

local function attack(event, ctx)
  return { verdict = 'allow' }
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
