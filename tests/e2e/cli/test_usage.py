# SPDX-License-Identifier: Apache-2.0
"""The one table of the command line, held to what the binary takes and refuses."""
import glob
import os
import shlex

import pytest

from cli_kit import as_argument, is_needed, least, runnable, usage, value
from harness import wavegate

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
VERBS = usage()
RUNNABLE = [verb for verb in runnable() if verb["verb"] not in ("help", "version")]
WRONG = ("is no option here", "is missing", "one word too many", "there is no verb", "needs its value",
         "given twice", "takes no value")


def names(verbs):
    return [verb["verb"].replace(" ", "-") for verb in verbs]


@pytest.fixture
def run(tmp_path):
    """In an empty folder: whatever asks a gateway finds none, whatever reads a file finds none."""
    def call(*arguments):
        environment = {name: value for name, value in os.environ.items()
                       if name != "WAVEGATE_CONFIG"}
        environment["ASAN_OPTIONS"] = "detect_leaks=0"  # a search at each of 1,500 exits takes minutes
        return wavegate(*arguments, cwd=tmp_path, env=environment, input="")
    return call


def is_wrong(done):
    return done.returncode == 2 and any(text in done.stderr for text in WRONG)


@pytest.mark.parametrize("verb", VERBS, ids=names(VERBS))
def test_every_verb_answers_help(run, verb):
    path = verb["verb"].split()
    for call in ([*path, "--help"], [*path, "-h"], ["help", *path]):
        done = run(*call)
        assert (done.returncode, done.stderr) == (0, ""), call
        assert done.stdout.startswith(verb["help"].split()[0])
        assert f"usage: wavegate {verb['verb']}" in done.stdout
        for row in verb["options"] + verb["words"]:
            assert row["name"] in done.stdout
        assert max(map(len, done.stdout.split("\n"))) <= 100, done.stdout


@pytest.mark.parametrize("verb", RUNNABLE, ids=names(RUNNABLE))
def test_what_is_declared_is_understood(run, verb):
    for option in verb["options"]:
        if option["occurs"] == "instead of all else":
            done = run(*verb["verb"].split(), option["name"])
        elif is_needed(option):
            done = run(*least(verb))
        else:
            done = run(*least(verb), *as_argument(option))
        assert not is_wrong(done), (option, done)
        if option["kind"] != "none" and not is_needed(option):
            done = run(*least(verb), f"{option['name']}={value(option)}")
            assert not is_wrong(done), (option, done)
    for word in verb["words"]:
        if not is_needed(word):
            assert not is_wrong(run(*least(verb), value(word))), word


@pytest.mark.parametrize("verb", RUNNABLE, ids=names(RUNNABLE))
def test_what_is_not_declared_is_refused(run, verb):
    done = run(*least(verb), "--nonsense")
    assert done.returncode == 2 and "'--nonsense' is no option here" in done.stderr, done
    for option in verb["options"]:
        wrong = option["name"] + "x"
        if wrong in [other["name"] for other in verb["options"]]:
            continue
        done = run(*least(verb), wrong)
        assert done.returncode == 2, done
        assert f"'{wrong}' is no option here, did you mean '--" in done.stderr, done
        assert f"usage: wavegate {verb['verb']}" in done.stderr
    if not any(word["occurs"] == "any number" for word in verb["words"]):
        words = [value(word) for word in verb["words"] if not is_needed(word)]
        done = run(*least(verb), *words, "surplus")
        assert done.returncode == 2 and "surplus" in done.stderr, done


@pytest.mark.parametrize("verb", RUNNABLE, ids=names(RUNNABLE))
def test_what_is_needed_is_asked_for(run, verb):
    for option in verb["options"]:
        if is_needed(option):
            done = run(*least(verb, without=option["name"]))
            assert done.returncode == 2, done
            assert f"'{option['name']}' is missing: {option['help']}" in done.stderr, done
    needed = [word for word in verb["words"] if is_needed(word)]
    if needed:
        done = run(*least(verb)[:-len(needed)])
        assert done.returncode == 2 and f"{needed[0]['name']} is missing" in done.stderr, done


