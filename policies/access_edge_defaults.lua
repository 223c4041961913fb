-- What an access edge does with servers nobody has vouched for: they are slow at first, slower when much of what
-- they send fails, and watched when they reach for very many targets.
-- Hooks:   event, invite
-- Options: trusted, new_for, rate, bad_rate, bad_ratio, sample, targets, watched
--
-- A target is a room, or somebody who is invited. Events of watched peers bear the label watch = "more than 1000 targets".
local wavegate = require "wavegate"
local document = require "wavegate.document"
local kv = require "wavegate.kv"
local limits = require "wavegate.limits"
local names = require "wavegate.names"

local options = wavegate.options {
  trusted = {
    type = "list",
    default = document.allowed_peers,
    help = "servers that somebody has vouched for: nothing here is about them; allowed_peers unless given",
  },
  new_for = { type = "duration", default = "30d", help = "how long a discovered peer counts as new" },
  rate = { type = "rate", default = "20/s", help = "events of a new peer" },
  bad_rate = { type = "rate", default = "1/s", help = "events of a peer whose failure ratio looks bad, new or not" },
  bad_ratio = {
    type = "number", min = 0, max = 1, default = 0.5,
    help = "failures among all it sent in 24 hours, from which on it looks bad",
  },
  sample = { type = "integer", min = 1, default = 20, help = "events and failures before the ratio says anything" },
  targets = { type = "integer", min = 1, default = 1000, help = "distinct targets in 24 hours past which a peer is watched" },
  watched = {
    type = "enum",
    values = { "label", "slow", "deny" },
    default = "slow",
    help = "what becomes of a watched peer's events: labelled; labelled, at bad_rate; or refused",
  },
}

local trusted = names.servers(options.trusted)
local normal = limits.new { name = "access_edge_defaults " .. options.rate, rate = options.rate }
local slow = limits.new { name = "access_edge_defaults slow " .. options.bad_rate, rate = options.bad_rate }

local function is_concerned(ctx)
  return ctx.direction == "inbound" and ctx.authenticated and not trusted:has(ctx.peer.name)
end

local function looks_bad(peer)
  local all = peer.events_24h + peer.failures_24h
  return all >= options.sample and peer.failures_24h >= options.bad_ratio * all
end

-- Distinct targets of the last 24 hours. Past the bound no more are remembered: it is known then.
local function count_targets(event, peer)
  local key = "access_edge_defaults/" .. peer.name
  local count = kv.get(key) or 0
  if count > options.targets then return count end
  local target = event.membership == "invite" and event.participant or event.room_id
  if type(target) ~= "string" or #target > 128 then target = event.room_id end
  if kv.add(key .. "/" .. target, true, "24h") then count = kv.incr(key, 1, "24h") end
  return count
end

local function watch(event, ctx)
  if not is_concerned(ctx) then return end
  local count = count_targets(event, ctx.peer)
  if count <= options.targets then return end
  if options.watched == "deny" then
    return wavegate.deny { reason = "your server reaches for more targets than this server lets a stranger" }
  end
  return wavegate.label { watch = "more than " .. options.targets .. " targets" }
end

local function limiter_for(peer)
  local count = kv.get("access_edge_defaults/" .. peer.name) or 0
  if looks_bad(peer) or (options.watched == "slow" and count > options.targets) then return slow end
  if peer.known_for < options.new_for then return normal end
end

local function slow_down(_, ctx)
  if not is_concerned(ctx) then return end
  local limiter = limiter_for(ctx.peer)
  if not limiter then return end
  local ok, wait = limiter:take(ctx.peer.name)
  if ok then return end
  return wavegate.defer {
    code = "SW_RATE_LIMIT_EXCEEDED",
    seconds = math.ceil(wait or 1),
    reason = "more events than this server takes from a stranger",
  }
end

for _, hook in ipairs { "event", "invite" } do
  wavegate.on(hook, watch)
  wavegate.on(hook, slow_down)
end
