---@meta wavegate
-- The policy API for editors (LuaLS): point "workspace.library" at this folder. Nothing here runs; a test compares it
-- with what the gateway registers. docs/policy.md says the rest.

---What a handler returns, or nothing.
---@class wavegate.Verdict

---@alias wavegate.Hook "peer"|"invite"|"event"|"room"|"backfill"|"members"|"profile"|"key"|"delivery"
---@alias wavegate.Duration number|string seconds, or a text such as "30s", "1h30m", "7d"
---@alias wavegate.DenyCode "SW_FED_POLICY_REJECTED"|"SW_FED_PEER_UNKNOWN"|"SW_ROOM_FORBIDDEN"|"SW_ROOM_NOT_FOUND"|"SW_FED_NOT_FOUND"|"SW_CONTENT_TOO_LARGE"|"SW_FED_BAD_REQUEST"|"SW_FED_SIGNATURE_MISMATCH"|"SW_RATE_LIMIT_EXCEEDED"|"SW_FED_PROTOCOL_VERSION"
---@alias wavegate.DeferCode "SW_FED_POLICY_DEFERRED"|"SW_RATE_LIMIT_EXCEEDED"|"SW_FED_UPSTREAM_UNAVAILABLE"

---The argument of the hooks invite and event. Read-only, as long as the call lasts.
---@class (exact) wavegate.event
---@field id string
---@field type string "swp.room.message", ...
---@field room_id string
---@field sender string "@alice:peer.example.com"
---@field origin string server of the sender
---@field origin_ts integer seconds since 1970
---@field membership string? of a swp.room.member event
---@field participant string? whom a swp.room.member event is about: who joins, leaves, is invited or banned
---@field content table read-only
---@field size integer bytes of the content

---The second argument of every handler.
---@class (exact) wavegate.ctx
---@field server string the server of ours that is asked
---@field direction "inbound"|"outbound"
---@field now integer seconds since 1970
---@field remote_address string?
---@field authenticated boolean the peer's signature has been verified; false when hook peer is asked early
---@field generation integer
---@field peer wavegate.peer
---@field room wavegate.room

---@class (exact) wavegate.peer
---@field name string
---@field known_for integer seconds since it was first seen; 0 for a new one
---@field last_seen integer? seconds since 1970
---@field key_id string?
---@field key_age integer seconds
---@field events_24h integer
---@field failures_24h integer
---@field mode string?
---@field labels table<string, string>

---@class (exact) wavegate.room
---@field id string
---@field federated boolean? the flag set at the gateway; nil: none
---@field foreign_participants integer? participants of other servers; nil: nothing was seen of the room yet
---@field has_participant boolean? whom the event brings into the room is counted there already; nil: it brings nobody

---The argument of the hooks backfill, members and profile.
---@class (exact) wavegate.request
---@field endpoint string
---@field room_id string?
---@field participant string?
---@field limit integer?
---@field before string?

---The argument of the hook key.
---@class (exact) wavegate.change
---@field old_key_id string?
---@field new_key_id string
---@field published boolean its descriptor says so over verified TLS

---The argument of the hook delivery: an attempt that failed.
---@class (exact) wavegate.attempt
---@field destination string
---@field event_id string
---@field room_id string
---@field code string
---@field reason string
---@field number integer 1 for the first
---@field status integer? of the HTTP answer
---@field age integer? seconds since the event was accepted
---@field next_in integer? seconds to the next attempt

---@class wavegate
local wavegate = {}

---Registers a handler. Handlers are asked in the order of the file.
---@param hook wavegate.Hook
---@param handler fun(argument: any, ctx: wavegate.ctx): wavegate.Verdict?
---@overload fun(hook: "event"|"invite", handler: fun(event: wavegate.event, ctx: wavegate.ctx): wavegate.Verdict?)
---@overload fun(hook: "peer", handler: fun(peer: wavegate.peer, ctx: wavegate.ctx): wavegate.Verdict?)
---@overload fun(hook: "room", handler: fun(room: wavegate.room, ctx: wavegate.ctx): wavegate.Verdict?)
---@overload fun(hook: "backfill"|"members"|"profile", handler: fun(request: wavegate.request, ctx: wavegate.ctx): wavegate.Verdict?)
---@overload fun(hook: "key", handler: fun(change: wavegate.change, ctx: wavegate.ctx): wavegate.Verdict?)
---@overload fun(hook: "delivery", handler: fun(attempt: wavegate.attempt, ctx: wavegate.ctx): wavegate.Verdict?)
function wavegate.on(hook, handler) end

