-- Nothing of an error object runs when it is reported.
-- Ends: SCRIPT an error that is no text
local wavegate = require "wavegate"

local function attack(event, ctx)
  error(setmetatable({}, { __tostring = function() while true do end end }))
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
