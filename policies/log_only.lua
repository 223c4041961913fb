-- Asks another policy and does nothing of what it says: it is written down instead.
-- Hooks:   those of the other policy
-- Options: policy, options, name
--
-- Each verdict that would have counted becomes a label, which the audit row keeps and the
-- instance sees: log_only.deny_list = "deny deny_list.lua:31". An error of the other policy is
-- written down the same way. The log has a line of each, too.
--
--   wavegate.use("log_only", { policy = "deny_list", options = { peers = { "a.example" } } })
local wavegate = require "wavegate"
local log = require "wavegate.log"

local options = wavegate.options {
  policy = { type = "string", required = true, help = "the policy to ask" },
  options = { type = "table", default = {}, help = "what it is given" },
  name = { type = "string", help = "the label's last part, when a policy is wrapped twice; else its name" },
}

local label = "log_only." .. (options.name or options.policy:gsub("[^%w_.-]", "_"))

local function printable(text)
  return (text:gsub("[^ -~]", "?"):sub(1, 256))
end

local function describe(verdict)
  local text = verdict.kind
  for _, field in ipairs { "events", "bytes", "not_before", "seconds" } do
    if verdict[field] then text = text .. " " .. field .. "=" .. verdict[field] end
  end
  if verdict.place then text = text .. " " .. verdict.place end
  return text
end

local function record(text)
  log.info("log_only: not carried out", { asked = options.policy, answer = text })
  return wavegate.label { [label] = printable(text) }
end

local function wrap(handler)
  return function(argument, ctx)
    local ok, verdict = pcall(handler, argument, ctx)
    if not ok then return record("error " .. tostring(verdict)) end
    if verdict == nil then return end
    return record(describe(verdict))
  end
end

-- A chain of the other policy ends at its first answer; what would not have been asked is not.
local function chain(handlers)
  local function ask(argument, ctx)
    local kept
    for _, handler in ipairs(handlers) do
      local verdict = handler(argument, ctx)
      kept = verdict or kept
      if verdict and verdict.kind ~= "label" and verdict.kind ~= "limit" then return verdict end
    end
    return kept
  end
  return wrap(ask)
end

for hook, handlers in pairs(wavegate.handlers(options.policy, options.options)) do
  wavegate.on(hook, chain(handlers))
end
