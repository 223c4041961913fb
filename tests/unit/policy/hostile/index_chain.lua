-- Two thousand tables to look through, every time.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local t = {}
  for i = 1, 1900 do t = setmetatable({}, { __index = t }) end
  while true do local x = t.x end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
