# SPDX-License-Identifier: Apache-2.0
"""Completion in real shells: what is offered behind the words of a line."""
import os
import pty
import select
import shutil
import subprocess
import time

import pytest

from harness import wavegate, wavegate_binary

SHELLS = ("bash", "zsh", "fish")
BASH = r"""
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_wavegate
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "bin").mkdir()
    os.symlink(os.path.abspath(wavegate_binary()), folder / "bin" / "wavegate")
    for shell, name in zip(SHELLS, ("wavegate", "_wavegate", "wavegate.fish")):
        done = wavegate("completion", shell)
        assert done.returncode == 0 and done.stderr == ""
        (folder / name).write_text(done.stdout, encoding="utf-8")
    return folder


def environment(scripts, **more):
    return {**os.environ, "PATH": f"{scripts / 'bin'}:{os.environ['PATH']}", "HOME": str(scripts),
            "LC_ALL": "C.UTF-8", "TERM": "dumb", **more}


def bash(scripts, *words, cwd):
    """Words as bash cuts them: at '=' and ':' as well."""
    done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", str(scripts / "wavegate"), "wavegate", *words],
                          capture_output=True, text=True, timeout=30, cwd=cwd, check=False,
                          env=environment(scripts))
    assert done.returncode == 0, done
    assert done.stderr == "", done
    return done.stdout.split()


def fish(scripts, line, cwd):
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {scripts / 'wavegate.fish'}; complete -C '{line}'"],
        capture_output=True, text=True, timeout=30, cwd=cwd, check=False, env=environment(scripts))
    assert done.returncode == 0, done
    return [row.split("\t")[0] for row in done.stdout.split("\n") if row]


def type_into(command, setup, line, cwd, env, end):
    """Types a line into a shell on a terminal, and reads until end stands there."""
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=cwd, env=env,
                          start_new_session=True) as process:
        os.close(slave)
        seen = b""
        try:
            os.write(master, (setup + "\n").encode())
            sent = False
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                if select.select([master], [], [], 0.2)[0]:
                    seen += os.read(master, 65536)
                if not sent and seen.count(b"ready-now") >= 2:
                    seen, sent = b"", True
                    os.write(master, line.encode())
                shown = seen.replace(b" \x08", b"")  # zsh takes back the space it has set
                if sent and end in shown:
                    return shown.decode(errors="replace")
            raise AssertionError(f"{end!r} did not come: {seen!r}")
        finally:
            process.kill()
            os.close(master)


def test_bash_completes_verbs_options_and_choices(scripts, tmp_path):
    assert "queue" in bash(scripts, "", cwd=tmp_path)
    assert bash(scripts, "que", cwd=tmp_path) == ["queue"]
    assert bash(scripts, "queue", "quarantine", "re", cwd=tmp_path) == ["release", "reject"]
    assert bash(scripts, "queue", "list", "--sta", cwd=tmp_path) == ["--state"]
    assert bash(scripts, "queue", "list", "--state", "", cwd=tmp_path) == ["waiting", "held", "dead"]
    assert bash(scripts, "queue", "list", "--state", "=", "h", cwd=tmp_path) == ["held"]
    assert bash(scripts, "queue", "list", "--state", "=", cwd=tmp_path) == ["waiting", "held", "dead"]
    assert "--json" not in bash(scripts, "queue", "list", "--json", "--", cwd=tmp_path)
    assert bash(scripts, "help", "queue", "susp", cwd=tmp_path) == ["suspend"]
    assert bash(scripts, "nonsense", "", cwd=tmp_path) == []


def test_bash_completes_files(scripts, tmp_path):
    (tmp_path / "my gateway.lua").write_text("")
    (tmp_path / "other.lua").write_text("")
    assert bash(scripts, "check", "--config", "oth", cwd=tmp_path) == ["other.lua"]
    assert bash(scripts, "check", "--config", "=", "oth", cwd=tmp_path) == ["other.lua"]
    done = bash(scripts, "policy", "check", "my", cwd=tmp_path)
    assert done == ["my", "gateway.lua"]  # one candidate, with its space


def test_bash_completes_at_its_prompt(scripts, tmp_path):
    seen = type_into(["bash", "--norc", "--noprofile", "-i"],
                     f"source {scripts / 'wavegate'}; echo ready-now", "wavegate queue sus\t--re\tx",
                     tmp_path, environment(scripts), b"--reason x")
    assert "wavegate queue suspend --reason x" in seen.replace("\x07", "")


def test_fish_completes(scripts, tmp_path):
    (tmp_path / "other.lua").write_text("")
    assert "queue" in fish(scripts, "wavegate ", tmp_path)
    assert fish(scripts, "wavegate queue quarantine re", tmp_path) == ["reject", "release"]
    assert "--state" in fish(scripts, "wavegate queue list --sta", tmp_path)
    assert set(fish(scripts, "wavegate queue list --state ", tmp_path)) == {"waiting", "held", "dead"}
    assert fish(scripts, "wavegate queue list --state=h", tmp_path) == ["--state=held"]
    assert "other.lua" in fish(scripts, "wavegate check --config oth", tmp_path)


@pytest.mark.parametrize("line, end", [
    ("wavegate queue sus\t--re\tx", b"queue suspend --reason x"),
    ("wavegate queue list --state h\tx", b"--state held x"),
    ("wavegate queue list --state=h\tx", b"--state=held x"),
    ("wavegate check --config oth\tx", b"--config other.lua x"),
    ("wavegate check --config=oth\tx", b"--config=other.lua x"),
], ids=["verbs-and-options", "choices", "joined", "files", "joined-files"])
def test_zsh_completes_at_its_prompt(scripts, tmp_path, line, end):
    (tmp_path / "other.lua").write_text("")
    seen = type_into(["zsh", "-f", "-i"],
                     f"fpath=({scripts} $fpath); autoload -Uz compinit; compinit -u -D; PS1='> '; "
                     "echo ready-now",
                     line, tmp_path, environment(scripts), end)
    assert end.decode() in seen


def test_what_the_gateway_knows_is_offered(town, scripts):
    town.send()
    folder = town.world.folder
    assert "peer.example.test" in bash(scripts, "doctor", "", cwd=folder)
    assert bash(scripts, "peers", "forget", "pe", cwd=folder) == ["peer.example.test"]
    assert set(bash(scripts, "queue", "list", "--server", "", cwd=folder)) == \
        {"a.example.test", "b.example.test"}
    elsewhere = os.path.join(folder, "policies")
    assert bash(scripts, "doctor", "--config", "../wavegate.lua", "", cwd=elsewhere) == \
        ["peer.example.test"]
    assert bash(scripts, "doctor", "", cwd=elsewhere) == []
    done = town.gateway.run("completion", "values", "server")
    assert sorted(done.stdout.split()) == ["a.example.test", "b.example.test"]


def test_without_a_gateway_nothing_is_said(tmp_path):
    for kind in ("peer", "server", "room", "event", "token"):
        done = wavegate("completion", "values", kind, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = wavegate("completion", "values", "pear", cwd=tmp_path)
    assert done.returncode == 2 and "did you mean 'peer'" in done.stderr


def test_the_scripts_are_good_shell(scripts):
    assert subprocess.run(["bash", "-n", scripts / "wavegate"], check=False).returncode == 0
    assert subprocess.run(["zsh", "-n", scripts / "_wavegate"], check=False).returncode == 0
    assert subprocess.run(["fish", "-n", scripts / "wavegate.fish"], check=False).returncode == 0
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", "-s", "bash", "-e", "SC2207", scripts / "wavegate"],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
