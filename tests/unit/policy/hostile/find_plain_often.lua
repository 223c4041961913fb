-- memmem over a megabyte in a loop.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local text = string.rep('a', 1000000)
  while true do text:find('b', 1, true) end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
