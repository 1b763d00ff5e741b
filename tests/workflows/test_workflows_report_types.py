"""A report.json is believed only where each of its fields has the type that training writes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rnncli.workflows.report_types import is_evaluation, require_types

SCORE: dict[str, Any] = {
    "split": "validation",
    "unit": "accuracy",
    "network": 0.5,
    "floors": {"majority": 0.25},
    "strongest": "majority",
    "detail": "4 lines",
    "headline": {"text": "right 2 of 4"},
    "higher_is_better": True,
    "confusion": {"labels": ["x"], "counts": [[4]]},
}
REPORT: dict[str, Any] = {
    "format": 1,
    "task": "classify",
    "score": SCORE,
    "kept": "best",
    "best_step": 15,
    "best_loss": None,
    "steps": 15,
    "seconds": 3,
    "seed": 1,
    "threads": 1,
    "cpu": "a CPU",
    "versions": {"python": "3.11"},
    "data": {"path": ["a.csv", "b.csv"], "bytes": 5, "sha256": "ab"},
    "config": {"task": "classify", "data": {"path": ["a.csv", "b.csv"]}, "model": {}, "training": {}},
    "model_sha256": "cd",
    "ended": "2026-11-27T11:59:45+00:00",
}


def changed(place: str, value: Any) -> dict[str, Any]:
    """REPORT with another value at a place such as score.network."""
    report = copy.deepcopy(REPORT)
    *way, name = place.split(".")
    inner = report
    for one in way:
        inner = inner[one]
    inner[name] = value
    return report


def test_a_report_of_training_is_taken() -> None:
    require_types(REPORT)
    require_types(changed("score", None))
    require_types(changed("score.floors.majority", float("nan")))  # of nothing that is known
    require_types(changed("a field of a later version", [1]))


@pytest.mark.parametrize("value", [None, "x", [], {}, True, [1]], ids=repr)
@pytest.mark.parametrize(
    "place", ["seconds", "steps", "data.bytes", "score.network", "score.floors.majority", "score.confusion.counts"]
)
def test_another_type_is_refused(place: str, value: Any) -> None:
    if place == "score.confusion.counts" and value in (None, []):
        require_types(changed(place, value))  # of many labels there is no matrix
        return
    with pytest.raises(TypeError):
        require_types(changed(place, value))


def test_the_strongest_baseline_is_one_of_the_baselines() -> None:
    with pytest.raises(TypeError):
        require_types(changed("score.strongest", "nobody"))


@pytest.mark.parametrize("name", ["task", "score", "steps", "seconds", "data", "config", "ended"])
def test_a_field_that_every_reader_needs_is_missed(name: str) -> None:
    with pytest.raises(TypeError):
        require_types({key: value for key, value in REPORT.items() if key != name})


@pytest.mark.parametrize("name", ["detail", "higher_is_better"])
def test_a_field_of_a_score_that_a_page_shows_is_missed(name: str) -> None:
    with pytest.raises(TypeError):
        require_types(changed("score", {key: value for key, value in SCORE.items() if key != name}))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("seconds", float("nan")),
        ("seconds", float("inf")),
        ("steps", -1),
        ("config.data.path", 5),
        ("score.network", 10**400),
        ("score.floors.majority", -(10**400)),
        ("score.headline", {}),
        ("score.confusion.counts", [[4, 0]]),
        ("score.confusion.counts", [[4], [0]]),
        ("score.confusion.counts", [[-4]]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_no_page_or_list_could_show_is_refused(place: str, value: Any) -> None:
    with pytest.raises(TypeError):
        require_types(changed(place, value))


def test_a_line_of_metrics_has_numbers_of_steps_and_seconds() -> None:
    assert is_evaluation({"step": 3, "seconds": 1, "reason": "scheduled"})
    for line in ([], {"step": "x"}, {"step": 10**400}, {"seconds": "x"}, {"seconds": float("nan")}):
        assert not is_evaluation(line)
