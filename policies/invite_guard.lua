-- Who may invite our people.
-- Hooks:   invite
-- Options: known_for, only, except, verdict
local wavegate = require "wavegate"
local names = require "wavegate.names"

local options = wavegate.options {
  known_for = {
    type = "duration",
    default = "1d",
    help = "a peer may invite once we have known it for this long",
  },
  only = {
    type = "list",
    default = { "*" },
    help = "the servers that may invite at all; *.example.com stands for every name below",
  },
  except = { type = "list", default = {}, help = "servers that may invite from the first moment" },
  verdict = {
    type = "enum",
    values = { "deny", "quarantine" },
    default = "deny",
    help = "what becomes of an invite that is too early: refused, or kept until an operator releases it",
  },
}

local only, trusted = names.servers(options.only), names.servers(options.except)

wavegate.on("invite", function(event, ctx)
  if ctx.direction ~= "inbound" then return end
  local peer = ctx.peer
  if trusted:has(peer.name) then return end
  if not only:has(peer.name) then
    return wavegate.deny { reason = "this server takes no invites from " .. peer.name }
  end
  if peer.known_for >= options.known_for then return end
  local reason = "this server has not known " .. peer.name .. " long enough to take its invites"
  if options.verdict == "quarantine" then return wavegate.quarantine { reason = reason } end
  return wavegate.deny { reason = reason }
end)
