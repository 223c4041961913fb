-- One switch that stops federation for a while, and ends by itself.
-- Hooks:   peer
-- Options: on, expires, except, direction
--
-- Peers are told to come again: what they hold is sent later, nothing is lost. Put it first in
-- the file, with on = false, and have the switch at hand:
--
--   wavegate.use("panic_mode", { on = true, expires = "2026-03-01T18:00:00Z" })
local wavegate = require "wavegate"
local names = require "wavegate.names"

local options = wavegate.options {
  on = { type = "boolean", default = false, help = "the switch" },
  expires = {
    type = "time",
    required = true,
    help = "when it ends by itself: \"2026-03-01T18:00:00Z\"; there is no panic without an end",
  },
  except = { type = "list", default = {}, help = "peers that pass all the same" },
  direction = {
    type = "enum",
    values = { "inbound", "outbound", "both" },
    default = "both",
    help = "who is stopped: inbound: the peers, outbound: our instances, both",
  },
  retry_at_most = {
    type = "duration",
    default = "15m",
    min = 1,
    help = "peers are told to come again after this, or when it ends, whichever is sooner",
  },
}

local passing = names.servers(options.except)

local function stop(peer, ctx)
  local left = options.expires - ctx.now
  if left <= 0 or passing:has(peer.name) then return end
  if options.direction ~= "both" and ctx.direction ~= options.direction then return end
  return wavegate.defer {
    seconds = math.min(left, options.retry_at_most),
    reason = "this server has stopped federating for a while; try again later",
  }
end

if options.on then wavegate.on("peer", stop) end
