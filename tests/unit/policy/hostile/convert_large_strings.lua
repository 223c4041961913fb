-- One instruction that converts a megabyte to a number.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local s = string.rep(' ', 1000000) .. '1'
  while true do local x = s + 0 end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
