-- The file itself never ends.
-- Load: instruction budget exceeded
while true do end
