-- A misspelt hook.
-- Load: did you mean 'event'?
require('wavegate').on('evnt', function() end)
