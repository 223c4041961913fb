-- Which types of events pass.
-- Hooks:   event, invite
-- Options: allow, deny, direction
local wavegate = require "wavegate"
local names = require "wavegate.names"

local options = wavegate.options {
  allow = {
    type = "list",
    default = { "*" },
    help = "types that pass, with * for any run of characters: { \"swp.room.*\" }",
  },
  deny = { type = "list", default = {}, help = "types that do not; wins over allow" },
  direction = {
    type = "enum",
    values = { "inbound", "outbound", "both" },
    default = "both",
    help = "whose events: inbound: the peers', outbound: ours",
  },
}

local allowed, denied = names.globs(options.allow), names.globs(options.deny)

local function guard(event, ctx)
  if options.direction ~= "both" and ctx.direction ~= options.direction then return end
  if allowed:has(event.type) and not denied:has(event.type) then return end
  return wavegate.deny { reason = "this server does not exchange events of type " .. event.type }
end

wavegate.on("event", guard)
wavegate.on("invite", guard)
