-- Each level catches the overflow of the next.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local function deeper() pcall(deeper) pcall(deeper) end
  deeper()
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
