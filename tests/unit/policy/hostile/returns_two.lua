-- One verdict at a time.
-- Ends: SCRIPT more than one value
local wavegate = require "wavegate"

local function attack(event, ctx)
  return wavegate.allow(), wavegate.deny {}
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
