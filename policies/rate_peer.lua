-- How many requests a second each peer may make.
-- Hooks:   peer
-- Options: rate, burst, except
--
-- Above what allows: wavegate.use("rate_peer", { rate = "50/s", burst = 200 })
local wavegate = require "wavegate"
local limits = require "wavegate.limits"
local names = require "wavegate.names"

local options = wavegate.options {
  rate = { type = "rate", default = "50/s", help = "in the long run, for each peer" },
  burst = { type = "integer", min = 1, help = "at once, after a rest; four seconds' worth unless given" },
  except = { type = "list", default = {}, help = "peers that are not counted" },
}

local burst = options.burst or math.max(1, math.ceil(4 * options.rate))
local limiter = limits.new {
  name = "rate_peer " .. options.rate .. " " .. burst, rate = options.rate, burst = burst,
}
local exempt = names.servers(options.except)

wavegate.on("peer", function(peer, ctx)
  -- An unproven name would let anyone use up somebody else's share.
  if ctx.direction ~= "inbound" or not ctx.authenticated or exempt:has(peer.name) then return end
  local ok, wait = limiter:take(peer.name)
  if ok then return end
  return wavegate.defer {
    code = "SW_RATE_LIMIT_EXCEEDED",
    seconds = math.ceil(wait or 1),
    reason = "more requests than this server takes from one peer",
  }
end)
