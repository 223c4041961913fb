-- A misspelt field is an error, not nil.
-- Ends: SCRIPT did you mean 'room_id'?
local wavegate = require "wavegate"

local function attack(event, ctx)
  return event.roomid
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
