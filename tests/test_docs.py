"""The README and the manual are true: every block is run, every shown output is what comes out, nothing is left out."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reference_pages import DOCS, PAGES

from rnncli.cli import COMMANDS
from rnncli.tasks.registry import TASKS, load_config

ROOT = Path(__file__).parents[1]
WRITTEN = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted(DOCS.glob("*.md")))}
BLOCKS = {name: re.findall(r"```(\w*)\n(.*?)```", text, re.S) for name, text in WRITTEN.items()}
SHOWN = r"```(?:\n\n```text\n(.*?)```)?"
RUN = {name: re.findall(rf"```sh\n(.*?){SHOWN}", text, re.S) for name, text in WRITTEN.items()}
PYTHON = re.findall(rf"```py\n(.*?){SHOWN}", WRITTEN["python.md"], re.S)
GUIDE = ROOT / ".github/CONTRIBUTING.md"
RUNS_THE_TESTS = "python -m pytest"  # this block cannot run inside itself; .ci/run runs it, taken from here


def test_the_readme_is_short_enough_to_be_read():
    assert len(WRITTEN["README.md"].splitlines()) <= 180


def test_every_block_is_of_a_kind_that_is_checked():
    assert {kind for blocks in BLOCKS.values() for kind, _ in blocks} <= {"sh", "py", "text", "yaml"}
    assert len([1 for kind, block in BLOCKS["README.md"] if kind == "sh" and RUNS_THE_TESTS in block]) == 1


@pytest.fixture
def environment(tmp_path):
    """One in which `rnncli` is what is tested, and `pip` installs nothing: what it would is what runs these tests."""
    tools = tmp_path / "tools"
    tools.mkdir()
    commands = {
        "pip": ":",
        "rnncli": f'exec "{sys.executable}" -m rnncli "$@"',
        "tail": f'exec timeout 20 "{shutil.which("tail")}" "$@"',  # which would follow its file for ever
    }
    for tool, command in commands.items():
        (tools / tool).write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        (tools / tool).chmod(0o755)
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "COLUMNS": "100"}


@pytest.mark.long
def test_the_commands_of_the_contributors_guide_pass(environment):
    for block in re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S):
        done = subprocess.run(["sh", "-e", "-c", block], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


@pytest.mark.readme
@pytest.mark.parametrize("name", [name for name, blocks in RUN.items() if blocks])
def test_commands_run_in_order_and_print_what_is_shown(name, tmp_path, environment):
    for folder in ("sample_data", "sample_configs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "tests/bench").mkdir(parents=True)
    shutil.copy(ROOT / "tests/bench/adding.py", tmp_path / "tests/bench")
    if "git log" in WRITTEN[name]:
        history = (
            'git init -q . && for i in $(seq 40); do git commit -q --allow-empty -m "forecast: mend number $i"; done'
        )
        author = {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        subprocess.run(["sh", "-e", "-c", history], cwd=tmp_path, env=environment | author, check=True)
    for block, shown in RUN[name]:
        if RUNS_THE_TESTS in block:
            continue
        done = subprocess.run(
            ["sh", "-e", "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        if shown:
            assert done.stdout.strip() == shown.strip(), block


@pytest.mark.readme
def test_blocks_of_python_run_in_order_and_print_what_is_shown(tmp_path, environment):
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    mark = "end of the block"
    script = "\n".join(f"{block}print({mark!r})" for block, _ in PYTHON)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    printed = [text.strip() for text in done.stdout.split(mark)]
    assert printed[:-1] == [shown.strip() for _, shown in PYTHON]


@pytest.mark.parametrize("block", [block for blocks in BLOCKS.values() for kind, block in blocks if kind == "yaml"])
def test_yaml_blocks_are_valid_configs(block, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(block, encoding="utf-8")
    load_config(path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", PAGES)
def test_the_pages_made_from_the_source_are_fresh(name):
    """So that every command, option and key has its place, with the values and the default that it really has."""
    assert WRITTEN[name] == PAGES[name](), "stale; run python tests/reference_pages.py"


def test_every_task_has_its_page():
    for name in TASKS:
        assert WRITTEN[f"{name}.md"].startswith(f"# {name}: ")


def test_every_command_is_in_the_readme_or_the_tutorial():
    for name in COMMANDS:
        assert f"rnncli {name}" in WRITTEN["README.md"] + WRITTEN["commands.md"]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_named_is_there(name):
    """Topics that the pages send to are found by `rnncli help`; files that they name exist."""
    from rnncli.workflows.help import manual

    for quoted, bare in re.findall(r"`rnncli help (?:\"([^\"]+)\"|([^`\"]+))`", WRITTEN[name]):
        if bare not in ("TOPIC", "[OPTIONS] [TOPIC]"):
            assert manual(quoted or bare)
    for sample in re.findall(r"`([a-z_0-9]+\.yaml)`", WRITTEN[name]):
        assert sample in ("config.yaml", "best.yaml") or (ROOT / "sample_configs" / sample).is_file(), sample


WORDS_THAT_ARE_LOOKED_FOR = (
    "prediction intervals",
    "backtesting",
    "anomaly detection",
    "checkpoint and resume",
    "attention",
    "sentiment",
    "beam search",
    "early stopping",
    "gradient clipping",
    "covariates",
    "exit codes",
    "reproducibility",
    "vanishing",
    "truncated backpropagation through time",
)


@pytest.mark.parametrize("word", WORDS_THAT_ARE_LOOKED_FOR)
def test_headings_hold_the_words_that_people_look_for(word):
    headings = re.findall(r"^#+ (.+)$", "\n".join(WRITTEN.values()), re.M)
    assert any(word in heading.lower() for heading in headings)
