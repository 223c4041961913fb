-- The table library asks for the raw length.
-- Ends: OK
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = setmetatable({}, { __len = function() return 1 << 62 end })
  table.insert(t, 1)
  assert(t[1] == 1)
  assert(table.remove(t) == 1)
  assert(table.concat(t) == '')
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
