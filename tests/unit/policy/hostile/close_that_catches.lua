-- __close that starts over.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local function again()
    local guard <close> = setmetatable({}, { __close = function() while true do end end })
    while true do end
  end
  while true do pcall(again) end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
