local testing = require "wavegate.testing"
local json = require "wavegate.json"

local url = "https://scan.example.com/check"

local function checked(t, options)
  options = options or {}
  options.url = options.url or url
  options.on_failure = options.on_failure or "defer"
  return t:policy { use = "external_check", options = options }
end

-- A service that gives this answer, and writes down what it was asked.
local function serve(t, answer)
  local requests = {}
  t:http(function(request)
    requests[#requests + 1] = request
    if type(answer) == "function" then return answer(request) end
    return { body = json.encode(answer) }
  end)
  return requests
end

testing.test("does what the service says", function(t)
  local policy = checked(t)
  serve(t, { verdict = "deny", reason = "spam" })
  local answer = policy:ask "event"
  t:expect(answer.verdict):is "deny"
  t:expect(answer.reason):is "spam"
  serve(t, { verdict = "defer", seconds = 7 })
  t:expect(policy:ask("event").seconds):is(7)
  serve(t, { verdict = "quarantine" })
  t:expect(policy:ask("event").verdict):is "quarantine"
  serve(t, { verdict = "allow" })
  t:expect(policy:ask("event").policy):is "external_check"
  serve(t, { verdict = "none" })
  t:expect(policy:ask("event").policy):is "default"
end)

testing.test("tells the service what it needs, and no content unless told to", function(t)
  local requests = serve(t, { verdict = "allow" })
  checked(t, { token = "secret" }):ask("event", { event = { content = { body = "private" } }, peer = { known_for = 5 } })
  checked(t, { content = true }):ask("event", { event = { content = { body = "private" } } })
  local first = json.decode(requests[1].body)
  t:expect(requests[1].url):is(url)
  t:expect(requests[1].method):is "POST"
  t:expect(requests[1].headers.Authorization):is "Bearer secret"
  t:expect(first.peer.known_for):is(5)
  t:expect(first.event.content):is(nil)
  t:expect(first.hook):is "event"
  t:expect(json.decode(requests[2].body).event.content):is { body = "private" }
end)

testing.test("has the declared way out when the service fails", function(t)
  local failures = {
    function() return nil, "connection refused" end,
    function() return { status = 500 } end,
    function() return { body = "no JSON" } end,
    function() return { body = "[]" } end,
    function() return { body = '{"verdict":"perhaps"}' } end,
  }
  for _, failure in ipairs(failures) do
    serve(t, failure)
    t:expect(checked(t, { on_failure = "defer" }):ask("event").verdict):is "defer"
    t:expect(checked(t, { on_failure = "deny" }):ask("event").verdict):is "deny"
    t:expect(checked(t, { on_failure = "allow" }):ask("event").policy):is "default"
  end
end)

testing.test("has no way out that nobody chose", function(t)
  t:expect(function() t:policy { use = "external_check", options = { url = url } } end)
    :fails "option 'on_failure' is required"
end)

testing.test("asks once for the same question while the answer is good", function(t)
  local requests = serve(t, { verdict = "deny" })
  local policy = checked(t, { cache = "1m", by = "sender" })
  local function ask(sender) return policy:ask("event", { event = { sender = sender } }).verdict end
  t:expect(ask "@a:x.example"):is "deny"
  t:expect(ask "@a:x.example"):is "deny"
  t:expect(ask "@b:x.example"):is "deny"
  t:expect(#requests):is(2)
  t:turn "61s"
  ask "@a:x.example"
  t:expect(#requests):is(3)
end)

testing.test("tells peers and events apart, each as it was asked to", function(t)
  local requests = serve(t, { verdict = "allow" })
  local policy = checked(t, { cache = "1m", by = "event", hooks = { "peer", "event" } })
  policy:ask "peer"
  policy:ask "peer"
  policy:ask "event"
  policy:ask("event", { event = { id = "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e22" } })
  t:expect(#requests):is(3)
  t:expect(json.decode(requests[1].body).event):is(nil)
  policy = checked(t, { cache = "1m", by = "peer" })
  policy:ask "event"
  policy:ask("event", { event = { id = "0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e22" } })
  t:expect(#requests):is(4)
end)

testing.test("an answer about one direction or one peer is none about another", function(t)
  local requests = serve(t, { verdict = "allow" })
  local policy = checked(t, { cache = "1m", by = "event" })
  policy:ask("event", { ctx = { direction = "outbound" } })
  policy:ask("event", { ctx = { direction = "inbound" } })
  policy:ask("event", { ctx = { direction = "inbound" }, peer = { name = "other.example" } })
  policy:ask("event", { ctx = { direction = "inbound" }, peer = { name = "other.example" } })
  t:expect(#requests):is(3)
end)

testing.test("does not remember that the service failed", function(t)
  local policy = checked(t, { cache = "1m", by = "peer" })
  serve(t, function() return nil end)
  t:expect(policy:ask("event").verdict):is "defer"
  t:turn "1s" -- only those who asked in the same moment share a failure
  serve(t, { verdict = "allow" })
  t:expect(policy:ask("event").verdict):is "allow"
end)

testing.test("asks nobody about a name that is not proven", function(t)
  local requests = serve(t, { verdict = "deny" })
  local policy = checked(t, { hooks = { "peer", "event" } })
  policy:ask("peer", { ctx = { authenticated = false } })
  t:expect(#requests):is(0)
end)

testing.test("knows which hooks it can ask about", function(t)
  t:expect(function() checked(t, { hooks = { "backfill" } }) end):fails "none of peer, event, invite"
end)
