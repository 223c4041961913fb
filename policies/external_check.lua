-- Asks an HTTP service what to do.
-- Hooks:   those of option hooks
-- Options: url, on_failure, hooks, deadline, cache, by, content, token
--
-- The service gets a POST with JSON: { hook, server, direction, remote_address, peer = { name, known_for, key_age,
-- events_24h, failures_24h }, event = { id, type, room_id, sender, origin, origin_ts, size } }, and answers
-- { "verdict": "allow" }, or deny, defer, quarantine, none; with deny, defer and quarantine, "reason"; with defer,
-- "seconds". What it says while it cannot be understood or does not come in time is on_failure's.
--
--   wavegate.use("external_check", { url = "https://scan.example.com/check", on_failure = "defer" })
local wavegate = require "wavegate"
local hash = require "wavegate.hash"
local http = require "wavegate.http"
local json = require "wavegate.json"
local kv = require "wavegate.kv"
local log = require "wavegate.log"

local options = wavegate.options {
  url = { type = "string", required = true, help = "https://host/path of the service" },
  on_failure = {
    type = "enum",
    values = { "deny", "defer", "allow" },
    required = true,
    help = "what happens when the service does not answer: nobody is let in, peers come again later, or it is done without; you have to choose",
  },
  hooks = { type = "list", default = { "event", "invite" }, help = "what is asked about: peer, event, invite" },
  deadline = { type = "duration", default = "500ms", help = "how long the service has" },
  cache = { type = "duration", default = 0, help = "how long an answer is good for the same question; 0: asked each time" },
  by = {
    type = "enum",
    values = { "peer", "sender", "event" },
    default = "event",
    help = "which questions are the same: with one peer, of one sender, or about one event",
  },
  content = { type = "boolean", default = false, help = "the service gets what is written, too" },
  token = { type = "string", help = "sent as Authorization: Bearer" },
}

local known_hooks = { peer = true, event = true, invite = true }
for _, hook in ipairs(options.hooks) do
  if not known_hooks[hook] then
    error("external_check: hooks: '" .. hook .. "' is none of peer, event, invite", 0)
  end
end

local headers = { ["Content-Type"] = "application/json", Accept = "application/json" }
if options.token then headers.Authorization = "Bearer " .. options.token end

local function describe(hook, argument, ctx)
  local peer = ctx.peer
  local question = {
    hook = hook, server = ctx.server, direction = ctx.direction, remote_address = ctx.remote_address,
    peer = {
      name = peer.name, known_for = peer.known_for, key_age = peer.key_age,
      events_24h = peer.events_24h, failures_24h = peer.failures_24h,
    },
  }
  if hook ~= "peer" then
    question.event = {
      id = argument.id, type = argument.type, room_id = argument.room_id, sender = argument.sender,
      origin = argument.origin, origin_ts = argument.origin_ts, size = argument.size,
      content = options.content and argument.content or nil,
    }
  end
  return json.encode(question)
end

local answers = { allow = true, deny = true, defer = true, quarantine = true, none = true }

-- The answer of the service, or nil and why there is none.
local function ask(body)
  local response, why = http.post(options.url, body, { headers = headers, deadline = options.deadline })
  if not response then return nil, why end
  if response.status ~= 200 then return nil, "status " .. response.status end
  local answer, problem = json.decode(response.body)
  if type(answer) ~= "table" then return nil, problem or "the answer is no object" end
  if not answers[answer.verdict] then return nil, "the answer has no verdict that is known" end
  return answer
end

local function key_of(hook, argument, ctx)
  local subject = ctx.peer.name
  if hook ~= "peer" and options.by == "sender" then subject = argument.sender end
  if hook ~= "peer" and options.by == "event" then subject = argument.id end
  -- All that the service is told of who asks: an answer to one question is none to another.
  return "external_check/" ..
    hash.sha256(json.encode { options.url, hook, ctx.direction, ctx.peer.name, options.by, subject })
end

-- Those who ask the same while it is being asked wait for that answer, or share that failure: when a remembered answer
-- ends, the service gets one question of each worker, not one of every peer. What lasts is in kv, for all workers.
local ask_once = wavegate.memoize(function(key, body)
  local answer, why = ask(body)
  if answer then kv.set(key, json.encode(answer), options.cache) end
  return { answer = answer, why = why }
end, { ttl = "20ms" })

local function answer_for(hook, argument, ctx)
  if options.cache == 0 then return ask(describe(hook, argument, ctx)) end
  local key = key_of(hook, argument, ctx)
  local known = kv.get(key)
  if known then return json.decode(known) end
  local shared = ask_once(key, describe(hook, argument, ctx))
  return shared.answer, shared.why
end

local function without(why)
  log.warn("external_check: no usable answer", { url = options.url, why = why, on_failure = options.on_failure })
  if options.on_failure == "allow" then return end
  if options.on_failure == "deny" then
    return wavegate.deny { reason = "a check of this server could not be made" }
  end
  return wavegate.defer { seconds = 30, reason = "a check of this server could not be made; try again" }
end

local function reason_of(answer) return type(answer.reason) == "string" and answer.reason or nil end

local function obey(answer)
  if answer.verdict == "allow" then return wavegate.allow() end
  if answer.verdict == "deny" then return wavegate.deny { reason = reason_of(answer) } end
  if answer.verdict == "quarantine" then return wavegate.quarantine { reason = reason_of(answer) } end
  if answer.verdict == "none" then return end
  local seconds = type(answer.seconds) == "number" and answer.seconds >= 0 and answer.seconds or 60
  return wavegate.defer { seconds = math.min(seconds, 86400), reason = reason_of(answer) }
end

for _, hook in ipairs(options.hooks) do
  wavegate.on(hook, function(argument, ctx)
    -- The service is not asked about names that anybody can claim.
    if not ctx.authenticated then return end
    local answer, why = answer_for(hook, argument, ctx)
    if not answer then return without(why) end
    return obey(answer)
  end)
end
