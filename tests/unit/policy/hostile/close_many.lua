-- Thousands of values to be closed when the budget ends.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local function deeper()
    local guard <close> = setmetatable({}, { __close = function() while true do end end })
    deeper()
  end
  deeper()
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
