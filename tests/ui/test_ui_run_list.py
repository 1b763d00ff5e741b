"""The table of runs on terminals of every width."""

from __future__ import annotations

from typing import Any

import pytest

from rnncli.training.listed import FINISHED, Listed
from rnncli.ui.run_list import write_runs

SCORE = {
    "split": "test",
    "unit": "MAE of sales",
    "floors": {"theta": 0.5766},
    "strongest": "theta",
    "verdicts": {"theta": "cannot tell, 10 groups"},
}
NO_ROOM = "rnncli: no room for {}: widen the terminal, or take -f csv\n"
SETTINGS = {"model.hidden_size": 48, "training.learning_rate": 0.00123, "training.seed": 2}


def trial(number: int, **other: Any) -> Listed:
    score = SCORE | {"network": 0.5 + number / 7}
    return Listed(f"study/trial-{number:03}", FINISHED, "forecast", score, seconds=3.0, **other)


def printed(width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, **other: Any) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    write_runs([trial(0, best_of=3, **other), trial(1, **other), trial(2, **other)], "table")
    return capsys.readouterr().out


@pytest.mark.parametrize("differs", [{}, SETTINGS])
def test_no_width_breaks_a_word_or_a_number(
    differs: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = set(printed(300, capsys, monkeypatch, differs=differs).split())
    for width in range(1, 130):
        assert set(printed(width, capsys, monkeypatch, differs=differs).split()) <= words
        assert "0.7857" in words


def test_what_a_narrow_terminal_leaves_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = printed(130, capsys, monkeypatch, differs=SETTINGS).splitlines()[1].split()
    assert whole == ["run", "score", "best", "strongest", "baseline", "network", "is", "time", "differs", "in"]
    assert printed(70, capsys, monkeypatch, differs=SETTINGS).splitlines()[1].split() == whole[:-2]
    for width in range(20, 130):  # the verdict is worth more than whom it is about
        shown = printed(width, capsys, monkeypatch)
        assert "cannot" in shown or "theta" not in shown
    least = printed(33, capsys, monkeypatch, differs=SETTINGS).splitlines()
    assert next(line.split() for line in least if line.startswith("run ")) == ["run", "score", "best"]


def test_a_narrow_terminal_says_below_in_what_runs_differ_and_which_columns_are_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for quiet in (False, True):
        write_runs(
            [trial(number, differs={"model.cell": "gru", "training.seed": number}) for number in (0, 1)],
            "table",
            quiet=quiet,
        )
        said = capsys.readouterr()
        assert said.out.splitlines()[-3:] == [
            "run        differs in",
            "trial-000  cell gru, seed 0",
            "trial-001  cell gru, seed 1",
        ]
        assert said.err == ("" if quiet else NO_ROOM.format("time, strongest baseline"))


def test_an_empty_column_goes_first(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(60, capsys, monkeypatch).splitlines()
    assert " ".join(lines[1:3]).split() == ["strongest", "run", "score", "best", "baseline", "network", "is", "time"]


def test_groups_of_one_title_say_in_what_they_differ(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    own = {"data.path": "shops.csv", "data.horizon": 12, "data.test": 0.2}
    ways: list[dict[str, Any]] = [
        {"data_sha256": "aaaaaaaa1", "config": own},
        {"data_sha256": "bbbbbbbb1", "config": own},
        {"data_sha256": "aaaaaaaa1", "config": own | {"data.horizon": 24}},
        {"data_sha256": "aaaaaaaa1", "config": own | {"data.path": "other.csv", "data.test": 0.1}},
    ]
    write_runs([trial(number, **way) for number, way in enumerate(ways)], "table")
    titles = [line for line in capsys.readouterr().out.splitlines() if line.startswith("MAE")]
    assert titles == [
        "MAE of sales, test split of shops.csv, data aaaaaaaa, horizon 12",
        "MAE of sales, test split of shops.csv, data bbbbbbbb, horizon 12",
        "MAE of sales, test split of shops.csv, data aaaaaaaa, horizon 24",
        "MAE of sales, test split of other.csv",
    ]
