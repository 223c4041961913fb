LuaT
-- Only text is loaded.
-- Load: attempt to load a binary chunk
