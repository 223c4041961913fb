-- Files are read while loading only.
-- Ends: SCRIPT call require at the top
local wavegate = require "wavegate"

local function attack(event, ctx)
  require 'something'
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
