-- Content used after its call.
-- Ends: SCRIPT belonged to a call that has ended
local wavegate = require "wavegate"
local kept
local function attack(event, ctx)
  if not kept then kept = event.content error('first') end
  return kept.body
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
