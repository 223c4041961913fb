-- It reads as false.
-- Ends: OK
local wavegate = require "wavegate"

local function attack(event, ctx)
  assert(getmetatable('') == false)
  assert(getmetatable(string) == false)
  assert(getmetatable(event) == false)
  assert(getmetatable(event.content) == false)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
