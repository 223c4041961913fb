-- A field wider than two digits.
-- Ends: SCRIPT width or precision too long
local wavegate = require "wavegate"

local function attack(event, ctx)
  return string.format('%1000000000d', 1)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
