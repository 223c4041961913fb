-- The peers of a list may not talk to us, nor we to them.
-- Hooks:   peer
-- Options: peers, file, subdomains, severities, reason
local wavegate = require "wavegate"
local names = require "wavegate.names"

local options = wavegate.options {
  peers = {
    type = "list",
    default = {},
    help = "server names; *.example.com stands for every name below example.com",
  },
  file = {
    type = "string",
    help = "a list in a file, from the configuration's folder on, or at an https:// address: text, CSV or JSON",
  },
  subdomains = {
    type = "boolean",
    default = false,
    help = "a plain name in the file stands for every name below it as well, as in Mastodon's block lists",
  },
  severities = {
    type = "list",
    default = {},
    help = "only entries of the file with one of these severities count, and those without one; none given: all",
  },
  reason = {
    type = "string",
    default = "this server does not federate with yours",
    help = "what the peer is told when the list gives no reason",
  },
}

local listed = names.servers(options.peers)
local file = options.file and wavegate.lists.open(options.file, { subdomains = options.subdomains })
local counting
for _, severity in ipairs(options.severities) do
  counting = counting or {}
  counting[severity] = true
end

local function refuse(reason)
  return wavegate.deny { reason = reason or options.reason }
end

wavegate.on("peer", function(peer)
  if listed:has(peer.name) then return refuse() end
  if not file then return end
  local entry, why = file:find(peer.name)
  if entry and (not counting or not entry.severity or counting[entry.severity]) then
    return refuse(entry.reason)
  end
  -- A list that was never there says nothing about anybody: wait for it rather than open the door.
  if why then return wavegate.defer { seconds = 30, reason = "this server is still starting" } end
end)
