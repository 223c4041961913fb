-- More values than a stack should hold.
-- Ends: SCRIPT too many results
local wavegate = require "wavegate"

local function attack(event, ctx)
  return table.unpack({}, 1, 1 << 40)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
