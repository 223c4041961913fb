-- Globals are refused while loading, too.
-- Load: undeclared global 'x'
x = 1
