-- Tail calls need no stack.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local function again() return again() end
  return again()
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
