# SPDX-License-Identifier: Apache-2.0
"""`wavegate policy test`: runs *_test.lua with made peers and events, and fails clearly."""
import json

import pytest

from harness import wavegate

POLICY = """local wavegate = require "wavegate"
local options = wavegate.options { most = { type = "integer", default = 100 } }
wavegate.on("event", function(event, ctx)
  if event.size > options.most then
    return wavegate.deny { reason = "too large: " .. event.size }
  end
  if ctx.now > 1767312000 then return wavegate.label { late = true } end
end)
"""
HEAD = 'local testing = require "wavegate.testing"\n'
BODY = '{ event = { content = { body = ("x"):rep(200) } } }'


@pytest.fixture
def run(tmp_path):
    """Runs a text as small_test.lua; returns exit status and the JSON answer."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/small.lua").write_text(POLICY)

    def run_text(text, *arguments):
        (tmp_path / "policies/small_test.lua").write_text(HEAD + text)
        done = wavegate("policy", "test", "--json", *arguments, cwd=tmp_path)
        assert done.stderr == "", done.stderr
        return done.returncode, json.loads(done.stdout)
    return run_text


def test_passes_and_counts(run):
    status, answer = run(f"""
testing.test("small events pass", function(t)
  local policy = t:policy {{ use = "small" }}
  t:expect(policy:ask("event").verdict):is "allow"
end)
testing.test("large ones do not", function(t)
  local answer = t:policy({{ use = "small", options = {{ most = 50 }} }}):ask("event", {BODY})
  t:expect(answer.verdict):is "deny"
  t:expect(answer.code):is "SW_FED_POLICY_REJECTED"
  t:expect(answer.reason):contains "too large"
  t:expect(answer.policy):is "small"
  t:expect(answer.line):is(5)
  t:expect(answer.trace[1].answer):is "deny"
  t:expect(answer.instructions):at_least(0)
end)""")
    assert (status, answer["passed"], answer["failed"]) == (0, 2, 0)
    assert [test["name"] for test in answer["tests"]] == ["small events pass", "large ones do not"]


FAILURES = [
    ("is", 't:expect(1 + 1):is(3)', 'expected 3, got 2'),
    ("text", 't:expect("a"):is "b"', 'expected "b", got "a"'),
    ("table", 't:expect({ a = { 1, "x" } }):is { a = { 1 } }', 'expected { a = { 1 } }, got { a = { 1, "x" } }'),
    ("nil", 't:expect(nil):is(false)', "expected false, got nil"),
    ("is_not", 't:expect(2):is_not(2)', "expected anything but 2"),
    ("contains", 't:expect("abc"):contains "x"', 'expected something with "x", got "abc"'),
    ("list", 't:expect({ 1, 2 }):contains(3)', "expected something with 3, got { 1, 2 }"),
    ("at_least", 't:expect(1):at_least(2)', "expected at least 2, got 1"),
    ("at_most", 't:expect(3):at_most(2)', "expected at most 2, got 3"),
    ("no failure", 't:expect(function() end):fails "x"', 'expected a failure with "x", got none'),
    ("another failure", 't:expect(function() error("y", 0) end):fails "x"', 'with "x", got "y"'),
    ("said", 't:fail "because"', "because"),
    ("an unknown policy", 't:policy { use = "smal" }', "no file smal.lua"),
    ("a wrong option", 't:policy { use = "small", options = { mst = 1 } }', "did you mean 'most'?"),
    ("an unknown field", 't:policy { uze = "small" }', "t:policy has no field 'uze'"),
    ("an unknown hook", 't:policy({ use = "small" }):ask "evnt"', "there is no such hook"),
    ("an unknown part", 't:policy({ use = "small" }):ask("event", { pear = {} })', "did you mean 'peer'?"),
    ("an unknown field of it", 't:policy({ use = "small" }):ask("event", { peer = { nam = "x" } })',
     "peer has no field 'nam', did you mean 'name'?"),
    ("a wrong value", 't:policy({ use = "small" }):ask("event", { peer = { known_for = "1d" } })',
     "peer.known_for must be a whole number"),
    ("an impossible event", 't:policy({ use = "small" }):ask("event", { event = { sender = "bob" } })', "sender"),
    ("a policy that breaks", 't:policy({ text = BREAKS }):ask("event", { event = { type = "x" } })',
     "the policy failed: policy:2: attempt to"),
    ("time that goes back", "t:turn(-1)", "the clock turns forward only"),
]


@pytest.mark.parametrize("text,part", [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
def test_fails_with_the_line_of_the_test(run, text, part):
    breaks = ('local BREAKS = [[require("wavegate").on("event", function(event)\n'
              'if event.type == "x" then local y = nil + 1 end end)]]\n')
    status, answer = run(f'{breaks}testing.test("it", function(t)\n  {text}\nend)')
    assert status == 1
    failed = answer["tests"][0]
    assert failed["place"] == "policies/small_test.lua:4"
    assert failed["at"] == "policies/small_test.lua:5", failed
    assert part in failed["failure"]


def test_an_error_of_the_test_itself_has_its_line(run):
    status, answer = run('testing.test("it", function(t)\n  local x = nil + 1\nend)')
    assert status == 1
    assert answer["tests"][0]["failure"].startswith("policies/small_test.lua:3: attempt to")


def test_goes_on_behind_a_failure(run):
    status, answer = run('testing.test("a", function(t) t:fail "x" end)\ntesting.test("b", function(t) end)')
    assert status == 1 and (answer["passed"], answer["failed"]) == (1, 1)


@pytest.mark.parametrize("text,part", [("local x = = 1", "unexpected symbol"), ("error('no', 0)", "no"),
                                       ("x = 1", "undeclared global 'x'"), ("while true do end", "budget exceeded")])
def test_a_file_that_cannot_run_fails(run, text, part):
    status, answer = run(text)
    assert status == 1 and part in answer["tests"][0]["failure"]


def test_the_clock_is_the_tests(run):
    status, answer = run("""
