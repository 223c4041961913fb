-- And through the table library.
-- Ends: SCRIPT read-only
local wavegate = require "wavegate"

local function attack(event, ctx)
  table.insert(string, print)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
