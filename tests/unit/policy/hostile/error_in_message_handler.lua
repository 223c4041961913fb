-- A message handler that fails, over and over.
-- Ends: BUDGET budget exceeded
local wavegate = require "wavegate"

local function attack(event, ctx)
  local function handler() error('again') end
  while true do xpcall(error, handler, 'x') end
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
