-- utf8.len over a megabyte in a loop.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local s = string.rep('a', 1000000)
  while true do utf8.len(s) end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
