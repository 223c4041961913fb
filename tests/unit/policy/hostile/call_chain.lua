-- A callable table that leads to itself costs time by the square of the stack.
-- Ends: SCRIPT __call must be a function
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = {}
  setmetatable(t, { __call = t })
  t()
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
