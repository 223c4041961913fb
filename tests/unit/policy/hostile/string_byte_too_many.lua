-- A result for each of a million bytes.
-- Ends: SCRIPT slice too long
local wavegate = require "wavegate"

local function attack(event, ctx)
  return string.rep('x', 1000000):byte(1, -1)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
