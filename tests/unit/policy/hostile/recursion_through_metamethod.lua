-- __index calls itself through C and Lua in turns.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end })
  while true do pcall(function() return t[1] end) end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
