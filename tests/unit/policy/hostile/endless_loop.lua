-- A loop that never ends.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  while true do end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