---Runs the policy of that name here; its handlers take their place in the order.
---@param name string
---@param options? table
function wavegate.use(name, options) end

---The handlers of that policy by hook, for one that asks them itself.
---@param name string
---@param options? table
---@return table<wavegate.Hook, function[]>
function wavegate.handlers(name, options) end

---Declares what this policy takes, and returns what it was given.
---@param declaration table<string, { type: "string"|"number"|"integer"|"boolean"|"duration"|"rate"|"list"|"size"|"time"|"enum"|"table", default: any, required: boolean?, help: string?, values: string[]?, min: number?, max: number? }>
---@return table
function wavegate.options(declaration) end

---Yes; no further handler is asked.
---@return wavegate.Verdict
function wavegate.allow() end

---No, for good.
---@param why? { reason: string?, code: wavegate.DenyCode? }
---@return wavegate.Verdict
function wavegate.deny(why) end

---Not now: Retry-After, or the queue waits.
---@param why? { seconds: number?, reason: string?, code: wavegate.DeferCode? }
---@return wavegate.Verdict
function wavegate.defer(why) end

---Taken and kept, delivered on release only.
---@param why? { reason: string? }
---@return wavegate.Verdict
function wavegate.quarantine(why) end

---Narrows a request; the tightest of several wins, and the chain goes on.
---@param bounds { events: integer?, not_before: integer?, bytes: integer? }
---@return wavegate.Verdict
function wavegate.limit(bounds) end

---Says something to the instance and the audit row; the chain goes on.
---@param labels table<string, string|number|boolean>
---@return wavegate.Verdict
function wavegate.label(labels) end

---@param text string "30s", "1h30m", "7d"
---@return number seconds
function wavegate.duration(text) end

---@param text string "50/s", "60/h", "5/10m"
---@return number per_second
function wavegate.rate(text) end

---@param text string "64KiB", "10MB"
---@return integer bytes
function wavegate.size(text) end

---f with a memory of its own on each worker: one call asks, others wait or take what is not too stale.
---@generic T
---@param f fun(key: any, with: any): T?
---@param options { ttl: wavegate.Duration, stale: wavegate.Duration?, limit: integer? }
---@return fun(key: any, with: any): T? with is handed on to f, and is no part of the key
function wavegate.memoize(f, options) end

---The policy document of this server.
---@class wavegate.document
---@field default_mode "open"|"invite_only"|"closed"
---@field allowed_peers string[]
---@field denied_peers string[]
---@field max_foreign_participants_per_room integer
---@field max_backfill_events_per_request integer
---@field hide_history_before integer
wavegate.document = {}

wavegate.base64 = {}
---@param bytes string
---@return string
function wavegate.base64.encode(bytes) end
---@param text string
---@return string? bytes
---@return string? why
function wavegate.base64.decode(text) end
---@param bytes string
---@return string text without padding
function wavegate.base64.encode_url(bytes) end
---@param text string
---@return string? bytes
---@return string? why
function wavegate.base64.decode_url(text) end

wavegate.hash = {}
---@param bytes string
---@return string hex
function wavegate.hash.sha256(bytes) end
---@param bytes string
---@return string hex
function wavegate.hash.sha512(bytes) end
---@param key string
---@param bytes string
---@return string hex
function wavegate.hash.hmac_sha256(key, bytes) end
---Compares in a time that does not tell where they differ.
---@param a string
---@param b string
---@return boolean
function wavegate.hash.equal(a, b) end

---@class wavegate.http.Response
---@field status integer
---@field headers table<string, string> names in lower case
---@field body string

wavegate.http = {}
---Waits; others go on. cache: keeps a good answer for that long.
---@param url string
---@param options? { headers: table<string, string>?, deadline: wavegate.Duration?, cache: wavegate.Duration? }
---@return wavegate.http.Response?
---@return string? why
---@return string? code "TIMEOUT", "CONNECT_FAILED", ...
function wavegate.http.get(url, options) end
---@param url string
---@param body string
---@param options? { headers: table<string, string>?, deadline: wavegate.Duration? }
---@return wavegate.http.Response?
---@return string? why
---@return string? code
function wavegate.http.post(url, body, options) end

wavegate.json = {}
---null inside an array.
wavegate.json.null = nil
---@param text string
---@return any value nil when it is not JSON
---@return string? why
function wavegate.json.decode(text) end
---@param value any
---@return string text canonical (RFC 8785)
function wavegate.json.encode(value) end
---Marks a list, so that it is an array even when it is empty.
---@param list any[]
---@return any[]
function wavegate.json.array(list) end

