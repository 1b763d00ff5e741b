"""Help: complete, and shown without loading anything that takes time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cli_runs import environment, run

from rnncli import __version__
from rnncli.cli import COMMANDS, GROUPS, rnncli

HEAVY = ("numba", "numpy", "rich", "pydantic", "yaml", "safetensors", "matplotlib", "regex", "socket", "email")
WHAT_HELP_LOADS = """
import json, sys
from rnncli.cli import main
sys.argv = ["rnncli", *sys.argv[1:]]
try:
    main()
except SystemExit as leaving:
    print(json.dumps([leaving.code, sorted(sys.modules)]))
"""


LOADS: dict[str, tuple[str, ...]] = {
    "--help": (),
    "-h": (),
    "--version": (),
    **{f"{name} --help": () for name in COMMANDS},
    "tarin": (),
    "help training.bptt": ("rich",),
    "completion bash": (),
    "runs -f csv": (),
    "check no-data.yaml": ("pydantic", "yaml"),
}
"""Which of HEAVY each command loads; what is not here may load all."""


@pytest.mark.parametrize("line", LOADS)
def test_a_light_command_loads_nothing_heavy(line: str, tmp_path: Path) -> None:
    (tmp_path / "no-data.yaml").write_text("task: language-model\n", encoding="utf-8")
    (tmp_path / "runs/first").mkdir(parents=True)
    for name in ("config.yaml", "model.safetensors", "metrics.jsonl"):
        (tmp_path / "runs/first" / name).write_text("task: language-model\n" if name == "config.yaml" else "")
    command = [sys.executable, "-c", WHAT_HELP_LOADS, *line.split()]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == (2 if line == "tarin" else 0), done.stderr
    assert "rnncli.cli" in modules
    assert [name for name in HEAVY if name in modules] == sorted(LOADS[line], key=HEAVY.index)


def test_completing_loads_nothing_heavy(tmp_path: Path) -> None:
    asked = {"COMP_WORDS": "rnncli\ntrain\n--set\nmodel.", "COMP_CWORD": "3", "_RNNCLI_COMPLETE": "bash_complete"}
    command = [sys.executable, "-c", WHAT_HELP_LOADS]
    done = subprocess.run(command, cwd=tmp_path, env=environment(**asked), capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert "open,model.cell=" in done.stdout
    assert [name for name in HEAVY if name in modules] == []


def test_version(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path).ok().out == f"rnncli, version {__version__}\n"


def test_group_help_names_every_command_with_a_sentence(tmp_path: Path) -> None:
    shown = run("--help", cwd=tmp_path).ok()
    assert shown.err == ""
    for label, group in GROUPS.items():
        for i, (name, sentence) in enumerate(group.items()):
            assert f"{'' if i else label:<8}{name:<15}{sentence}" in shown.out.splitlines()
    assert all(f"--{option}" in shown.out for option in ("help", "debug", "version"))


def test_group_help_is_one_screen(tmp_path: Path) -> None:
    lines = run("--help", cwd=tmp_path).ok().out.splitlines()
    assert len(lines) < 24  # the prompt is the last line
    assert max(map(len, lines)) <= 80


def test_without_arguments_the_help_is_shown_as_help(tmp_path: Path) -> None:
    bare = run(cwd=tmp_path)
    assert bare.code == 2
    assert "\nLearn " in bare.out + bare.err
    assert bare.errors == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_explained(name: str) -> None:
    context = click.Context(rnncli)
    command = rnncli.get_command(context, name)
    assert command is not None
    assert command.name == name
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[-1]} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_ends_its_help_with_an_example(name: str, tmp_path: Path) -> None:
    """Which tests/test_docs.py runs, from the page that is made of it."""
    shown = run(name, "--help", cwd=tmp_path).ok().out
    example = shown.rpartition("  Example:\n")[2].splitlines()
    assert f"rnncli {name} " in f"{example[-1]} "
    assert max(map(len, example)) <= 80
    assert example[-1].strip() in run("help", name, cwd=tmp_path).ok().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tarin"], "No such command 'tarin'; did you mean \"train\"? See rnncli --help"),
        (["xyzzy"], "No such command 'xyzzy'; see rnncli --help"),
        (["--vresion"], "No such option '--vresion'; did you mean \"--version\"? See rnncli --help"),
        (["generate", "x", "--sed", "1"], "'--sed'; did you mean \"--seed\"? See rnncli generate --help"),
        (["train", "x", "--epochs", "3"], "'--epochs'; did you mean \"--set training.epochs=VALUE\"? See rnncli"),
        (["tune", "x", "--hidden-size", "3"], 'did you mean "--set model.hidden_size=VALUE"?'),
        (["check", "x", "--lr", "3"], 'did you mean "--set training.learning_rate=VALUE"?'),
        (["check", "x", "--max-time", "3s"], 'did you mean "--set training.max_time=VALUE"?'),
        (["init", "x", "--task", "tag"], 'did you mean "--set task=VALUE"?'),
        (["train", "x", "--output", "y"], 'did you mean "--out"?'),
        (["predict", "x", "--batch-size", "3"], "No such option '--batch-size'; see rnncli predict --help"),  # no --set
        (["predict", "x", "-f", "jsn"], "'jsonl', 'plot'; did you mean \"json\"? See rnncli predict --help"),
        (["predict", "x", "-f", "xml"], "'jsonl', 'plot'; see rnncli predict --help"),
        (["inspect-grads", "x", "--fail-on", "explodng"], 'not one of vanishing, exploding; did you mean "exploding"?'),
        (["train"], "name a config or a data file to train on"),
        (["generate", "a", "b"], "unexpected extra argument"),
    ],
)
def test_a_wrong_command_line_is_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    message = run(*arguments, cwd=tmp_path).refused(2)
    assert said in message
    assert "--help" in message
