-- Tests of policies: made peers and events, real sandbox and budgets, a clock that the test turns.
-- `wavegate policy test` runs every file *_test.lua; docs/policy.md tells the whole of it.
--
--   local testing = require "wavegate.testing"
--
--   testing.test("refuses a peer of the list", function(t)
--     local policy = t:policy { use = "deny_list", options = { peers = { "bad.example" } } }
--     local answer = policy:ask("peer", { peer = { name = "bad.example" } })
--     t:expect(answer.verdict):is "deny"
--   end)
local wavegate = require "wavegate"
local host = require "wavegate.testing.host"

local testing = {}

-- A failure of the test: with the line of whoever is level functions above this one's caller.
local function fail(text, level)
  error({ text = text, place = host.where(level + 1) }, 0)
end

-- ---- values as text ----

local function sorted_keys(value)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

local function is_name(key) return type(key) == "string" and key:find "^[%a_][%w_]*$" ~= nil end

-- As Lua would write it.
local function show(value, depth)
  depth = depth or 0
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) ~= "table" or depth > 6 then return tostring(value) end
  local parts = {}
  for _, key in ipairs(sorted_keys(value)) do
    local text = show(value[key], depth + 1)
    if is_name(key) then
      text = key .. " = " .. text
    elseif type(key) ~= "number" or key > #value then
      text = "[" .. show(key) .. "] = " .. text
    end
    parts[#parts + 1] = text
  end
  if #parts == 0 then return "{}" end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function is_same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not is_same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

-- ---- expectations ----

local Expectation = {}
Expectation.__index = Expectation

-- The same value; tables are compared by what they hold.
function Expectation:is(expected)
  if is_same(self.value, expected) then return end
  fail("expected " .. show(expected) .. ", got " .. show(self.value), 2)
end

function Expectation:is_not(unwanted)
  if not is_same(self.value, unwanted) then return end
  fail("expected anything but " .. show(unwanted), 2)
end

-- A text that has this part, word for word; or a list that has this entry.
function Expectation:contains(part)
  if type(self.value) == "string" and self.value:find(part, 1, true) then return end
  if type(self.value) == "table" then
    for _, entry in ipairs(self.value) do
      if is_same(entry, part) then return end
    end
  end
  fail("expected something with " .. show(part) .. ", got " .. show(self.value), 2)
end

function Expectation:at_least(least)
  if type(self.value) == "number" and self.value >= least then return end
  fail("expected at least " .. show(least) .. ", got " .. show(self.value), 2)
end

function Expectation:at_most(most)
  if type(self.value) == "number" and self.value <= most then return end
  fail("expected at most " .. show(most) .. ", got " .. show(self.value), 2)
end

-- A function that ends with an error, which has this part.
function Expectation:fails(part)
  local ok, failure = pcall(self.value)
  if ok then fail("expected a failure with " .. show(part) .. ", got none", 2) end
  local text = type(failure) == "table" and failure.text or tostring(failure)
  if part and not text:find(part, 1, true) then
    fail("expected a failure with " .. show(part) .. ", got " .. show(text), 2)
  end
end

-- ---- policies ----

local Policy = {}
Policy.__index = Policy

-- Asks the handlers of a hook. A policy that breaks breaks the test: see try.
function Policy:ask(hook, question)
  local answer, why = host.ask(self.number, hook, question or {})
  if not answer then fail(why, 2) end
  if answer.failure then fail("the policy failed: " .. answer.failure_text, 2) end
  return answer
end

-- The same, for policies that are meant to break: answer.failure is "SCRIPT" or "BUDGET".
function Policy:try(hook, question)
  local answer, why = host.ask(self.number, hook, question or {})
  if not answer then fail(why, 2) end
  return answer
end

local policy_fields = {
  use = "string", options = "table", text = "string", file = "string",
  server = "string", on_error = "string", document = "table", lists = "table",
}

local function check_fields(description)
  for name, value in pairs(description) do
    local wanted = policy_fields[name]
    if not wanted then fail("t:policy has no field '" .. tostring(name) .. "'", 3) end
    if type(value) ~= wanted then fail("t:policy: " .. name .. " must be a " .. wanted, 3) end
  end
end

local function source_of(description)
  if not description.use then return description.text end
  return string.format("require(%q).use(%q, %s)\n%s", "wavegate", description.use,
    show(description.options or {}), description.text or "")
end

-- ---- tests ----

local Test = {}
Test.__index = Test

-- Loads a policy: { use = "name", options = {...} }, or { text = "Lua" }, or { file = "path" };
-- besides, server, on_error, and document (the policy document).
function Test:policy(description)
  check_fields(description)
  local number, why = host.open {
    text = source_of(description), file = description.file, server = description.server,
    on_error = description.on_error, document = description.document, lists = description.lists,
  }
  if not number then fail(why, 2) end
  return setmetatable({ number = number }, Policy)
end

function Test:expect(value) return setmetatable({ value = value }, Expectation) end

-- The test fails, with this reason.
function Test:fail(text) fail(text, 2) end

-- Time passes: "90s", "1d", or seconds.
function Test:turn(duration)
  if type(duration) == "string" then duration = wavegate.duration(duration) end
  local ok, why = host.turn(duration)
  if not ok then fail(why, 2) end
end

-- Time passes up to that moment: "2026-02-01", "2026-02-01T12:00:00Z", or seconds since 1970.
function Test:turn_to(moment)
  local why
  if type(moment) == "string" then
    moment, why = host.moment(moment)
    if not moment then fail(why, 2) end
  end
  local ok
  ok, why = host.turn(moment - host.now())
  if not ok then fail(why, 2) end
end

-- Seconds since 1970. Every test begins at 2026-01-01T00:00:00Z.
function Test:now() return host.now() end

-- Answers what policies ask over HTTP: function(request) gets { method, url, headers, body } and
-- returns { status, headers, body }, or nil and why there is no answer. Nothing leaves the machine.
function Test:http(answer)
  if type(answer) ~= "function" then fail("t:http takes a function", 2) end
  host.http(answer)
end

function testing.test(name, body)
  local place = host.where(2)
  host.begin()
  local ok, failure = pcall(body, setmetatable({}, Test))
  if ok then
    host.report(name, place)
  elseif type(failure) == "table" then
    host.report(name, place, tostring(failure.text), failure.place)
  else
    host.report(name, place, tostring(failure))
  end
end

return testing
