-- Only the peers of a list may talk to us, and we to them.
-- Hooks:   peer
-- Options: peers, others
local wavegate = require "wavegate"
local names = require "wavegate.names"

local options = wavegate.options {
  peers = {
    type = "list",
    required = true,
    help = "server names; *.example.com stands for every name below example.com",
  },
  others = {
    type = "enum",
    values = { "deny", "pass" },
    default = "deny",
    help = "what becomes of the rest: deny, or pass to the handlers that follow",
  },
}

local listed = names.servers(options.peers)

wavegate.on("peer", function(peer)
  if listed:has(peer.name) then return wavegate.allow() end
  if options.others == "pass" then return end
  return wavegate.deny { reason = peer.name .. " is not in the list of peers of this server" }
end)
