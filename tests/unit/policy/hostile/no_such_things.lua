-- Nothing that reaches files, processes, bytecode or the debug library.
-- Ends: OK
local wavegate = require "wavegate"
local env = _ENV
local function attack(event, ctx)
  for _, name in ipairs { 'io', 'os', 'debug', 'load', 'loadstring', 'loadfile', 'dofile', 'collectgarbage', 'package', '_G', 'coroutine', 'module' } do
    assert(env[name] == nil, name)
  end
  assert(string.dump == nil)
  assert(('').dump == nil)
end

wavegate.on("event", function(event, ctx)
  if event.content.body == "attack" then return attack(event, ctx) end
end)
