-- __tostring runs inside of tostring, print and format.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = setmetatable({}, { __tostring = function() while true do end end })
  return string.format('%s', t)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
