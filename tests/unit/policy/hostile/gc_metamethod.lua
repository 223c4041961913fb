-- Finalizers run without a budget.
-- Ends: SCRIPT cannot have '__gc'
local wavegate = require "wavegate"

local function attack(event, ctx)
  setmetatable({}, { __gc = function() while true do end end })
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
