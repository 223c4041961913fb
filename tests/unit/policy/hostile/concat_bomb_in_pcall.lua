-- The same, caught.
-- Ends: BUDGET memory budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local s = 'x'
  while true do pcall(function() s = s .. s end) end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