---Values are shared by all workers and survive a reload.
wavegate.kv = {}
---@param key string
---@return string|number|boolean|nil
function wavegate.kv.get(key) end
---@param key string
---@param value string|number|boolean|nil nil takes it out
---@param ttl? wavegate.Duration
function wavegate.kv.set(key, value, ttl) end
---@param key string
---@param value string|number|boolean
---@param ttl? wavegate.Duration
---@return boolean done false when there was a value
function wavegate.kv.add(key, value, ttl) end
---@param key string
---@param by? integer
---@param ttl? wavegate.Duration counts from the first
---@return integer
function wavegate.kv.incr(key, by, ttl) end
---@param key string
---@param expected string|number|boolean|nil
---@param value string|number|boolean|nil
---@param ttl? wavegate.Duration
---@return boolean done
function wavegate.kv.cas(key, expected, value, ttl) end

---Values under keys with this prefix outlast a restart; written within a second. In the body of a policy file.
---@param prefix string
function wavegate.kv.persist(prefix) end

---@class wavegate.Limiter
local Limiter = {}
---@param key string
---@param cost? number
---@return boolean taken
---@return number? wait seconds until there is enough; nil when there never will be
function Limiter:take(key, cost) end
---@param key string
---@param cost? number
---@return number? seconds
function Limiter:wait(key, cost) end

wavegate.limits = {}
---@param options { name: string, rate: string|number, burst: number? }
---@return wavegate.Limiter
function wavegate.limits.new(options) end

---What is said of an entry.
---@class wavegate.ListEntry
---@field entry string as the list has it
---@field kind "name"|"suffix"|"glob"|"address"|"participant"
---@field reason string?
---@field severity string?
---@field expires_at integer?
---@field reject_media boolean
---@field reject_reports boolean
---@field source string
---@field line integer
---@field hits integer

---@class wavegate.List
local List = {}
---@param name string a server name, an address, or "@user:server"
---@return boolean? listed nil when the source was never fetched
---@return string? why
function List:has(name) end
---The most telling entry.
---@param name string
---@return wavegate.ListEntry?
---@return string? why the source was never fetched
function List:find(name) end
---@return { source: string, count: integer, broken: integer, lookups: integer, hits: integer, age: integer?, problem: string? }
function List:info() end

wavegate.lists = {}
---Only while the file is loaded. A file is part of the generation; a URL is fetched again and again.
---@param where string "lists/deny.txt", from the configuration's folder on; or "https://..."
---@param options? { format: "auto"|"text"|"csv"|"json"|nil, subdomains: boolean?, skip_broken: boolean?, refresh: wavegate.Duration? }
---@return wavegate.List
function wavegate.lists.open(where, options) end

wavegate.log = {}
---@param text string
---@param fields? table<string, any>
function wavegate.log.debug(text, fields) end
---@param text string
---@param fields? table<string, any>
function wavegate.log.info(text, fields) end
---@param text string
---@param fields? table<string, any>
function wavegate.log.warn(text, fields) end
---@param text string
---@param fields? table<string, any>
function wavegate.log.error(text, fields) end

wavegate.metrics = {}
---@param name string lower-case letters, digits and "_"
---@param by? number
function wavegate.metrics.count(name, by) end
---@param name string
---@param value number
function wavegate.metrics.gauge(name, value) end

---@class wavegate.net.Block
local Block = {}
---@param address string?
---@return boolean
function Block:has(address) end

wavegate.net = {}
---@param text string "10.0.0.0/8"
---@return wavegate.net.Block
function wavegate.net.block(text) end
---@param text string
---@return boolean
function wavegate.net.is_address(text) end
---@param address string
---@return string? class "global", "private", "loopback", ...
---@return string? why
function wavegate.net.class(address) end

wavegate.time = {}
---@return number seconds since 1970
function wavegate.time.now() end
---Waits; others go on.
---@param seconds wavegate.Duration
function wavegate.time.sleep(seconds) end
---@param seconds number
---@return string text "2026-01-31T12:00:00Z"
function wavegate.time.format(seconds) end
---@param text string
---@return integer? seconds
---@return string? why
function wavegate.time.parse(text) end
---@param seconds number
---@return { year: integer, month: integer, day: integer, hour: integer, minute: integer, second: integer, weekday: integer } utc Monday is 1
function wavegate.time.utc(seconds) end

return wavegate
