-- A policy that uses itself.
-- Load: policies that use each other
local wavegate = require 'wavegate'
wavegate.use 'main'
