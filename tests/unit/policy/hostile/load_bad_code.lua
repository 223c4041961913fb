-- A misspelt code, found by the dry run.
-- Load: did you mean 'SW_ROOM_FORBIDDEN'?
local wavegate = require 'wavegate'
wavegate.on('room', function() return wavegate.deny { code = 'SW_ROOM_FORBIDEN' } end)
