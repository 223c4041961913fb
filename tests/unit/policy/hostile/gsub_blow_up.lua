-- Each match becomes large.
-- Ends: SCRIPT at most 1048576
local wavegate = require "wavegate"

local function attack(event, ctx)
  local big = string.rep('y', 60000)
  return (string.rep('x', 60000):gsub('x', big))
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