@pytest.mark.parametrize("verb", RUNNABLE, ids=names(RUNNABLE))
def test_values_are_of_their_kind(run, verb):
    for option in verb["options"]:
        call = [*least(verb, without=option["name"]), option["name"]]
        if option["kind"] == "none":
            done = run(*least(verb), option["name"] + "=1")
            assert done.returncode == 2 and "takes no value" in done.stderr, done
            continue
        done = run(*call)
        assert done.returncode == 2 and "needs its value" in done.stderr, done
        if option["kind"] in ("number", "duration", "moment", "choice"):
            done = run(*call, "nonsense")
            assert done.returncode == 2 and "'nonsense' is not " in done.stderr, done
        if option["occurs"] != "once or more":
            done = run(*call, value(option), *as_argument(option))
            assert done.returncode == 2 and "given twice" in done.stderr, done


def test_an_option_means_the_same_kind_of_thing_in_all_sub_verbs():
    """Where a verb begins is found before its options are known."""
    flags = {}
    for verb in VERBS:
        for option in verb["options"]:
            key = (verb["verb"].split()[0], option["name"])
            assert flags.setdefault(key, option["kind"] == "none") == (option["kind"] == "none"), key


def test_every_option_is_read_by_some_verb():
    text = ""
    for file in glob.glob(os.path.join(ROOT, "core", "cli", "*.c")):
        with open(file, encoding="utf-8") as source:
            text += source.read()
    for verb in VERBS:
        for option in verb["options"]:
            name = option["name"]
            quoted = (f'"{name}"', f'"{name[2:]}"') if verb["verb"].startswith("tool ") else \
                (f'"{name}"',)
            assert option["occurs"] == "instead of all else" or any(q in text for q in quoted), \
                (verb["verb"], name)


def test_examples_are_as_the_table_wants_them(run):
    for verb in VERBS:
        for example in verb["examples"]:
            words = shlex.split(example["command"].split(" > ")[0].split(" | ")[0])
            if words[0] == "eval":
                words = words[1].lstrip("$(").rstrip(")").split()
            assert words[0] == "wavegate", example
            assert " ".join(words[1:]).startswith(verb["verb"]), example
            if verb["verb"] != "serve" and "--follow" not in words:
                assert not is_wrong(run(*words[1:])), example


def test_help_lines_are_of_one_style():
    for verb in VERBS:
        for row in [verb, *verb["options"], *verb["words"]]:
            first = row["help"][0]
            assert not row["help"].endswith(".") or row["help"].endswith("..."), row["help"]
            assert not first.isupper() or row["help"].split()[0].isupper() \
                or row["help"].split()[0] in ("JSON", "IP"), row["help"]


def test_without_a_gateway_it_is_said_what_to_do(run, tmp_path):
    done = run("queue", "list")
    assert done.returncode == 1 and "wavegate.lua" in done.stderr and "usage" not in done.stderr
    (tmp_path / "wavegate.lua").write_text("return {", encoding="utf-8")
    done = run("queue", "list")
    assert done.returncode == 1 and "wavegate.lua:1:" in done.stderr


def test_options_may_stand_before_sub_verbs_and_behind(run):
    for call in (["queue", "--json", "list"], ["queue", "--peer", "list", "list"],
                 ["queue", "list", "--peer=x"]):
        assert run(*call).returncode == 1, call  # no gateway: the words were understood


def test_what_was_typed_cannot_steer_the_terminal(run):
    for call in (["x\x1b[2J"], ["queue", "\x1b]0;x\x07"], ["queue", "list", "--\x1b[2J"],
                 ["queue", "list", "--limit", "\x1b[2J"]):
        done = run(*call)
        assert done.returncode == 2 and "\x1b" not in done.stderr, done
