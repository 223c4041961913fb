-- %p is an address.
-- Ends: SCRIPT invalid conversion
local wavegate = require "wavegate"

local function attack(event, ctx)
  return string.format('%p', {})
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
