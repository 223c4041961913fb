-- gsub inside gsub inside gsub.
-- Ends: SCRIPT C stack overflow
local wavegate = require "wavegate"

local function attack(event, ctx)
  local function deeper(s) return (s:gsub('.', deeper)) end
  return deeper('x')
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