testing.test("late", function(t)
  local policy = t:policy { use = "small" }
  t:expect(t:now()):is(1767225600)
  t:expect(policy:ask("event").labels):is {}
  t:turn "25h"
  t:expect(policy:ask("event").labels):is { late = "true" }
  t:turn_to "2026-02-01"
  t:expect(t:now()):is(1769904000)
end)
testing.test("early again", function(t) t:expect(t:now()):is(1767225600) end)""")
    assert status == 0, answer


def test_a_policy_that_is_meant_to_break_can_be_tried(run):
    status, answer = run("""
testing.test("it", function(t)
  local policy = t:policy {
    on_error = "defer",
    text = [[require("wavegate").on("event", function(event)
      if event.type == "loop" then while true do end end
      if event.type == "error" then error("oh") end
    end)]],
  }
  local answer = policy:try("event", { event = { type = "loop" } })
  t:expect(answer.verdict):is "defer"
  t:expect(answer.failure):is "BUDGET"
  t:expect(policy:try("event", { event = { type = "error" } }).failure_text):contains "policy:3: oh"
  t:expect(policy:try("event").failure):is(nil)
end)""")
    assert status == 0, answer


ASKING = """local ASKING = [[
  local wavegate = require "wavegate"
  local http = require "wavegate.http"
  local time = require "wavegate.time"
  wavegate.on("event", function(event)
    if event.type == "sleep" then time.sleep("900ms") return wavegate.label { at = time.now() } end
    if event.type == "oversleep" then time.sleep("1h") end
    local response, why = http.get("https://x.example.com/a?b", { headers = { Accept = "text/plain" } })
    return wavegate.label { got = response and response.status .. response.body .. response.headers.a or why }
  end)]]
"""


def test_http_is_the_tests(run):
    status, answer = run(ASKING + """
testing.test("it", function(t)
  local policy = t:policy { text = ASKING }
  local seen
  t:http(function(request)
    seen = request
    return { status = 201, body = " made", headers = { a = " here" } }
  end)
  t:expect(policy:ask("event").labels.got):is "201 made here"
  t:expect(seen.method):is "GET"
  t:expect(seen.url):is "https://x.example.com/a?b"
  t:expect(seen.headers.Accept):is "text/plain"
  t:http(function() return nil, "no route" end)
  t:expect(policy:ask("event").labels.got):is "no route"
  t:expect(function() t:http "x" end):fails "takes a function"
end)
testing.test("of each test by itself", function(t)
  local policy = t:policy { text = ASKING }
  t:expect(function() policy:ask "event" end):fails "the policy asks https://x.example.com/a?b, and the test has no t:http"
  t:http(function() error("oh", 0) end)
  t:expect(function() policy:ask "event" end):fails "t:http: oh"
end)""")
    assert status == 0, answer


def test_waiting_takes_no_time_and_still_has_its_bound(run):
    status, answer = run(ASKING + """
