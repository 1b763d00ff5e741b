"""predict reads tables row by row: a long one is answered like a short one, whatever the order of its rows."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from cli_runs import run

from rnncli.tasks.sequences import entries, tag_columns
from rnncli.ui import results

LONG, MANY = 1500, 5000  # sequences of two steps; rows beyond what is looked at first
CONFIG = (
    "task: {task}\ndata: {{path: d.csv, validation: 0, group: none, {columns}}}\n"
    "model: {{hidden_size: 4}}\ntraining: {{epochs: 1, threads: 1}}\n"
)


def _steps(sequences: int) -> list[str]:
    return [f"s{i},{i % 7}.5,{step}" for i in range(sequences) for step in range(2)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows")
    rows = ["id,x,z,y", *(f"s{i},{i % 7},{step},{i % 3}" for i in range(20) for step in range(2))]
    (path / "d.csv").write_text("\n".join(rows) + "\n")
    (path / "long.yaml").write_text(CONFIG.format(task="regress", columns="id: id, label: y"))
    run("train", "long.yaml", "-q", "-o", "long", cwd=path).ok()
    rows = ["x,z,y", *(f"{i % 7},{i % 4},{'ab'[i % 2]}" for i in range(40))]
    (path / "d.csv").write_text("\n".join(rows) + "\n")
    (path / "wide.yaml").write_text(CONFIG.format(task="classify", columns="label: y"))
    run("train", "wide.yaml", "-q", "-o", "wide", cwd=path).ok()
    return path


def test_a_long_table_is_answered_like_a_short_one(folder: Path) -> None:
    rows = [f"{i % 7},{i % 4}" for i in range(MANY)]
    long = run("predict", "wide", "-", cwd=folder, stdin="\n".join(["x,z", *rows])).ok().rows()
    short = run("predict", "wide", "-", cwd=folder, stdin="\n".join(["x,z", *rows[:28]])).ok().rows()
    assert [row["id"] for row in long] == [str(i + 1) for i in range(MANY)]
    for i, row in enumerate(long):
        assert row | {"id": ""} == short[i % 28] | {"id": ""}


def test_rows_of_a_sequence_may_stand_apart(folder: Path) -> None:
    rows = _steps(LONG)
    sorted_ones = run("predict", "long", "-", cwd=folder, stdin="\n".join(["id,x,z", *rows])).ok().rows()
    mixed = rows[::2] + rows[1::2]  # the first step of every sequence, then the second
    apart = run("predict", "long", "-", cwd=folder, stdin="\n".join(["id,x,z", *mixed])).ok().rows()
    assert apart == sorted_ones
    assert len(apart) == LONG
    order = random.Random(1).sample(range(LONG), LONG)
    moved = [rows[2 * i + step] for i in order for step in range(2)]
    (folder / "moved.csv").write_text("\n".join(["id,x,z", *moved]))
    found = run("predict", "long", "moved.csv", cwd=folder).ok().rows()
    assert {row["id"]: row for row in found} == {row["id"]: row for row in sorted_ones}
    assert [row["id"] for row in found] == [f"s{i}" for i in order]


def test_rows_that_stand_apart_need_the_memory_for_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "_AS_OBJECTS", 1 << 50)
    rows = _steps(10)
    together = "\n".join(["id,x,z", *rows])
    run("predict", "long", "-", cwd=folder, stdin=together).ok()
    message = run("predict", "long", "-", cwd=folder, stdin=together + "\ns0,1,1\n").failed(5)
    assert message.startswith("<stdin>: would need ")
    assert message.endswith("are available; sort the rows by id, and they are read piece by piece")


def test_a_mistake_far_down_ends_it_after_the_answers_before_it(folder: Path) -> None:
    rows = [f"{i % 7},{i % 4}" for i in range(MANY)]
    broken = run("predict", "wide", "-", cwd=folder, stdin="\n".join(["x,z", *rows, '"1,2', *rows]))
    message = broken.failed(3)
    assert message.startswith(f"<stdin>:{MANY + 2}:1: the quote that opens here is never closed")
    assert len(broken.rows()) >= MANY - entries.TOGETHER
    latin = "\n".join(["x,z", *rows]).encode() + b"\n\xe9,1\n"
    message = run("predict", "wide", "-", cwd=folder, stdin=latin).failed(3)
    assert message.startswith(f"<stdin>:{MANY + 2}:1: byte 0xE9 is not UTF-8; pass --encoding latin-1")


def test_a_row_that_cannot_be_read_far_down_keeps_its_place(folder: Path) -> None:
    rows = [f"{i % 7},{i % 4}" for i in range(MANY)]
    rows[MANY - 5] = "seven,1"
    found = run("predict", "wide", "-", cwd=folder, stdin="\n".join(["x,z", *rows]))
    assert found.code == 3
    assert f'<stdin>:{MANY - 3}: column 1 "x": "seven" is not a number' in found.err
    assert [i for i, row in enumerate(found.rows()) if not row["label"]] == [MANY - 5]


def test_columns_of_words_are_tagged_as_they_come(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [f"w{i % 5}\tA\nw{i % 3}\tB\n\n" for i in range(40)]
    (folder / "d.conll").write_text("".join(sentences))
    (folder / "tag.yaml").write_text(
        "task: tag\ndata: {path: d.conll, validation: 0}\nmodel: {hidden_size: 4}\ntraining: {epochs: 1, threads: 1}\n"
    )
    run("train", "tag.yaml", "-q", "-o", "tag", cwd=folder).ok()
    lines = "# sent_id = 1\n" + "".join(sentences) + "-DOCSTART-\n\n" + "".join(sentences)
    whole = run("predict", "tag", "-", "-f", "jsonl", cwd=folder, stdin=lines).ok()
    monkeypatch.setattr(tag_columns, "_BLOCK", 10)
    assert run("predict", "tag", "-", "-f", "jsonl", cwd=folder, stdin=lines).ok() == whole
    assert "left out 1 line that begin a document" in whole.err
    assert len(whole.out.splitlines()) == 80
    broken = run("predict", "tag", "-", "-f", "jsonl", cwd=folder, stdin=lines + "w1\tA\tB\n")
    assert broken.failed(3).startswith("<stdin>:244: 3 columns, the first line has 2")
    assert whole.out.startswith(broken.out)
    assert 70 < len(broken.out.splitlines()) <= 80
    message = run("predict", "tag", "-", cwd=folder, stdin="-DOCSTART-\n\n-DOCSTART-\n").failed(3)
    assert message.startswith("<stdin>: is empty")


def test_a_long_table_is_written_in_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "\n".join(["x,z", *(f"{i % 7},{i % 4}" for i in range(25))])
    whole = run("predict", "wide", "-", "-f", "table", cwd=folder, stdin=rows).ok().out.splitlines()
    monkeypatch.setattr(results, "TABLE_ROWS", 10)
    blocks = run("predict", "wide", "-", "-f", "table", cwd=folder, stdin=rows).ok().out.splitlines()
    assert [line.split() for line in blocks if not line.startswith("id")] == [line.split() for line in whole[1:]]
    assert sum(line.startswith("id") for line in blocks) == 3
