-- An iterator over a large text, again and again.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local text = string.rep('a ', 100000)
  while true do for _ in text:gmatch('%a+') do end end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
