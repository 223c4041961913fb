-- The documented federation settings of a server, as its policy document has them.
-- Hooks:   peer, invite, event, backfill; the flags of rooms are what hook "room" does by itself
-- Options: the fields of the document; one that is given here wins over the document
local wavegate = require "wavegate"
local document = require "wavegate.document"

local options = wavegate.options {
  default_mode = {
    type = "enum",
    values = { "open", "invite_only", "closed" },
    default = document.default_mode,
    help = "open: every peer that is not denied; invite_only: those of allowed_peers; closed: nobody",
  },
  allowed_peers = {
    type = "list",
    default = document.allowed_peers,
    help = "server names; *.example.com stands for every name below example.com",
  },
  denied_peers = {
    type = "list",
    default = document.denied_peers,
    help = "server names that are refused in every mode; wins over allowed_peers",
  },
  max_foreign_participants_per_room = {
    type = "integer",
    min = 0,
    default = document.max_foreign_participants_per_room,
    help = "participants of other servers in one room; 0: no bound",
  },
  max_backfill_events_per_request = {
    type = "integer",
    min = 0,
    max = 1000,
    default = document.max_backfill_events_per_request,
    help = "events in one answer to a history request",
  },
  hide_history_before = {
    type = "time",
    default = document.hide_history_before,
    help = "history from before this moment is not given out; 0: nothing is hidden",
  },
}

-- Exact names and the suffixes of "*.suffix" patterns, each a set.
local function read_names(list)
  local names = { exact = {}, suffix = {} }
  for _, name in ipairs(list) do
    local suffix = name:match "^%*%.(.+)$"
    if suffix then
      names.suffix[suffix:lower()] = true
    else
      names.exact[name:lower()] = true
    end
  end
  return names
end

local function has_name(names, name)
  if names.exact[name] then return true end
  if not next(names.suffix) then return false end
  local dot = name:find(".", 1, true)
  while dot do
    if names.suffix[name:sub(dot + 1)] then return true end
    dot = name:find(".", dot + 1, true)
  end
  return false
end

local allowed = read_names(options.allowed_peers)
local denied = read_names(options.denied_peers)

local function admit_peer(peer)
  local name = peer.name
  if has_name(denied, name) then
    return wavegate.deny {
      code = "SW_FED_PEER_UNKNOWN",
      reason = name .. " is in denied_peers; take it out to federate with it",
    }
  end
  if options.default_mode == "closed" then
    return wavegate.deny {
      code = "SW_FED_PEER_UNKNOWN",
      reason = "federation is closed; set default_mode to \"invite_only\" or \"open\"",
    }
  end
  if options.default_mode == "open" or has_name(allowed, name) then return wavegate.allow() end
  return wavegate.deny {
    code = "SW_FED_PEER_UNKNOWN",
    reason = name .. " is not admitted; add " .. name
      .. " to allowed_peers, or set default_mode to \"open\"",
  }
end

-- Somebody of another server who is not in the room yet: would he be one too many? Of a room nothing is known of yet
-- the count is nil; it begins with the first who comes.
local function bound_foreign_participants(ctx)
  local most, count = options.max_foreign_participants_per_room, ctx.room.foreign_participants
  if most == 0 or not count or count < most or ctx.room.has_participant then return end
  if count == math.maxinteger then
    return wavegate.deny {
      reason = "this server cannot count the participants of one more room; max_foreign_participants_per_room is " .. most,
    }
  end
  return wavegate.deny {
    reason = "the room has " .. count .. " participants of other servers; max_foreign_participants_per_room is " .. most,
  }
end

local function bound_invites(event, ctx)
  local invited = event.participant
  if invited and invited:match ":(.*)$" == ctx.server then return end
  return bound_foreign_participants(ctx)
end

-- A join, or something said by one whose join was never seen here.
local function bound_arrivals(event, ctx)
  if ctx.direction ~= "inbound" then return end
  local membership = event.membership
  if membership == "join" or (not membership and ctx.room.has_participant == false) then
    return bound_foreign_participants(ctx)
  end
end

local function bound_backfill()
  return wavegate.limit {
    events = options.max_backfill_events_per_request,
    not_before = options.hide_history_before,
  }
end

wavegate.on("peer", admit_peer)
wavegate.on("invite", bound_invites)
wavegate.on("event", bound_arrivals)
wavegate.on("backfill", bound_backfill)
