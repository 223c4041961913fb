-- table.move is raw.
-- Ends: OK
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = setmetatable({}, { __index = function() error('asked') end, __newindex = function() error('told') end })
  table.move({ 1, 2, 3 }, 1, 3, 1, t)
  assert(rawget(t, 3) == 3)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
