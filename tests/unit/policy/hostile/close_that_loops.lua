-- __close runs while the error is on its way.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local guard <close> = setmetatable({}, { __close = function() while true do end end })
  while true do end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
