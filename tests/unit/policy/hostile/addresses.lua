-- tostring shows no address.
-- Ends: OK
local wavegate = require "wavegate"
local function attacker() end
local function attack(event, ctx)
  assert(tostring({}) == 'table')
  assert(tostring(print) == 'function')
  assert(tostring(event) == 'event')
  assert(not tostring(wavegate):find '0x')
  assert(string.format('%s', attacker) == 'function')
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
