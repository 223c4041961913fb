-- Which servers may take part in which rooms.
-- Hooks:   room, invite, event
-- Options: rooms, default
--
--   wavegate.use("room_acl", {
--     rooms = {
--       ["room-board"] = { allow = { "*.example.com" } },
--       ["room-public-*"] = { deny = { "spam.example" } },
--     },
--   })
local wavegate = require "wavegate"
local names = require "wavegate.names"

local options = wavegate.options {
  rooms = {
    type = "table",
    required = true,
    help = "room, or pattern with *: { allow = servers, deny = servers }; deny wins; allow alone closes the room to all others",
  },
  default = {
    type = "enum",
    values = { "allow", "deny" },
    default = "allow",
    help = "rooms that no entry names: open to every peer, or to none",
  },
}

local fields = { allow = true, deny = true }

local function read_servers(room, entry, field)
  local list = entry[field]
  if list == nil then return nil end
  if type(list) ~= "table" then
    error("room_acl: " .. room .. ": " .. field .. " must be a list of server names", 0)
  end
  return names.servers(list)
end

local function read_entry(room, entry)
  if type(room) ~= "string" or type(entry) ~= "table" then
    error("room_acl: rooms must be { [\"room\"] = { allow = { ... }, deny = { ... } } }", 0)
  end
  for field in pairs(entry) do
    if not fields[field] then
      error("room_acl: " .. room .. ": unknown field '" .. tostring(field) .. "'; there are allow and deny", 0)
    end
  end
  return {
    allow = read_servers(room, entry, "allow"),
    deny = read_servers(room, entry, "deny"),
    pattern = names.globs { room },
    room = room,
  }
end

-- Exact rooms win over patterns, longer patterns over shorter ones.
local exact, patterns = {}, {}
for room, entry in pairs(options.rooms) do
  local acl = read_entry(room, entry)
  if room:find "[*?]" then patterns[#patterns + 1] = acl else exact[room] = acl end
end
table.sort(patterns, function(a, b)
  if #a.room ~= #b.room then return #a.room > #b.room end
  return a.room < b.room
end)

local function find(room)
  if exact[room] then return exact[room] end
  for _, acl in ipairs(patterns) do
    if acl.pattern:has(room) then return acl end
  end
end

local function may_take_part(room, server)
  local acl = find(room)
  if not acl then return options.default == "allow" end
  if acl.deny and acl.deny:has(server) then return false end
  return not acl.allow or acl.allow:has(server)
end

local function guard(room, ctx)
  if not room or may_take_part(room, ctx.peer.name) then return end
  return wavegate.deny {
    code = "SW_ROOM_FORBIDDEN",
    reason = ctx.peer.name .. " may not take part in this room",
  }
end

wavegate.on("room", function(room, ctx) return guard(room.id, ctx) end)
wavegate.on("invite", function(event, ctx) return guard(event.room_id, ctx) end)
wavegate.on("event", function(event, ctx) return guard(event.room_id, ctx) end)
