# SPDX-License-Identifier: Apache-2.0
"""The snippets of docs/policy.md are what they say: policies that load, tests that pass."""
import re
from pathlib import Path

import pytest

from harness import wavegate

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
SNIPPET = re.compile(r"^```lua\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"\A-- (policies/\w+\.lua)\b")


def snippets():
    for match in SNIPPET.finditer(TEXT):
        line = TEXT.count("\n", 0, match.start()) + 1
        name = FILE_NAME.match(match[1])
        yield pytest.param(match[1], name and name[1], id=f"line {line}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Named snippets are files that others, and their tests, find."""
    made = tmp_path_factory.mktemp("docs")
    (made / "policies").mkdir()
    (made / "lists").mkdir()
    (made / "lists" / "blocks.csv").write_text("#domain,#severity\nbad.example,suspend\n")
    for snippet in SNIPPET.findall(TEXT):
        name = FILE_NAME.match(snippet)
        if name:
            (made / name[1]).write_text(snippet)
    return made


@pytest.mark.parametrize("text,name", snippets())
def test_a_snippet_is_good(folder, text, name):
    file = name or "policies/snippet.lua"
    (folder / file).write_text(text)
    done = wavegate("policy", "check", file, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    if file.endswith("_test.lua"):
        done = wavegate("policy", "test", file, cwd=folder)
        assert done.returncode == 0, done.stdout


def test_there_are_snippets():
    assert len(SNIPPET.findall(TEXT)) >= 8


def test_every_ready_made_policy_has_its_row_its_head_and_its_tests():
    section = TEXT.split("## Ready-made policies")[1].split("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))
    files = {file.stem for file in (ROOT / "policies").glob("*.lua") if not file.stem.endswith("_test")}
    assert listed == files
    for name in files:
        assert (ROOT / f"policies/{name}_test.lua").exists()
        text = (ROOT / f"policies/{name}.lua").read_text()
        assert re.match(r"-- [^\n]+\n(--[^\n]*\n)*-- Hooks: +\S", text), name
        options = re.search(r"^\| `%s` \|.*\|(.*)\|$" % name, section, re.MULTILINE)[1]
        told = set(re.findall(r"`(\w+)`", options))
        declared = set(re.findall(r"^  (\w+) = \{", text, re.MULTILINE))
        assert told == declared, name
