"""`rnncli init`: its config trains the same model as the data alone, and a shell can pipe it."""

from __future__ import annotations

from pathlib import Path

import pytest
from bare_files import PAIRS, REVIEWS, SALES, SMALL, TAGGED, rows, value
from cli_runs import in_shell, run

PROSE = "Call me as you like.\nIt was, all in all, a grey day,\nand nobody came.\n" * 20
STROKES = "stroke,dx,dy,shape\n" + rows(lambda i: (i // 6, value(i), value(i), "ab"[i // 6 % 2]), count=240)
SHOPS = "shop,day,sold\n" + "".join(f"{shop},{line}\n" for shop in "ab" for line in SALES.splitlines()[1:])
WIDE = "day,north,south\n" + "".join(
    f"{day},{sold},{2 * float(sold)}\n" for day, sold in (line.split(",") for line in SALES.splitlines()[1:])
)
GRAMS = "review,grams\n" + rows(lambda i: (f"{'ab' * (i % 9)} {i}", value(i)))
QUICK = ("--set", "training.epochs=1", *(word for key in SMALL for word in ("--set", key)))

TASKS = {
    "prose": ("a.txt", PROSE, ()),
    "series": ("a.csv", SALES, ()),
    "panel": ("a.csv", SHOPS, ("--set", "data.id=shop")),
    "panel without a word": ("a.csv", SHOPS, ()),
    "side by side": ("a.csv", WIDE, ()),
    "texts": ("a.csv", REVIEWS, ()),
    "strokes": ("a.csv", STROKES, ()),
    "numbers": ("a.csv", GRAMS, ()),
    "tags": ("a.conll", TAGGED, ()),
    "pairs": ("a.tsv", PAIRS, ()),
    "caption": ("a.csv", REVIEWS, ("--set", "task=caption", "--set", "data.inputs=label", "--set", "data.target=text")),
}


@pytest.mark.parametrize("kind", TASKS)
def test_the_config_trains_the_same_model(kind: str, tmp_path: Path) -> None:
    name, content, more = TASKS[kind]
    (tmp_path / name).write_text(content, encoding="utf-8")
    text = run("init", name, *more, *QUICK, cwd=tmp_path).ok().out
    (tmp_path / "made.yaml").write_text(text, encoding="utf-8")
    run("train", name, *more, *QUICK, "-o", "alone", cwd=tmp_path).ok()
    run("train", "made.yaml", "-o", "made", cwd=tmp_path).ok()
    models = [(tmp_path / way / "model.safetensors").read_bytes() for way in ("alone", "made")]
    assert models[0] == models[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sales.csv").write_text(SALES, encoding="utf-8")
    return tmp_path


def test_it_writes_to_standard_output_and_notes_to_the_other(folder: Path) -> None:
    made = run("init", "sales.csv", cwd=folder).ok()
    assert "\n  path: sales.csv " in made.out
    assert made.err.startswith('rnncli: sales.csv looks like a table with times in the column "day", so the task is ')
    assert run("init", "sales.csv", "-q", cwd=folder).ok().err == ""


def test_a_new_file_has_paths_of_its_own_folder(folder: Path) -> None:
    (folder / "configs").mkdir()
    made = run("init", "sales.csv", "-o", "configs/sales.yaml", cwd=folder).ok()
    assert made.out == ""
    text = (folder / "configs/sales.yaml").read_text(encoding="utf-8")
    assert "\n  path: ../sales.csv " in text
    assert "exists, and is left" in run("init", "sales.csv", "-o", "configs/sales.yaml", cwd=folder).refused(2)
    assert (folder / "configs/sales.yaml").read_text(encoding="utf-8") == text
    assert "cannot write" in run("init", "sales.csv", "-o", "none/sales.yaml", cwd=folder).failed(5)


def test_other_files_are_found_from_there_too(folder: Path) -> None:
    (folder / "configs").mkdir()
    (folder / "tail.csv").write_text("day,sold\n" + "".join(f"2024-02-{day:02},12\n" for day in range(1, 20)))
    run("init", "sales.csv", "-o", "configs/a.yaml", "--set", "data.validation=tail.csv", cwd=folder).ok()
    assert "  validation: ../tail.csv " in (folder / "configs/a.yaml").read_text(encoding="utf-8")
    run("train", "configs/a.yaml", *QUICK, "-o", "run", "-q", cwd=folder).ok()


def test_how_the_data_are_read_is_kept(folder: Path) -> None:
    (folder / "old.csv").write_bytes(SALES.replace("sold", "Gr\xf6\xdfe").replace(",", ";").encode("latin-1"))
    text = run("init", "old.csv", "--encoding", "latin-1", "--delimiter", ";", cwd=folder).ok().out
    (folder / "old.yaml").write_text(text, encoding="utf-8")
    assert "  encoding: latin-1 " in text
    assert "as given" in text
    assert "  target: [Gr\xf6\xdfe] " in text
    run("train", "old.yaml", *QUICK, "-o", "run", cwd=folder).ok()


@pytest.mark.long
def test_a_file_of_gzip_keeps_its_name(folder: Path) -> None:
    script = """
    gzip sales.csv && rnncli init sales.csv.gz > sales.yaml && rnncli train sales.yaml -o run -q &&
    rnncli evaluate run -f json
    """
    in_shell(script.replace("sales.yaml -o", " ".join(["sales.yaml", *QUICK, "-o"])), folder).ok()
    assert "\n  path: sales.csv.gz " in (folder / "sales.yaml").read_text(encoding="utf-8")


@pytest.mark.long
def test_from_standard_input_and_from_a_pipe(folder: Path) -> None:
    script = """
    rnncli init - < sales.csv > piped.yaml && grep -q "path: '-' *# standard input" piped.yaml &&
    rnncli init <(cat sales.csv) 2>/dev/null | cmp - piped.yaml &&
    cat sales.csv | rnncli train piped.yaml -o one -q --set training.epochs=1 &&
    cat sales.csv | rnncli train - -o two -q --set training.epochs=1 &&
    rnncli train <(gzip -c sales.csv | zcat) -o three -q --set training.epochs=1
    """
    in_shell(script, folder).ok()
    one, two, three = ((folder / name / "model.safetensors").read_bytes() for name in ("one", "two", "three"))
    assert two == three
    assert len(one) == len(two)


@pytest.mark.long
@pytest.mark.parametrize(
    ("script", "code", "message"),
    [
        ("rnncli COMMAND - < /dev/null", 3, "<stdin>: is empty; give it a text, a table, or an example a line"),
        ("rnncli COMMAND - <&-", 2, "standard input is closed; pipe data in or name a file"),
        (
            "gzip -c sales.csv | rnncli COMMAND -",
            3,
            "<stdin>: is compressed by gzip; unpack it on its way: zcat FILE | rnncli …",
        ),
    ],
)
def test_standard_input_with_nothing_to_learn(folder: Path, script: str, code: int, message: str) -> None:
    for command in ("train", "init"):
        assert in_shell(script.replace("COMMAND", command), folder).refused(code) == message


def test_a_file_for_several_tasks_is_asked_about(folder: Path) -> None:
    melodies = Path(__file__).parents[2] / "sample_data/melodies.csv"
    (folder / "toss.csv").write_bytes(melodies.read_bytes())
    asked = run("init", "toss.csv", cwd=folder).refused(2)
    assert "rnncli init toss.csv --set task=caption" in asked


@pytest.mark.long
def test_the_pipeline(folder: Path) -> None:
    script = """
    rnncli init sales.csv --set training.epochs=1 > sales.yaml && rnncli check sales.yaml &&
    rnncli train sales.yaml -o runs/sales && rnncli predict runs/sales -f csv
    """
    assert in_shell(script, folder).ok().out.splitlines()[-1].startswith("2024-")
