-- What this gateway decides, for both instances. Save a change and it is in force with the next request.
local wavegate = require "wavegate"

wavegate.use("standard") -- the configuration's default_mode, allowed_peers and denied_peers
