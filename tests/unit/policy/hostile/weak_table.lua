-- Ephemerons can make the collector work by the square.
-- Ends: SCRIPT cannot have '__mode'
local wavegate = require "wavegate"

local function attack(event, ctx)
  setmetatable({}, { __mode = 'k' })
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
