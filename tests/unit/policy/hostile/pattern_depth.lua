-- More groups than the matcher may nest.
-- Ends: SCRIPT pattern too complex
local wavegate = require "wavegate"

local function attack(event, ctx)
  return string.rep('a', 1000):match(string.rep('a?', 1000) .. string.rep('a', 1000))
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
