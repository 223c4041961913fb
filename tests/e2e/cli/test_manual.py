# SPDX-License-Identifier: Apache-2.0
"""Manual pages: one for each verb, without a complaint of mandoc, saying all the table says."""
import glob
import os
import re
import subprocess

import pytest

from cli_kit import usage
from harness import wavegate

BUILD = os.environ["WAVEGATE_BUILD"]
TOP = [verb["verb"] for verb in usage() if " " not in verb["verb"]]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    done = wavegate("help", "--man", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def shown(file):
    """As a reader sees it, in one long line."""
    done = subprocess.run(["mandoc", "-Tutf8", "-O", "width=200", file], capture_output=True,
                          text=True, check=True)
    return re.sub(r"\s+", " ", re.sub(".\b", "", done.stdout)).replace("\u2019", "'")


def test_each_verb_has_a_page_and_each_page_a_verb(pages):
    names = sorted(os.path.basename(file) for file in glob.glob(str(pages / "man1" / "*")))
    assert names == sorted(["wavegate.1"] + [f"wavegate-{verb}.1" for verb in TOP])
    assert os.listdir(pages / "man5") == ["wavegate.conf.5"]
    assert os.listdir(pages / "man7") == ["wavegate-policy.7"]


def test_mandoc_has_nothing_to_say(pages):
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *glob.glob(str(pages / "man*" / "*"))],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_pages_say_all_there_is(pages):
    for verb in usage():
        text = shown(pages / "man1" / f"wavegate-{verb['verb'].split()[0]}.1")
        for row in verb["options"] + verb["words"]:
            assert row["name"] in text and row["help"].replace("`", "") in text, (verb["verb"], row)
        for part in verb["text"]:
            assert part.replace("`", "") in text, (verb["verb"], part)
        for example in verb["examples"]:
            assert example["command"] in text, example
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "FILES", "SEE ALSO"):
            assert section in text


def test_the_configuration_page_has_every_setting(pages):
    text = shown(pages / "man5" / "wavegate.conf.5")
    reference = wavegate("config", "reference").stdout
    settings = re.findall(r"^\| `([a-z_.]+)` \|", reference, re.M)
    assert len(settings) > 30
    for name in settings:
        assert f" {name} " in text, name


def test_references_lead_somewhere(pages):
    for file in glob.glob(str(pages / "man*" / "*")):
        with open(file, encoding="utf-8") as page:
            for name, section in re.findall(r"\.Xr (\S+) (\d)", page.read()):
                assert (pages / f"man{section}" / f"{name}.{section}").exists(), (file, name)


def test_what_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    done = wavegate("help", "--man", tmp_path / "file")
    assert done.returncode == 1 and "Not a directory" in done.stderr, done


def test_an_installation_has_pages_and_completions(tmp_path):
    done = subprocess.run(["cmake", "--install", BUILD, "--prefix", tmp_path / "usr"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for path in ("bin/wavegate", "share/man/man1/wavegate.1", "share/man/man1/wavegate-queue.1",
                 "share/man/man5/wavegate.conf.5", "share/man/man7/wavegate-policy.7",
                 "share/bash-completion/completions/wavegate",
                 "share/zsh/site-functions/_wavegate",
                 "share/fish/vendor_completions.d/wavegate.fish"):
        file = tmp_path / "usr" / path
        assert file.exists() and file.stat().st_size > 100, path
