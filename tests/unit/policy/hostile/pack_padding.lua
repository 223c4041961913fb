-- Padding is work, too.
-- Ends: SCRIPT too large
local wavegate = require "wavegate"

local function attack(event, ctx)
  return string.pack('c1000000000', '')
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
