-- A coroutine would have a budget of its own.
-- Ends: SCRIPT attempt to index a nil value (global 'coroutine')
local wavegate = require "wavegate"

local function attack(event, ctx)
  coroutine.wrap(function() while true do end end)()
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
