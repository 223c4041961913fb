-- The same through gsub.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  return (string.rep('a', 3000):gsub('(a-)(a-)(a-)(a-)b', ''))
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
