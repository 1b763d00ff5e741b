"""The README is true: every code block is run, every shown output is what comes out, and nothing is undocumented."""

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from rnncli.cli import COMMANDS
from rnncli.config.sections import SECTIONS, keys_of
from rnncli.tasks.registry import TASKS, load_config

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)
RUNS_THE_TESTS = "python -m pytest"  # this block cannot run inside itself; .ci/run runs it, taken from here


def test_every_block_is_of_a_kind_that_is_checked():
    assert {kind for kind, _ in BLOCKS} <= {"sh", "text", "yaml"}
    assert len([1 for kind, block in BLOCKS if kind == "sh" and RUNS_THE_TESTS in block]) == 1


@pytest.mark.readme
def test_commands_run_in_order_and_print_what_is_shown(tmp_path):
    for folder in ("sample_data", "sample_configs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "tests/bench").mkdir(parents=True)
    shutil.copy(ROOT / "tests/bench/adding.py", tmp_path / "tests/bench")
    tools = tmp_path / "tools"
    tools.mkdir()
    # What pip would install is what runs these tests already.
    for name, command in {"pip": ":", "rnncli": f'exec "{sys.executable}" -m rnncli "$@"'}.items():
        (tools / name).write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environment |= {"LC_ALL": "C.UTF-8", "COLUMNS": "100"}
    for (kind, block), (next_kind, shown) in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True):
        if kind != "sh" or RUNS_THE_TESTS in block:
            continue
        done = subprocess.run(
            ["sh", "-e", "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        if next_kind == "text":
            assert done.stdout.strip() == shown.strip(), block


@pytest.mark.parametrize("block", [block for kind, block in BLOCKS if kind == "yaml"])
def test_yaml_blocks_are_valid_configs(block, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(block, encoding="utf-8")
    load_config(path)


def test_every_config_key_is_documented():
    keys = [key for task in TASKS.values() for section in SECTIONS for key in keys_of(task.config, section)]
    missing = [key for key in keys if f"`{key}`" not in README]
    assert not missing


def test_every_command_and_option_is_documented():
    missing = []
    for name in COMMANDS:
        command = import_module(f"rnncli.cli.{name.replace('-', '_')}").command
        options = [opt for parameter in command.params for opt in parameter.opts if opt.startswith("--")]
        missing += [f"{name} {option}" for option in options if f"`{option}" not in README]
        if f"rnncli {name}" not in README:
            missing.append(name)
    assert not missing
