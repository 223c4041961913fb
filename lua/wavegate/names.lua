-- Lists of names as options have them, made ready to be asked: small lists, held in Lua. For long
-- ones, and for those in files, there is wavegate.lists.
local names = {}

local Servers = {}
Servers.__index = Servers

-- Is the server name in the list, or below one of its patterns?
function Servers:has(name)
  if self.exact[name] then return true end
  if not self.has_patterns then return false end
  local dot = name:find(".", 1, true)
  while dot do
    if self.below[name:sub(dot + 1)] then return true end
    dot = name:find(".", dot + 1, true)
  end
  return self.below[""] == true
end

-- Server names: "a.example"; "*.example" stands for every name below example, "*" for all.
function names.servers(list)
  local set = { exact = {}, below = {}, has_patterns = false }
  for _, name in ipairs(list) do
    local suffix = name == "*" and "" or name:match "^%*%.(.+)$"
    if suffix then
      set.below[suffix:lower()] = true
      set.has_patterns = true
    else
      set.exact[name:lower()] = true
    end
  end
  return setmetatable(set, Servers)
end

local Globs = {}
Globs.__index = Globs

-- Is the text in the list, or like one of its patterns?
function Globs:has(text)
  if self.exact[text] then return true end
  for _, pattern in ipairs(self.patterns) do
    if text:find(pattern) then return true end
  end
  return false
end

-- Event types, rooms and the like: "*" stands for any run of characters, "?" for one.
function names.globs(list)
  local set = { exact = {}, patterns = {} }
  for _, glob in ipairs(list) do
    if glob:find "[*?]" then
      local pattern = glob:gsub("[^%w]", "%%%0"):gsub("%%%*", ".*"):gsub("%%%?", ".")
      set.patterns[#set.patterns + 1] = "^" .. pattern .. "$"
    else
      set.exact[glob] = true
    end
  end
  return setmetatable(set, Globs)
end

return names
