"""The end of a study: whether the list of runs has another trial first than the search."""

from __future__ import annotations

from typing import Any

import pytest

from rnncli.training.tuned import FINISHED, Trial
from rnncli.workflows import tune_report


def by_score(
    monkeypatch: pytest.MonkeyPatch, networks: list[float], *, name: str = "MAE", split: str = "validation"
) -> str:
    """What is said of trials with these final scores, the first of which is the best by the search."""
    scores: dict[str, dict[str, Any]] = {
        str(number): {"network": value, "unit": "MAE", "split": split, "higher_is_better": False}
        for number, value in enumerate(networks)
    }
    monkeypatch.setattr(tune_report, "_score", lambda run: scores[str(run)])
    return tune_report._by_score([Trial(n, str(n), {}, FINISHED) for n in range(len(networks))], 0, name)


def test_where_the_list_of_runs_has_another_first_it_is_said_by_what(monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_score(monkeypatch, [9.5, 9.25], name="absolute error in scaled units") == (
        "rnncli runs ranks by the final score instead, MAE on the validation split, of what predict gives, which may "
        "be the network averaged with a baseline: there trial 1 leads with 9.25, and trial 0 has 9.5"
    )
    assert by_score(monkeypatch, [9.25, 9.5], name="absolute error in scaled units").endswith("trial 0 leads there too")
    assert "MAE on the test split" in by_score(monkeypatch, [9.5, 9.25], split="test")


def test_nothing_is_said_where_both_go_by_the_same_and_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_score(monkeypatch, [9.25, 9.5]) == ""
    assert "there trial 1 leads" in by_score(monkeypatch, [9.5, 9.25])
