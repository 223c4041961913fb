-- How many events each participant of a peer may send.
-- Hooks:   event, invite
-- Options: rate, burst, types, except
local wavegate = require "wavegate"
local limits = require "wavegate.limits"
local names = require "wavegate.names"

local options = wavegate.options {
  rate = { type = "rate", default = "10/s", help = "in the long run, for each participant" },
  burst = { type = "integer", min = 1, help = "at once, after a rest; ten seconds' worth unless given" },
  types = { type = "list", default = { "*" }, help = "the types that count, with * for any run of characters" },
  except = { type = "list", default = {}, help = "participants, with *, that are not counted" },
}

local burst = options.burst or math.max(1, math.ceil(10 * options.rate))
local limiter = limits.new {
  name = "rate_user " .. options.rate .. " " .. burst, rate = options.rate, burst = burst,
}
local types, exempt = names.globs(options.types), names.globs(options.except)

local function count(event, ctx)
  if ctx.direction ~= "inbound" or not ctx.authenticated then return end
  if not types:has(event.type) or exempt:has(event.sender) then return end
  local ok, wait = limiter:take(event.sender)
  if ok then return end
  return wavegate.defer {
    code = "SW_RATE_LIMIT_EXCEEDED",
    seconds = math.ceil(wait or 1),
    reason = "more events than this server takes from one participant",
  }
end

wavegate.on("event", count)
wavegate.on("invite", count)
