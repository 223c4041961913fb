-- A peer we have not known for long is not yet trusted with everything.
-- Hooks:   event, invite
-- Options: period, types, verdict, except
local wavegate = require "wavegate"
local names = require "wavegate.names"

local options = wavegate.options {
  period = { type = "duration", default = "7d", help = "how long a peer is new" },
  types = {
    type = "list",
    default = { "*" },
    help = "the types of events that a new peer's trial is about, with * for any run of characters",
  },
  verdict = {
    type = "enum",
    values = { "quarantine", "deny", "label" },
    default = "quarantine",
    help = "what becomes of them: kept until an operator releases them, refused, or marked trial=true for the instance",
  },
  except = { type = "list", default = {}, help = "peers that are trusted from the first day" },
}

local types, trusted = names.globs(options.types), names.servers(options.except)

local function judge(event, ctx)
  if ctx.direction ~= "inbound" or ctx.peer.known_for >= options.period then return end
  if not types:has(event.type) or trusted:has(ctx.peer.name) then return end
  if options.verdict == "label" then return wavegate.label { trial = true } end
  local reason = "this server has not known " .. ctx.peer.name .. " for long"
  if options.verdict == "deny" then return wavegate.deny { reason = reason } end
  return wavegate.quarantine { reason = reason }
end

wavegate.on("event", judge)
wavegate.on("invite", judge)
