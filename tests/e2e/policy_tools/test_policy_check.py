# SPDX-License-Identifier: Apache-2.0
"""`wavegate policy check`: what is wrong with a policy, with file and line, before it serves."""
import json

import pytest

from harness import wavegate

HEAD = 'local wavegate = require "wavegate"\n'


@pytest.fixture
def check(tmp_path):
    """Checks a text as main.lua; returns the exit status and the problems as (line, kind, text)."""
    def run(text, *others):
        (tmp_path / "main.lua").write_text(HEAD + text)
        done = wavegate("policy", "check", "main.lua", *others, "--json", cwd=tmp_path)
        assert done.stderr == ""
        answer = json.loads(done.stdout)
        problems = [(row["line"], row["kind"], row["text"]) for row in answer["problems"]]
        assert done.returncode == (1 if problems else 0)
        return problems
    return run


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


GOOD = {
    "locals, parameters and upvalues": """
        local a, b <const> = 1, 2
        local function f(x, ...) local y, z = x + a, ...; return function() return y, b, z end end
        wavegate.on("event", function(event, ctx) local z = f(event.size) end)""",
    "loops": """
        for i = 1, 3 do local t = i end
        for key, value in pairs({ a = 1 }) do local t = key, value end
        repeat local done = true until done
        while false do end""",
    "fields and methods are not globals": """
        local t = { os = 1, ["io"] = 2, debug = function() end }
        local n = t.os + #("x"):rep(3) + t["io"]
        function t.load() end
        function t:dofile() return self.os end""",
    "goto and labels": "do goto out end\n::out::",
    "strings and comments that look like code": """
        local s = "os.execute()" -- io.open()
        local l = [[ x = 1 ]] --[==[ y = 2 ]==]
        local e = 'it\\'s' .. "a" .. 1 .. 2 // 1
        local n = 8 >> 1 << 2 ~ 1 & 3 | 4""",
    "all of the sandbox": "local _ = string.format, table.concat, math.pi, utf8.len, print, select, _ENV",
    "an answer that is not the only way": """
        wavegate.on("event", function(event)
          if event.type == "x" then return wavegate.deny { reason = "x" } end
        end)
        wavegate.on("event", function() return wavegate.allow() end)""",
    "an early return": """
        wavegate.on("event", function(event)
          if event.type == "x" then return end
          return wavegate.allow()
        end)
        wavegate.on("event", function() return wavegate.allow() end)""",
    "labels and limits do not end the chain": """
        wavegate.on("backfill", function() return wavegate.limit { events = 3 } end)
        wavegate.on("backfill", function() return wavegate.allow() end)""",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_finds_nothing_in_good_policies(check, text):
    assert check(text) == []


NAMES = [
    ("reads an unknown global", "local x = strng", 2, "global", "unknown global 'strng', did you mean 'string'?"),
    ("writes a global", "\ncount = 1", 3, "global", "write 'local count'"),
    ("writes a second global", "local a; a, b = 1, 2", 2, "global", "undeclared global 'b'"),
    ("defines a global function", "function helper() end", 2, "global", "undeclared global 'helper'"),
    ("uses what Lua has elsewhere", "local f = function() return os.time() end", 2, "global", "policies have no 'os'"),
    ("uses a library's withheld function", "local f = string.dump", 2, "field", "there is no string.dump"),
    ("misspells a function of a module", "local f = function() wavegate.alow() end", 2, "field",
     "there is no wavegate.alow"),
    ("misspells a field of a module", 'local d = require("wavegate.document")\nlocal f = d.default_mod', 3, "field",
     "there is no wavegate.document.default_mod"),
    ("a local out of its block", "do local x = 1 end\nlocal y = x", 3, "global", "unknown global 'x'"),
    ("a local before its declaration", "local x = x", 2, "global", "unknown global 'x'"),
    ("in a table", "local t = { a = aa, [bb] = 1, cc }", 2, "global", "'aa'"),
    ("in code that never runs", 'wavegate.on("event", function(e) if e.type == "x" then boom() end end)', 2,
     "global", "unknown global 'boom'"),
]


@pytest.mark.parametrize("text,line,kind,part", [row[1:] for row in NAMES], ids=[row[0] for row in NAMES])
def test_finds_names_the_sandbox_does_not_have(check, text, line, kind, part):
    problems = check(text)
    assert any((row[0], row[1]) == (line, kind) and part in row[2] for row in problems), problems


def test_tells_each_name_once_a_line(check):
    problems = check("local t = { a = aa, [bb] = 1, cc }")
    assert [row[2] for row in problems] == ["unknown global 'aa'", "unknown global 'bb'", "unknown global 'cc'"]


LOADING = [
    ("syntax", "local x = = 1", 2, "unexpected symbol near '='"),
    ("an unknown policy", 'wavegate.use("standart")', 2, "no file standart.lua"),
    ("an unknown option", 'wavegate.use("standard", { default_mod = "open" })', 2, "did you mean 'default_mode'?"),
    ("a wrong value", 'wavegate.use("standard", { default_mode = "opne" })', 2, "did you mean 'open'?"),
    ("an option that must be given", 'wavegate.use("allow_list")', 2, "option 'peers' is required"),
    ("an unknown hook", 'wavegate.on("evnt", print)', 2, "did you mean 'event'?"),
    ("an error in a handler", 'wavegate.on("event", function(event)\n  return event.tpye\nend)', 3, "did you mean 'type'?"),
    ("an endless handler", 'wavegate.on("event", function(event)\n  while true do end\nend)', 3, "budget exceeded"),
    ("an endless file", "while true do end", 2, "budget exceeded"),
]


@pytest.mark.parametrize("text,line,part", [row[1:] for row in LOADING], ids=[row[0] for row in LOADING])
def test_finds_what_fails_at_loading(check, text, line, part):
    found = only(check(text))
    assert found[:2] == (line, "load") and part in found[2]


UNREACHABLE = [
    ("behind one that always allows",
     'wavegate.on("event", function() return wavegate.allow() end)\nwavegate.on("event", function() end)', [3]),
    ("behind if and else that both answer", """local function judge(event)
  if event.size > 9 then
    return wavegate.deny { reason = "large" }
  else
    do return wavegate.allow() end
  end
end
wavegate.on("event", judge)
wavegate.on("invite", function() end)
wavegate.on("event", function() end)
wavegate.on("event", function() end)""", [11, 12]),
]


@pytest.mark.parametrize("text,lines", [row[1:] for row in UNREACHABLE], ids=[row[0] for row in UNREACHABLE])
def test_finds_handlers_that_are_never_asked(check, text, lines):
    problems = check(text)
    assert [(row[0], row[1]) for row in problems] == [(line, "unreachable") for line in lines]


def test_finds_a_policy_used_behind_one_that_always_answers(check):
    problems = check('wavegate.use("standard")\nwavegate.use("deny_list", { peers = { "a.example" } })')
    found = only(problems)
    assert found[1] == "unreachable" and "standard.lua" in found[2]


def test_reads_the_files_that_a_policy_uses(check, tmp_path):
    (tmp_path / "mine.lua").write_text("local x = 1\nlocal y = z\n")
    check('wavegate.use("mine")')
    done = wavegate("policy", "check", "main.lua", "--json", cwd=tmp_path)
    rows = json.loads(done.stdout)
    assert [row["file"].rsplit("/", 1)[-1] for row in rows["problems"]] == ["mine.lua"]
    assert len(rows["files"]) == 2


def test_does_not_miss_the_options_of_a_policy_by_itself(tmp_path):
    (tmp_path / "mine.lua").write_text(HEAD + 'local o = wavegate.options { a = { type = "list", required = true } }\n')
    assert wavegate("policy", "check", "mine.lua", cwd=tmp_path).returncode == 0


def test_looks_only_at_the_names_of_a_test(tmp_path):
    (tmp_path / "a_test.lua").write_text('local testing = require "wavegate.testing"\ntesting.test("x", fnction)\n')
    done = wavegate("policy", "check", "a_test.lua", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "a_test.lua:2: unknown global 'fnction'\n")


def test_prints_problems_as_compilers_do(tmp_path):
    (tmp_path / "main.lua").write_text(HEAD + "x = 1\n")
    done = wavegate("policy", "check", "main.lua", cwd=tmp_path)
    assert done.stderr == "main.lua:2: assignment to the undeclared global 'x': write 'local x'\n"
    assert done.stdout == ""


def test_says_when_all_is_good(tmp_path):
    (tmp_path / "main.lua").write_text(HEAD + 'wavegate.use("standard")\n')
    done = wavegate("policy", "check", "main.lua", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "good: 2 files\n", "")


def test_refuses_a_file_that_is_not_there(tmp_path):
    done = wavegate("policy", "check", "nothing.lua", cwd=tmp_path)
    assert done.returncode == 1 and "nothing.lua" in done.stderr


def test_checks_the_policies_of_a_configuration(world):
    world.instance("a.example.test")
    world.instance("b.example.test")
    world.write("policies/main.lua", HEAD + 'wavegate.use("mine")\n')
    world.write("policies/mine.lua", "local x = oops\n")
    done = wavegate("policy", "check", "--config", world.write_config(world.config()))
    assert done.returncode == 1
    assert done.stderr == "policies/mine.lua:1: unknown global 'oops'\n"  # once, although both use it
    world.write("policies/mine.lua", "")
    done = wavegate("policy", "check", "--config", world.path("wavegate.lua"))
    assert (done.returncode, done.stdout) == (0, "good: 2 files\n")


def test_tells_what_is_wrong_with_the_configuration(tmp_path):
    done = wavegate("policy", "check", cwd=tmp_path)
    assert done.returncode == 1 and "wavegate.lua" in done.stderr


def test_wrong_usage_is_told_apart(tmp_path):
    assert wavegate("policy", "check", "--colour").returncode == 2
    assert wavegate("policy").returncode == 2
    done = wavegate("policy", "chek")
    assert done.returncode == 2 and "did you mean 'check'?" in done.stderr
