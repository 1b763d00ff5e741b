"""Configs that `init` writes: as the file alone is trained, short, and with a comment on every line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from bare_files import KINDS, SALES, SMALL, prepared

from rnncli.config.commented import Line, commented
from rnncli.data.source import STDIN, read_source
from rnncli.errors import UsageError
from rnncli.tasks.registry import TASKS, load_config
from rnncli.tasks.task import Context
from rnncli.training.backpropagation import ThreadPool
from rnncli.workflows.compare_grads import changes_of
from rnncli.workflows.init import Request, init

FILES = {kind: entry for kind, entry in KINDS.items() if entry[0] != STDIN}


def of_file(path: Path) -> Any:
    """The config that the data complete of the one at `path`."""
    config = load_config(path)
    assert config.data.path is not None
    pool = ThreadPool(1)
    try:
        return TASKS[config.task].prepare(config, read_source(config.data.path), Context(pool)).config
    finally:
        pool.close()


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(folder: Path, name: str, content: str, *overrides: str) -> Path:
    (folder / name).write_text(content, encoding="utf-8")
    init(Request(name, "made.yaml", overrides))
    return folder / "made.yaml"


@pytest.mark.long
@pytest.mark.parametrize("kind", FILES)
def test_it_says_what_the_file_alone_would_be_trained_with(kind: str, tmp_path: Path) -> None:
    name, content, task, _ = FILES[kind]
    out = made(tmp_path, name, content, *SMALL)
    alone = prepared(content, name).config
    text = out.read_text(encoding="utf-8")
    assert of_file(Path(out.name)).model_dump() == alone.model_dump()
    # What is commented out is as it is without it.
    out.write_text(re.sub("^  # (?=[a-z_]+: [^ ]+ +#)", "  ", text, flags=re.MULTILINE), encoding="utf-8")
    assert of_file(Path(out.name)).model_dump() == alone.model_dump()
    assert f"\ntask: {task}" in text
    assert f"  path: {name} " in text  # beside the config


@pytest.mark.parametrize("kind", FILES)
def test_every_line_says_why(kind: str, tmp_path: Path) -> None:
    name, content, _, _ = FILES[kind]
    lines = made(tmp_path, name, content).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# yaml-language-server: $schema=rnncli.schema.json"
    for before, line in zip(["", *lines], lines, strict=False):
        is_key = re.match("(  )?[a-z_]+: .", line)
        assert not is_key or "  # " in line or before.startswith(("# ", "  # ")), line
        assert len(line) <= 100 or not line.lstrip().startswith("#"), line


@pytest.mark.long
@pytest.mark.parametrize("kind", FILES)
def test_sizes_and_lengths_are_written_out(kind: str, tmp_path: Path) -> None:
    name, content, _, _ = FILES[kind]
    config = load_config(made(tmp_path, name, content).name)
    model, training = config.model, config.training
    chosen = (model.cell, model.hidden_size, model.num_layers, model.dropout, training.epochs, training.max_time)
    assert None not in (*chosen, training.batch_size, training.learning_rate)


def test_what_is_given_stays(tmp_path: Path) -> None:
    out = made(tmp_path, "a.csv", SALES, "training.epochs=3", "training.optimizer=adam", "task=forecast")
    text = out.read_text(encoding="utf-8")
    assert re.search("^task: forecast +# as given$", text, re.MULTILINE)
    assert re.search("^  epochs: 3 +# as given$", text, re.MULTILINE)
    assert re.search("^  optimizer: adam +# as given$", text, re.MULTILINE)
    assert "max_time: 5m" not in text


def test_the_times_say_why(tmp_path: Path) -> None:
    text = made(tmp_path, "a.csv", SALES.replace("sold", "so # ld: [x]")).read_text(encoding="utf-8")
    assert re.search("^  freq: day +# the rows are one day apart$", text, re.MULTILINE)
    assert yaml.safe_load(text)["data"]["target"] == ["so # ld: [x]"]
    assert "read as YYYY-MM-DD, 2024-01-01 to 2024-01-31" in text


def test_a_file_that_exists_is_left(tmp_path: Path) -> None:
    out = made(tmp_path, "a.csv", SALES)
    before = out.read_bytes()
    with pytest.raises(UsageError, match="exists, and is left as it is"):
        made(tmp_path, "a.csv", SALES)
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("data", "out", "message"),
    [
        ("a.yaml", None, "is a config already; look at it with: rnncli check a.yaml"),
        ("a.csv", "a.txt", "call it .yaml"),
    ],
)
def test_what_makes_no_sense(data: str, out: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        init(Request(data, out))


def test_comments_cannot_become_keys() -> None:
    text = commented({"": [Line("task", "tag", "a\nkey: 1")], "data": [Line("text", "a: b\n", "x " * 80)]})
    assert yaml.safe_load(text) == {"task": "tag", "data": {"text": "a: b\n"}}
    assert max(map(len, text.splitlines())) <= 100


def test_a_time_to_fill_is_not_ended_by_epochs(tmp_path: Path) -> None:
    text = made(tmp_path, "a.csv", SALES, "training.max_time=10m", "task=forecast").read_text(encoding="utf-8")
    assert re.search("^  max_time: 10m +# as given$", text, re.MULTILINE)
    assert "epochs:" not in text


def test_a_cell_without_the_cap_can_be_set_in_a_config_of_a_text(tmp_path: Path) -> None:
    out = made(tmp_path, "a.txt", "\n".join(f"the {letter}ox jumps" for letter in "abcdefghij" * 40), *SMALL)
    assert "cap_input_gate" not in out.read_text(encoding="utf-8")
    assert load_config(Path(out.name), ["model.cell=slstm"]).model.cell == "slstm"
    for cell in ("rnn", "slstm", "lstm"):
        named = ["model.cell=lstm", "model.cap_input_gate=true", *changes_of(cell)]
        assert load_config(Path(out.name), named).model.cap_input_gate == (cell == "lstm")


@pytest.mark.parametrize("kind", FILES)
def test_the_reasons_count_what_training_says_that_it_has(kind: str) -> None:
    name, content, _, _ = FILES[kind]
    experiment = prepared(content, name)
    facts = " ".join(text for _, text in experiment.facts)
    reasons = experiment.reasons
    counts = re.findall(r"for ([0-9,]+) \w+ to train on|: ([0-9,]+) tokens tell", " ".join(reasons.values()))
    assert counts
    for count in counts:
        assert re.search(rf"(?<![0-9,]){''.join(count)}(?![0-9,])", facts), (count, facts)
