"""predict: the next rows under the input's own names, or the most probable next tokens."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from cli_runs import Result, in_shell, run, together
from conftest import ADVICE, SALES, Shelf

from rnncli.cli.options import given
from rnncli.nn import model_file

ROWS = SALES.splitlines(keepends=True)
EARLIER = "".join(ROWS[:61])  # five years, ending 2005-12
SERIES: dict[str, Sequence[str]] = {
    "alone": ["forecast"],
    "file": ["forecast/model.safetensors"],
    "data": ["forecast", "sales.csv"],
    "stdin": ["forecast", "-"],
    "shorter": ["forecast", "--horizon", "2"],
    "longer": ["forecast", "--horizon", "9"],
    "json": ["forecast", "-f", "json"],
    "jsonl": ["forecast", "-f", "jsonl"],
    "table": ["forecast", "-f", "table"],
    "semicolons": ["forecast", "semicolons.csv", "--delimiter", ";", "--decimal", ","],
}
TEXT: dict[str, Sequence[str]] = {
    "top": ["word", "-", "--top", "1"],
    "all": ["word", "-", "--top", "1000", "-f", "json"],
    "json": ["word", "-", "--top", "3", "-f", "json"],
    "csv": ["word", "-", "--top", "3", "-f", "csv"],
    "table": ["word", "-", "--top", "3", "-f", "table"],
}
LINES = "please stay at\nthey play at\n"


@pytest.fixture(scope="module")
def series(shelf: Shelf) -> dict[str, Result]:
    (shelf / "semicolons.csv").write_text(SALES.replace(",", ";").replace(".", ","), encoding="utf-8")
    jobs = [partial(run, "predict", *call, cwd=shelf.folder, stdin=EARLIER) for call in SERIES.values()]
    return dict(zip(SERIES, (result.ok() for result in together(*jobs)), strict=True))


@pytest.fixture(scope="module")
def tokens(shelf: Shelf) -> dict[str, Result]:
    jobs = [partial(run, "predict", *call, cwd=shelf.folder, stdin=LINES) for call in TEXT.values()]
    return dict(zip(TEXT, (result.ok() for result in together(*jobs)), strict=True))


def test_a_series_goes_on_under_its_own_names_and_time(series: dict[str, Result]) -> None:
    lines = series["alone"].out.splitlines()
    assert lines[0] == ROWS[0].strip()
    assert [line.split(",")[0] for line in lines[1:]] == ["2011-01", "2011-02", "2011-03", "2011-04"]
    last_year = [float(row.split(",")[1]) for row in ROWS[-12:-8]]
    for value, before in zip(series["alone"].rows(), last_year, strict=True):
        assert abs(float(value["sales"]) - before) < 15  # the season is ±20, the trend +3 a year


def test_the_model_file_carries_the_context(series: dict[str, Result]) -> None:
    assert series["file"].out == series["alone"].out
    assert series["data"].out == series["alone"].out
    assert series["semicolons"].out == series["alone"].out


def test_given_data_is_continued_from_its_own_end(series: dict[str, Result]) -> None:
    rows = series["stdin"].rows()
    assert [row["month"] for row in rows] == ["2006-01", "2006-02", "2006-03", "2006-04"]
    assert [row["sales"] for row in rows] != [row["sales"] for row in series["alone"].rows()]


def test_other_horizons(series: dict[str, Result]) -> None:
    trained, shorter, longer = (series[name].rows() for name in ("alone", "shorter", "longer"))
    assert shorter == trained[:2]
    assert longer[:4] == trained
    assert [row["month"] for row in longer][-1] == "2011-09"
    assert "horizon 9 is beyond the trained 4" in series["longer"].err
    assert series["shorter"].err == ""


def test_every_format_has_the_same_numbers(series: dict[str, Result]) -> None:
    expected = [(row["month"], float(row["sales"])) for row in series["alone"].rows()]
    from_json = json.loads(series["json"].out)
    assert [(row["month"], row["sales"]) for row in from_json] == expected
    assert [json.loads(line) for line in series["jsonl"].out.splitlines()] == from_json
    header, *table = [line.split() for line in series["table"].out.splitlines()]
    assert header == ["month", "sales"]
    assert [(month, float(sales)) for month, sales in table] == expected


def test_a_word_model_says_home(tokens: dict[str, Result]) -> None:
    rows = tokens["top"].rows()
    assert [(row["line"], row["rank"], row["token"]) for row in rows] == [
        ("please stay at", "1", "home"),
        ("they play at", "1", "school"),
    ]
    assert all(0.5 < float(row["probability"]) <= 1 for row in rows)


def test_the_probabilities_are_all_of_a_distribution(tokens: dict[str, Result]) -> None:
    for item in json.loads(tokens["all"].out):
        chances = [entry["probability"] for entry in item["next"]]
        assert chances == sorted(chances, reverse=True)
        assert all(0 <= chance <= 1 for chance in chances)
        assert sum(chances) == pytest.approx(1, abs=1e-6)
        assert {entry["token"] for entry in item["next"]} == {*ADVICE.split(), "\n"}


def test_next_tokens_as_json_csv_and_table_agree(tokens: dict[str, Result]) -> None:
    nested = json.loads(tokens["json"].out)
    assert [item.keys() for item in nested] == [{"line", "next"}] * 2
    assert [item["line"] for item in nested] == LINES.splitlines()
    assert all(entry.keys() == {"token", "probability"} for item in nested for entry in item["next"])
    assert [len(item["next"]) for item in nested] == [3, 3]
    flat = [
        (item["line"], str(rank), entry["token"], entry["probability"])
        for item in nested
        for rank, entry in enumerate(item["next"], start=1)
    ]
    rows = list(csv.reader(io.StringIO(tokens["csv"].out)))
    assert rows[0] == ["line", "rank", "token", "probability"]
    assert [(line, rank, token, float(p)) for line, rank, token, p in rows[1:]] == flat
    table = re.findall(r"^(.*?\S)\s+(\d+)\s+(\S+)\s+([\d.e-]+)", tokens["table"].out, re.MULTILINE)
    assert [(line, rank, float(p)) for line, rank, _, p in table] == [(line, rank, p) for line, rank, _, p in flat]


WRONG: dict[str, tuple[Sequence[str], int, Sequence[str]]] = {
    "other columns": (["forecast", "other.csv"], 2, ["other.csv", '"salse"', '"sales"']),
    "not a number": (["forecast", "word.csv"], 3, ['word.csv:4: column 2 "sales": "many" is not a number']),
    "text without data": (["word"], 2, ["name a file of them"]),
    "horizon of a text": (
        ["word", "text.txt", "--horizon", "3"],
        2,
        ["--horizon: is for forecast, and this is a language-model"],
    ),
    "no data file": (["forecast", "sale.csv"], 2, ['no such file: sale.csv; did you mean "sales.csv"?']),
    "delimiter": (["forecast", "sales.csv", "--delimiter", ";;"], 2, ["one character"]),
    "encoding": (["forecast", "sales.csv", "--encoding", "klingon"], 2, ["klingon"]),
}


@pytest.fixture(scope="module")
def refused(shelf: Shelf) -> dict[str, Result]:
    files = {
        "other.csv": SALES.replace("sales", "salse"),
        "word.csv": "".join([*ROWS[:3], "2001-03,many\n", *ROWS[4:]]),
        "unseen.txt": "please stay\nplease leave\n",
    }
    for name, content in files.items():
        (shelf / name).write_text(content, encoding="utf-8")
    jobs = [partial(run, "predict", *arguments, cwd=shelf.folder) for arguments, _, _ in WRONG.values()]
    return dict(zip(WRONG, together(*jobs), strict=True))


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_done_is_refused_in_one_line(name: str, refused: dict[str, Result]) -> None:
    _, code, fragments = WRONG[name]
    message = refused[name].refused(code)
    for fragment in fragments:
        assert fragment in message
    assert refused[name].out == ""


def test_a_few_rows_are_forecast_and_noted(shelf: Shelf) -> None:
    (shelf / "short.csv").write_text("".join(ROWS[:6]), encoding="utf-8")
    said = run("predict", "forecast", "short.csv", "-f", "csv", cwd=shelf.folder).ok()
    assert [row["month"] for row in said.rows()] == [line.split(",")[0] for line in ROWS[6:10]]
    assert (
        "short.csv: begins at 2001-01, so its 5 rows are read alone, and the network reads 12; rows that begin at"
        in said.err
    )
    assert "1 of 1 series has fewer than the 12 rows that the network reads, 5 the fewest" in said.err


@pytest.mark.parametrize("form", ["table", "csv"])
@pytest.mark.long
def test_a_reader_that_leaves_ends_it_in_silence(form: str, shelf: Shelf) -> None:
    said = in_shell(f"rnncli predict forecast -f {form} | sleep 0; exit ${{PIPESTATUS[0]}}", shelf.folder)
    assert said.refused(141, mistakes=0) == ""


def test_markup_and_control_characters_pass_a_pipe_unchanged(shelf: Shelf) -> None:
    line = "a\x1b[31m[/x]é\u202e"
    as_csv, as_json, table = together(
        *(
            partial(run, "predict", "odd", "-", "--top", "1", "-f", form, cwd=shelf.folder, stdin=line + "\n")
            for form in ("csv", "json", "table")
        )
    )
    assert as_csv.ok().rows()[0]["line"] == line
    assert json.loads(as_json.ok().out)[0]["line"] == line
    assert "[31m[/x]é" in table.ok().out  # shown, not taken for markup


def test_a_changed_context_is_noticed(shelf: Shelf) -> None:
    whole = (shelf / "forecast/model.safetensors").read_bytes()
    arrays, _ = model_file.read(shelf / "forecast/model.safetensors")
    digit = whole.index(arrays["panel.values"].tobytes()) + 3
    changed = bytes([*whole[:digit], whole[digit] ^ 1, *whole[digit + 1 :]])
    (shelf / "context.safetensors").write_bytes(changed)
    assert "checksum" in run("predict", "context.safetensors", cwd=shelf.folder).refused(4)


def test_the_context_does_not_need_the_old_data(shelf: Shelf, series: dict[str, Result], tmp_path: Path) -> None:
    os.link(shelf / "forecast/model.safetensors", tmp_path / "m.bin")
    assert run("predict", "m.bin", cwd=tmp_path).ok().out == series["alone"].out


def test_a_word_never_seen_is_read_as_unknown_with_a_note(shelf: Shelf) -> None:
    answered = run("predict", "word", "unseen.txt", "--top", "1", cwd=shelf.folder).ok()
    assert len(answered.rows()) == 2
    assert answered.err == 'rnncli: unseen.txt:2: "leave" at position 8 is read as <unk>\n'


def test_an_option_of_zero_is_given() -> None:
    assert given({"length_penalty": 0.0, "top": None, "network": False, "levels": ()}) == {"length_penalty": 0.0}
