-- The metatable of all strings is out of reach.
-- Ends: SCRIPT
local wavegate = require "wavegate"

local function attack(event, ctx)
  getmetatable('').__index = function() end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
