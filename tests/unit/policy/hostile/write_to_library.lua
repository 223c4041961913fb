-- A library is shared by all policies.
-- Ends: SCRIPT read-only
local wavegate = require "wavegate"

local function attack(event, ctx)
  string.find = nil
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
