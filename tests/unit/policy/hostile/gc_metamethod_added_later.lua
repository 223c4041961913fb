-- A metatable is taken as it is at that moment.
-- Ends: OK
local wavegate = require "wavegate"

local function attack(event, ctx)
  local mt = {}
  setmetatable({}, mt)
  mt.__gc = function() while true do end end
  for i = 1, 1000 do local t = {} end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
