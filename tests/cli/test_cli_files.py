"""Several files are one text each, whoever lists them: a shell, rnncli, or a config."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from cli_runs import in_shell, run
from conftest import SALES

from rnncli.data.files import read_files
from rnncli.nn import model_file

SMALL = [f"--set=training.{key}" for key in ("epochs=2", "threads=1", "batch_size=4")]
SMALL += ["--set=model.hidden_size=6", "--set=model.num_layers=1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "poems").mkdir()
    for k, animal in enumerate(("fox", "hen", "cat")):
        lines = (f"the {animal} sat on mat {i} and ate {i * k}\n" for i in range(12))
        (folder / "poems" / f"{animal}.txt").write_text("".join(lines))
    return folder


def weights(folder: Path, out: str, *arguments: str) -> bytes:
    run("train", *arguments, "-q", "-o", out, *SMALL, cwd=folder).ok()
    return (folder / out / "model.safetensors").read_bytes()


def test_a_folder_a_pattern_and_a_list_are_the_same(folder: Path) -> None:
    one = weights(folder, "folder", "poems")
    assert weights(folder, "pattern", "poems/*.txt") == one
    assert weights(folder, "list", "poems/hen.txt", "poems/cat.txt", "poems/fox.txt") == one
    in_shell(f"rnncli train poems/*.txt -q -o shell {' '.join(SMALL)}", folder).ok()
    assert (folder / "shell" / "model.safetensors").read_bytes() == one
    (folder / "c.yaml").write_text(
        "task: language-model\ndata:\n  path: [poems/fox.txt, poems/hen.txt, poems/cat.txt]\n"
    )
    assert weights(folder, "config", "c.yaml") == one
    for out in ("folder", "pattern", "list", "config"):
        run("check", out, cwd=folder).ok()
        run("evaluate", out, cwd=folder).ok()


def test_each_file_is_a_text_of_its_own_and_validation_takes_from_each(folder: Path) -> None:
    plan = run("check", "poems", *SMALL, cwd=folder).ok()
    assert "3 files of" in plan.out
    assert (
        "poems: 3 files in the order of their names, each a text of its own: poems/cat.txt, poems/fox.txt" in plan.err
    )
    sizes = [len((folder / "poems" / name).read_text()) for name in ("cat.txt", "fox.txt", "hen.txt")]
    assert f"3 of {sum(int(0.1 * size) for size in sizes)} for validation" in " ".join(plan.out.split())


def test_a_changed_or_new_file_is_seen(folder: Path, tmp_path: Path) -> None:
    before = read_files(str(folder / "poems")).sha256
    weights(folder, "seen", "poems")
    (folder / "poems" / "new.txt").write_text("something new\n")
    try:
        assert read_files(str(folder / "poems")).sha256 != before
        assert "the data changed" in run("train", "-o", "seen", "--resume", cwd=folder).failed(3)
    finally:
        (folder / "poems" / "new.txt").unlink()
    run("train", "-o", "seen", "--resume", "-q", "--set", "training.epochs=3", cwd=folder).ok()


def test_what_is_empty_or_binary_is_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    for name, content in {"a.txt": b"ab\nba\n" * 40, "b.txt": b"", "c.bin": b"\0\1", "d.zip": b"PK\3\4"}.items():
        (tmp_path / name).write_bytes(content)
    result = run("check", ".", *SMALL, cwd=tmp_path).ok()
    assert ".: b.txt, c.bin, d.zip are empty or binary, and left out" in result.err
    kept = read_files(str(tmp_path), binary=True).files
    assert [Path(file.name).name for file in kept] == ["a.txt", "c.bin", "d.zip"]


def test_hidden_files_and_runs_are_no_texts(folder: Path, tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_text("no")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.txt").write_text("yes")
    weights(folder, "a run", "poems")
    (tmp_path / "run").symlink_to(folder / "a run")
    (tmp_path / "copy").mkdir()
    for name in ("state.safetensors", "config.yaml"):
        (tmp_path / "copy" / name).write_bytes((folder / "a run" / name).read_bytes())
    assert [Path(file.name).name for file in read_files(str(tmp_path)).files] == ["b.txt"]


def test_files_are_items_where_the_config_says_so(folder: Path) -> None:
    weights(folder, "items", "poems", "--set=data.items=files")
    header = model_file.read(folder / "items" / "model.safetensors")[1]
    assert header["data"]["items"] == "files"
    told = json.loads((folder / "items" / "report.json").read_text())
    assert told["data"]["path"] == str((folder / "poems").resolve())
    out = run("generate", "items", "--count", "2", "-n", "30", cwd=folder).ok().out
    assert len(out.split("\n" + 32 * "-" + "\n")) == 2


def test_a_run_is_named_after_the_folder(folder: Path) -> None:
    run("train", "poems/*.txt", "-q", *SMALL, cwd=folder).ok()
    assert (folder / "runs" / "poems").is_dir()


def test_init_writes_a_list(folder: Path) -> None:
    made = run("init", "poems/fox.txt", "poems/hen.txt", "-q", cwd=folder).ok().out
    assert "path: [poems/fox.txt, poems/hen.txt]" in made
    (folder / "made.yaml").write_text(made)
    run("check", "made.yaml", cwd=folder).ok()


def test_only_the_files_that_are_named_are_told_of(folder: Path, tmp_path: Path) -> None:
    weights(folder, "judged", "poems")
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text("the fox and the hen\n" * 20)
    assert "order of their names" not in run("evaluate", "judged", cwd=folder).ok().err
    said = run("evaluate", "judged", str(tmp_path), cwd=folder).ok().err
    assert [line for line in said.splitlines() if "order of their names" in line] == [
        f"rnncli: {tmp_path}: 2 files in the order of their names, each a text of its own: {tmp_path}/one.txt, "
        f"{tmp_path}/two.txt"
    ]


def test_a_model_of_windows_1252_reads_marked_utf_8_and_names_the_encoding_of_other(tmp_path):
    text = SALES.replace("sales", "Absätze (Stück)")
    for name, encoding in (("old.csv", "cp1252"), ("marked.csv", "utf-8-sig"), ("plain.csv", "utf-8")):
        (tmp_path / name).write_text(text, encoding=encoding)
    keys = ["data.horizon=4", "data.context=12", "model.hidden_size=4", "training.epochs=1"]
    run("train", "old.csv", "-o", "run", *(part for key in keys for part in ("--set", key)), cwd=tmp_path).ok()
    answers = run("predict", "run", "old.csv", cwd=tmp_path).ok().out
    assert run("predict", "run", "marked.csv", cwd=tmp_path).ok().out == answers
    assert run("predict", "run", "plain.csv", "--encoding", "utf-8", cwd=tmp_path).ok().out == answers
    for options in ([], ["--follow", "-q"]):
        assert "pass --encoding utf-8" in run("predict", "run", "plain.csv", *options, cwd=tmp_path).failed(2)
    followed = run("predict", "run", "marked.csv", "--follow", cwd=tmp_path).ok()
    assert "could not be read" not in followed.err


TOWNS = "day;größe;laden\n" + "".join(
    f"{date(2023, 1, 1) + timedelta(i)};{shop + i % 7},5;{name}\n"
    for i in range(84)
    for shop, name in ((10, "Köln"), (40, "Fürth"))
)
TINY = ("model.hidden_size=4", "training.epochs=1", "training.seeds=1", "data.horizon=7", "data.context=14")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_csv_is_written_in_the_encoding_of_the_data_and_begins_as_they_do(tmp_path: Path, encoding: str) -> None:
    """So that a spreadsheet which wrote the data opens it, and JSON is UTF-8 whatever the data are in."""
    (tmp_path / "towns.csv").write_bytes(TOWNS.encode(encoding))
    keys = [*TINY, *(["data.encoding=utf-16"] if encoding == "utf-16" else [])]
    sets = [part for key in keys for part in ("--set", key)]
    run("train", "towns.csv", "-o", "run", "-q", *sets, cwd=tmp_path).ok()
    written = run("predict", "run", cwd=tmp_path).ok().out.encode("utf-8", "surrogateescape")
    text = written.decode(encoding)
    assert written == text.encode(encoding)
    assert text.startswith("laden;day;größe")
    assert "Köln;2023-03-26;" in text
    assert "\ufeff" not in text
    scored = run("evaluate", "run", "-f", "csv", cwd=tmp_path).ok().out.encode("utf-8", "surrogateescape")
    assert "Fürth" in scored.decode(encoding)
    rows = json.loads(run("predict", "run", "-f", "json", cwd=tmp_path).ok().out)
    assert rows[0]["laden"] == "Köln"
    again = run("predict", "run", "towns.csv", "-f", "csv", cwd=tmp_path).ok().out.encode("utf-8", "surrogateescape")
    assert again == written
    (tmp_path / "other.csv").write_bytes(TOWNS.encode("utf-8"))
    other = run("predict", "run", "other.csv", "--encoding", "utf-8", cwd=tmp_path).ok().out
    assert other.encode("utf-8", "surrogateescape") == written
