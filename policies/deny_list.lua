-- The peers of a list may not talk to us, nor we to them.
-- Hooks:   peer
-- Options: peers, reason
local wavegate = require "wavegate"
local names = require "wavegate.names"

local options = wavegate.options {
  peers = {
    type = "list",
    required = true,
    help = "server names; *.example.com stands for every name below example.com",
  },
  reason = { type = "string", default = "this server does not federate with yours", help = "what the peer is told" },
}

local listed = names.servers(options.peers)

wavegate.on("peer", function(peer)
  if not listed:has(peer.name) then return end
  return wavegate.deny { reason = options.reason }
end)