testing.test("it", function(t)
  local policy = t:policy { text = ASKING }
  local before = t:now()
  t:expect(policy:ask("event", { event = { type = "sleep" } }).labels.at):is(tostring(before + 0.9))
  local answer = policy:try("event", { event = { type = "oversleep" } })
  t:expect(answer.failure):is "BUDGET"
  t:expect(answer.failure_text):contains "waiting time budget exceeded"
  t:expect(t:now()):is(before)
end)""")
    assert status == 0, answer


def test_defaults_make_a_plain_exchange(run):
    status, answer = run("""
testing.test("it", function(t)
  local policy = t:policy { server = "chat.example.org", text = [[
    local wavegate = require "wavegate"
    local function tell(...)
      local label = {}
      for i = 1, select("#", ...), 2 do label[select(i, ...)] = tostring((select(i + 1, ...))) end
      return wavegate.label(label)
    end
    wavegate.on("event", function(event, ctx)
      return tell("type", event.type, "origin", event.origin, "sender", event.sender, "room", ctx.room.id,
        "server", ctx.server, "direction", ctx.direction, "authenticated", ctx.authenticated)
    end)
    wavegate.on("invite", function(event) return tell("membership", event.membership) end)
    wavegate.on("backfill", function(request) return tell("limit", request.limit, "room", request.room_id) end)
  ]] }
  t:expect(policy:ask("event").labels):is {
    type = "swp.room.message", origin = "peer.example.com", sender = "@alice:peer.example.com", room = "room-1",
    server = "chat.example.org", direction = "inbound", authenticated = "true",
  }
  local outbound = policy:ask("event", { ctx = { direction = "outbound", authenticated = false } }).labels
  t:expect(outbound.origin):is "chat.example.org"
  t:expect(outbound.authenticated):is "false"
  t:expect(policy:ask("event", { peer = { name = "x.example" } }).labels.sender):is "@alice:x.example"
  t:expect(policy:ask("event", { event = { sender = "@bob:y.example" } }).labels.origin):is "y.example"
  t:expect(policy:ask("event", { event = { room_id = "room-7" } }).labels.room):is "room-7"
  t:expect(policy:ask("event", { room = { id = "room-8" } }).labels.room):is "room-8"
  t:expect(policy:ask("invite").labels.membership):is "invite"
  t:expect(policy:ask("backfill", { request = { limit = 9, room_id = "room-9" } }).labels):is { limit = "9", room = "room-9" }
end)""")
    assert status == 0, answer


def test_coverage_names_the_lines_that_did_not_run(run, tmp_path):
    (tmp_path / "policies/other.lua").write_text('local x = 1\nprint(x)\n')
    status, answer = run("""
testing.test("it", function(t) t:expect(t:policy({ use = "small" }):ask("event").verdict):is "allow" end)""",
                         "--coverage")
    rows = {row["file"]: row for row in answer["coverage"]}
    assert status == 0
    assert rows["policies/small.lua"]["lines"] == [[5, 5]]
    assert rows["policies/small.lua"]["statements"] == 7 and rows["policies/small.lua"]["run"] == 6
    assert rows["policies/other.lua"]["run"] == 0


def test_prints_for_people(run, tmp_path):
    run('testing.test("adds up", function(t)\n  t:expect(1):is(2)\nend)')
    done = wavegate("policy", "test", "policies", "--coverage", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == """FAILED policies/small_test.lua:2: adds up
       policies/small_test.lua:3: expected 2, got 1
policies/small_test.lua: 0 passed, 1 failed
1 tests in 1 file: 0 passed, 1 failed
    0.0 %  policies/small.lua  not run: 1-8
"""


def test_takes_one_file_or_folder(run, tmp_path):
    run('testing.test("a", function(t) t:policy { use = "small" } end)')
    for path in ("policies", "policies/small_test.lua", tmp_path, "."):
        assert wavegate("policy", "test", path, cwd=tmp_path).returncode == 0, path
    for path in ("nowhere", "policies/small.lua"):
        done = wavegate("policy", "test", path, cwd=tmp_path)
        assert done.returncode == 1 and done.stderr.startswith("wavegate policy test: ")
    assert wavegate("policy", "test", "a", "b", cwd=tmp_path).returncode == 2


def test_takes_the_folders_of_a_configuration(world):
    world.instance()
    world.write("policies/main.lua", 'require("wavegate").use("standard")\n')
    world.write("policies/main_test.lua", HEAD + """testing.test("it", function(t)
  t:expect(t:policy({ file = "policies/main.lua" }):ask("peer").verdict):is "deny" end)\n""")
    done = wavegate("policy", "test", "--config", world.write_config(world.config()), cwd=world.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 tests in 1 file: 1 passed, 0 failed" in done.stdout
