-- A syntax error names the line.
-- Load: load_syntax.lua:3: 
local = 1
