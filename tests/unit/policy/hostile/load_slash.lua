-- Nor by a slash.
-- Load: is not a module name
require 'a/b'
