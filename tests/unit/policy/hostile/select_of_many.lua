-- Values shifted on the stack.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = {}
  for i = 1, 8000 do t[i] = i end
  local function f(...) while true do local x = select(4000, ...) end end
  f(table.unpack(t))
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
