-- The same, added to the metatable afterwards.
-- Ends: SCRIPT attempt to call
local wavegate = require "wavegate"

local function attack(event, ctx)
  local mt = {}
  local t = setmetatable({}, mt)
  mt.__call = t
  t()
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
