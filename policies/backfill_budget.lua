-- How much history each peer may read.
-- Hooks:   backfill
-- Options: rate, burst, except
local wavegate = require "wavegate"
local limits = require "wavegate.limits"
local names = require "wavegate.names"

local options = wavegate.options {
  rate = { type = "rate", default = "5000/h", help = "events in the long run, for each peer" },
  burst = { type = "integer", min = 1, default = 1000, help = "events at once, after a rest; also the most of one answer" },
  except = { type = "list", default = {}, help = "peers that are not counted" },
}

local asked_by_default = 100
local limiter = limits.new {
  name = "backfill_budget " .. options.rate .. " " .. options.burst,
  rate = options.rate, burst = options.burst,
}
local exempt = names.servers(options.except)

wavegate.on("backfill", function(request, ctx)
  if ctx.direction ~= "inbound" or not ctx.authenticated or exempt:has(ctx.peer.name) then return end
  local events = math.min(request.limit or asked_by_default, options.burst)
  local ok, wait = limiter:take(ctx.peer.name, events)
  if ok then return wavegate.limit { events = events } end
  return wavegate.defer {
    code = "SW_RATE_LIMIT_EXCEEDED",
    seconds = math.ceil(wait or 1),
    reason = "more history than this server gives to one peer",
  }
end)
