"""Mistakes: one line each with its exit code, and nothing that was there before is lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from cli_runs import FIVE_GRAMS, Result, environment, in_shell, leftovers, model_sha256, run, scores, together
from conftest import Shelf, write_inputs

THREE_MISTAKES = """\
task: language-model
model:
  cell: lstn
  hiden_size: 8
training:
  learning_rate: 1e-3
  bptt: 0
"""
FILES = {
    "three.yaml": THREE_MISTAKES.encode(),
    "empty.txt": b"",
    "empty.csv": b"",
    "header.csv": b"month,sales\n",
    "word.csv": b"month,sales\n2001-01,1\n2001-02,2\n2001-03,many\n2001-04,3\n2001-05,7\n",
    "one.txt": b"aaaa",
    "latin.txt": b"first line\ncaf\xe9 au lait\n",
    "bytes.txt": b"\0\1\2ab\xe9\n" * 9,
    "a file": b"x",
    "bad\x1b[31m.csv": b"",
    "short.csv": b"month,sales\n2001-01,1\n2001-02,2\n",
}
WRONG: dict[str, tuple[Sequence[str], int, Sequence[str]]] = {
    "missing data of a config": (["char.yaml", "textt.txt"], 2, ['textt.txt; did you mean "text.txt"']),
    "a slip in a config": (["chr.yaml"], 2, ['chr.yaml: no such file; did you mean "char.yaml"?']),
    "missing config": (["nosuch.yaml"], 2, ["nosuch.yaml: no such file"]),
    "folder for a task of one file": (["forecast.yaml", "."], 2, ["files, and a forecast reads one"]),
    "pattern without files": (["*.nothing"], 2, ["*.nothing; it is a pattern, which no file matches"]),
    "nothing but empty files": (["empty.csv", "empty.txt"], 3, ["empty.csv, empty.txt are empty or binary"]),
    "standard input beside a file": (["one.txt", "-"], 2, ["- is standard input, which cannot be read beside files"]),
    "config after its data": (["one.txt", "char.yaml"], 2, ["char.yaml: is a config, and one.txt is not"]),
    "empty text": (["empty.txt"], 3, ["empty.txt"]),
    "empty table": (["empty.csv"], 3, ["empty.csv: is empty"]),
    "header only": (["header.csv"], 3, ["header.csv:1"]),
    "too few rows": (["forecast.yaml", "short.csv"], 3, ["short.csv: has 2 rows; 1 row before + horizon 4 needs 5"]),
    "one character": (["one.txt"], 3, ["one.txt: has 1 line, which a model can learn by heart"]),
    "not a number": (["word.csv"], 3, ['word.csv:4: column 2 "sales": "many" is not a number']),
    "latin-1 text called UTF-8": (
        ["latin.txt", "--encoding", "utf-8"],
        3,
        ["latin.txt:2:4: byte 0xE9 is not UTF-8", "--encoding latin-1"],
    ),
    "bytes that are no text": (["bytes.txt"], 3, ["bytes.txt:1:6: byte 0xE9 is not UTF-8"]),
    "run exists": (["char.yaml", "-o", "run"], 2, ["run: exists and is not empty; choose another -o"]),
    "run is a file": (["char.yaml", "-o", "a file"], 5, ["a file"]),
    "parent is a file": (["char.yaml", "-o", "a file/run"], 5, ["a file/run"]),
    "hostile name": (["bad\x1b[31m.csv"], 3, [r"bad\x1b[31m.csv"]),
    "wrong --set": (["char.yaml", "--set", "model.hiden_size=3"], 2, ["hiden_size", 'did you mean "hidden_size"']),
    "a config of nothing": (["char.yaml", "--set", "data.path=null"], 2, ["names no data"]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wrong")
    write_inputs(path)
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    (path / "run").mkdir()
    (path / "run/precious").write_text("kept")
    return path


@pytest.fixture(scope="module")
def refused(folder: Path) -> dict[str, Result]:
    jobs = [partial(run, "train", *arguments, cwd=folder) for arguments, _, _ in WRONG.values()]
    return dict(zip(WRONG, together(*jobs), strict=True))


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_one_line(name: str, refused: dict[str, Result]) -> None:
    _, code, fragments = WRONG[name]
    message = refused[name].failed(code)
    for fragment in fragments:
        assert fragment in message
    assert refused[name].out == ""


def test_what_was_there_is_kept(folder: Path, refused: dict[str, Result]) -> None:
    assert [entry.name for entry in (folder / "run").iterdir()] == ["precious"]
    assert (folder / "a file").read_text() == "x"


def test_three_mistakes_in_a_config_are_three_lines(folder: Path) -> None:
    lines = run("train", "three.yaml", "text.txt", cwd=folder).refused(2, mistakes=3).splitlines()
    assert lines[0].startswith("three.yaml:3:9: model.cell")
    assert 'did you mean "lstm"' in lines[0]
    assert lines[1].startswith('three.yaml:4:3: unknown key "hiden_size"; did you mean "hidden_size"')
    assert lines[2].startswith("three.yaml:7:9: training.bptt is 0")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_parent_that_cannot_be_written(place: Path) -> None:
    (place / "locked").mkdir(mode=0o500)
    assert "locked/run" in run("train", "char.yaml", "-o", "locked/run", cwd=place).refused(5)


DIVERGING = ["training.optimizer=sgd", "training.clip_norm=null", "training.schedule=constant"]


@pytest.mark.parametrize(
    "settings",
    [
        ["training.learning_rate=1e38"],
        ["training.learning_rate=1", "model.cell=rnn", "model.activation=identity", "model.recurrent_scale=3"],
    ],
    ids=["bounded cells, so only the head grows", "exploding states"],
)
def test_divergence_is_told_and_loses_nothing(settings: list[str], place: Path) -> None:
    flags = [part for setting in (*DIVERGING, *settings) for part in ("--set", setting)]
    said = run("train", "char.yaml", "-o", "run", "--set", "training.epochs=20", *flags, cwd=place)
    message = said.failed(6)
    assert "diverged" in message
    assert "learning_rate" in message
    assert said.out == ""
    assert leftovers(place / "run") == {"failure.safetensors"}
    if (place / "run/model.safetensors").exists():
        assert len(run("generate", "run", "-n", "5", cwd=place).ok().out) == 5


def test_weights_that_lead_nowhere_are_not_asked_for_answers(place: Path) -> None:
    pairs = "".join(f"{'abc'[i % 3]} {'de'[i % 2]}\t{'de'[i % 2]} {'abc'[i % 3]}\n" for i in range(36))
    (place / "pairs.tsv").write_text("source\ttarget\n" + pairs)
    small = ["model.cell=gru", "model.hidden_size=4", "model.num_layers=1", "training.learning_rate=1e300"]
    keys = [part for key in ("task=seq2seq", "training.epochs=2", *small) for part in ("--set", key)]
    assert "diverged" in run("train", "pairs.tsv", "-o", "run", *keys, cwd=place).failed(6)


def test_values_beyond_all_others_are_no_matter_of_the_learning_rate(place: Path) -> None:
    rows = [f"{1990 + i // 12}-{i % 12 + 1:02d},{1.1e25 if i == 77 else 1e25}\n" for i in range(144)]
    (place / "blip.csv").write_text("month,sales\n" + "".join(rows))
    message = run("train", "forecast.yaml", "blip.csv", "-o", "run", cwd=place).failed(6)
    assert "training.learning_rate is not the cause: mend or rescale values that are far beyond all others" in message


@pytest.mark.parametrize("size", [1e-300, 1e-42, 9e27])
def test_numbers_of_any_size_are_forecast(size: float, place: Path) -> None:
    rows = [f"{1990 + i // 12}-{i % 12 + 1:02d},{(30 + i * 7 % 12) * size!r}\n" for i in range(144)]
    (place / "sized.csv").write_text("month,sales\n" + "".join(rows))
    run("train", "forecast.yaml", "sized.csv", "-o", "run", cwd=place).ok()
    assert len(run("predict", "run", cwd=place).ok().rows()) == 4


@pytest.mark.long
def test_a_full_disk_leaves_the_earlier_model(shelf: Shelf, place: Path) -> None:
    limited = "export PYTHONDONTWRITEBYTECODE=1; ulimit -f 4; rnncli train char.yaml -o {} {}"  # 4 KiB a file
    run("train", "char.yaml", "-o", "whole", "-q", cwd=place).ok()
    before = model_sha256(place / "whole")
    fresh, resumed = together(
        partial(in_shell, limited.format("fresh", ""), place),
        partial(in_shell, limited.format("whole", "--resume"), place),
    )
    assert "cannot write" in fresh.failed(5)
    assert leftovers(place / "fresh") == set()
    assert not (place / "fresh/model.safetensors").exists()
    assert "intact" in resumed.failed(5)
    assert leftovers(place / "whole") == set()
    assert model_sha256(place / "whole") == before == model_sha256(shelf / "char")


def test_a_hostile_numba_config_is_not_read(shelf: Shelf, place: Path) -> None:
    (place / ".numba_config.yaml").write_text("{ this is: [not YAML\n")  # numba itself could not be imported
    run("train", "char.yaml", "-o", "run", "-q", cwd=place).ok()
    assert model_sha256(place / "run") == model_sha256(shelf / "char")


@pytest.mark.long
def test_training_in_the_c_locale(place: Path) -> None:
    c_locale = environment(LC_ALL="C", PYTHONIOENCODING="ascii")
    (place / "übung.txt").write_bytes((place / "odd.txt").read_bytes())
    said = run("train", "char.yaml", "übung.txt", "-o", "gelübde", cwd=place, env=c_locale).ok()
    assert "saved in gelübde" in said.err
    assert scores(said.out).keys() == {"network", *FIVE_GRAMS}


@pytest.mark.long
def test_a_reader_of_the_progress_may_leave(place: Path) -> None:
    gone = in_shell("rnncli train char.yaml -o run 2>&1 | head -1; exit ${PIPESTATUS[0]}", place)
    assert gone.code == 141
    assert len(gone.out.splitlines()) == 1
    assert gone.err == ""


@pytest.mark.long
def test_a_closed_stderr_loses_messages_and_nothing_else(place: Path) -> None:
    trained, refused = together(
        partial(in_shell, "rnncli train char.yaml -o run 2>&-", place),
        partial(in_shell, "rnncli train char.yaml nosuch.txt 2>&-", place),
    )
    assert scores(trained.ok().out).keys() == {"network", *FIVE_GRAMS}
    assert refused.code == 2


def test_help_into_a_pipe_that_closes(place: Path) -> None:
    gone = in_shell("rnncli train --help | sleep 0; exit ${PIPESTATUS[0]}", place)
    assert gone.refused(141, mistakes=0) == ""


def test_what_no_option_is_for_is_named(tmp_path: Path) -> None:
    (tmp_path / "-a b.csv").write_text("x,y\n1,2\n")
    assert run("predict", "run", "-o", "x.csv", cwd=tmp_path).failed(2) == (
        "No such option '-o'; results go to standard output: add > FILE. See rnncli predict --help"
    )
    assert run("export", "run", cwd=tmp_path).failed(2).startswith("Missing option '--to'. Choose from: onnx, pytorch")


def test_a_file_whose_name_is_no_utf_8_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    name = os.fsdecode(b"sales\xff.csv")
    (tmp_path / name).write_text("month,sold\n" + "".join(f"{n},{n % 7}\n" for n in range(80)))
    message = run("train", name, "-o", "run", "-q", cwd=tmp_path).failed(2)
    assert message == '"sales\\udcff.csv": is no name in UTF-8, in which a config is written; rename it'
    assert not (tmp_path / "run").exists()
