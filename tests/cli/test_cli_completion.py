"""Completion: in bash, zsh and fish as they are, each of which is asked to complete a line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import PATIENCE, environment, run

from rnncli.cli import COMMANDS
from rnncli.workflows.completion import candidates

pexpect = pytest.importorskip("pexpect")
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile"],
    "zsh": ["zsh", "-f"],
    "fish": ["fish", "--no-config"],
}
LINES = {
    "rnncli inspe": "rnncli inspect-grads ",
    "rnncli train --resu": "rnncli train --resume ",
    "rnncli predict runs/first --form": "rnncli predict runs/first --format ",
    "rnncli predict runs/first -f jsonl": "rnncli predict runs/first -f jsonl ",
    "rnncli train --set training.bptt_": "rnncli train --set training.bptt_stride=",
    "rnncli train --set model.cell=peep": "rnncli train --set model.cell=peephole ",
    "rnncli predict runs/fi": "rnncli predict runs/first ",
    "rnncli evaluate conf": "rnncli evaluate config.yaml ",
    "rnncli train note": "rnncli train notes.txt ",
    "rnncli help training.mag": "rnncli help training.magnitude ",
    "rnncli completion zs": "rnncli completion zsh ",
}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, a folder that is no run, a config and data; and with a command `rnncli`."""
    folder = tmp_path_factory.mktemp("there")
    for name in ("runs/first", "runs/failed", "bin"):
        (folder / name).mkdir(parents=True)
    (folder / "runs/first/model.safetensors").touch()
    (folder / "runs/first/config.yaml").touch()
    (folder / "config.yaml").touch()
    (folder / "notes.txt").touch()
    command = folder / "bin/rnncli"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rnncli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return folder


def surroundings(there: Path) -> dict[str, str]:
    env = environment(HOME=str(there), TERM="dumb", PS1="> ", PROMPT="> ")
    return env | {"PATH": f"{there / 'bin'}{os.pathsep}{env['PATH']}", "PYTHONPATH": str(Path(__file__).parents[2])}


def asked(there: Path, *words: str) -> list[str]:
    """What bash is told about a line of these words, the last of which is begun."""
    env = surroundings(there) | {
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "_RNNCLI_COMPLETE": "bash_complete",
    }
    done = subprocess.run(["rnncli"], cwd=there, env=env, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rnncli", ""], [f"plain,{name}" for name in COMMANDS]),
        (["rnncli", "predict", ""], ["plain,runs/first"]),
        (["rnncli", "predict", "note"], ["file,note"]),
        (["rnncli", "train", ""], ["file,"]),
        (["rnncli", "evaluate", ""], ["plain,runs/first", "plain,config.yaml"]),
        (["rnncli", "train", "--set", "data.decimal", "=", ""], ["plain,.", "plain,,"]),
        (["rnncli", "train", "--set", "=", "model.rec"], ["open,model.recurrent_init=", "open,model.recurrent_scale="]),
        (["rnncli", "train", "--set", "training.nothing", "=", ""], []),
        (["rnncli", "predict", "runs/first", "--format", "=", "j"], ["plain,json", "plain,jsonl"]),
        (["rnncli", "evaluate", "runs/first", "--must-beat", ""], []),
        (["rnncli", "nothing", "x"], []),
    ],
    ids=" ".join,
)
def test_what_may_stand_there(words: list[str], told: list[str], there: Path) -> None:
    assert asked(there, *words) == told


def test_a_shell_that_is_not_known_is_told_nothing(there: Path) -> None:
    env = surroundings(there) | {"_RNNCLI_COMPLETE": "tcsh_complete"}
    done = subprocess.run(["rnncli"], cwd=there, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
    assert "did you mean" in run("completion", "bas", cwd=there).refused(2)


def test_a_choice_of_a_key_is_that_of_any_task(monkeypatch: pytest.MonkeyPatch, there: Path) -> None:
    monkeypatch.chdir(there)
    assert "data.scaling=none" in (candidates("KEY=VALUE", "data.scaling=") or [])


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_reads(shell: str, there: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    (there / f"script.{shell}").write_text(run("completion", shell, cwd=there).ok().out, encoding="utf-8")
    subprocess.run([shell, "-n", f"script.{shell}"], cwd=there, check=True, timeout=PATIENCE)


@pytest.mark.long
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_tab_key_completes_a_line(shell: str, there: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    child = pexpect.spawn(
        SHELLS[shell][0],
        [*SHELLS[shell][1:], "-i"],
        cwd=str(there),
        env=surroundings(there),
        dimensions=(24, 200),
        timeout=PATIENCE,
        encoding="utf-8",
    )
    try:
        ready = "autoload -Uz compinit; compinit -u; " if shell == "zsh" else ""
        child.sendline(f'{ready}eval "$(rnncli completion {shell})"; echo rea""dy')
        child.expect("ready\r")
        for line, completed in LINES.items():
            child.send(f"{line}\t\x01echo \x05.\r")  # Ctrl-A, Ctrl-E: show the line instead
            space = " ?" if completed.endswith(" ") else ""  # zsh takes it back before a full stop
            child.expect(rf"\n{re.escape(completed.rstrip())}{space}\.\s*\r\n", timeout=20)
    finally:
        child.close(force=True)


@pytest.mark.long
def test_fish_completes_a_line(there: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("no fish here")
    for line, completed in LINES.items():
        script = f"rnncli completion fish | source; complete -C '{line}'"
        done = subprocess.run(
            ["fish", "--no-config", "-c", script],
            cwd=there,
            env=surroundings(there),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        words = [answer.split("\t")[0] for answer in done.stdout.splitlines()]
        assert completed.split()[-1] in words, (line, done.stdout, done.stderr)
        assert all(word.startswith(line.split()[-1]) for word in words)
