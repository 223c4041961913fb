-- 2^62 times nothing is nothing, at once.
-- Ends: OK
local wavegate = require "wavegate"

local function attack(event, ctx)
  assert(('').rep('', 1 << 62) == '')
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
