"""A score as a JSON object: what `train -f json`, `evaluate -f json` and a run's report.json have under `score`."""

from __future__ import annotations

from typing import Any

from rnncli.training.reports import Confusion, LabelScore, Score

IN_JSON = 100  # labels up to which JSON has the whole matrix, and confusions that it has anyway


def score_object(score: Score) -> dict[str, Any]:
    """Return the score as an object for JSON, with the keys of version 0.1 first."""
    return {
        "split": score.split,
        "unit": score.unit,
        "network": score.network,
        "floors": dict(score.baselines),  # as version 0.1 wrote them, the strongest first
        "detail": score.detail,
        "higher_is_better": score.higher_is_better,
        **_label_objects(score),
        "strongest": next((name for name, _ in score.baselines if name in (score.verdicts or {name})), None),
        **({"headline": score.headline.to_json() | {"text": first_sentence(score)}} if score.headline else {}),
        **({"verdicts": dict(score.verdicts), "independent": score.independent} if score.verdicts else {}),
        **({"compressed": {"unit": found.unit, **dict(found.bits)}} if (found := score.compressed) else {}),
        **({"used": score.used} if score.used else {}),
    }


def first_sentence(score: Score) -> str:
    """Return the headline, and whose it is where a baseline answers in place of the network; or an empty text."""
    if score.headline is None:
        return ""
    return score.headline.text() if score.used in ("", "network") else f"network: {score.headline.text()}"


def _label_objects(score: Score) -> dict[str, Any]:
    """Return for JSON what a score says of labels; the matrix of more than 100 labels is left to a file."""
    found: dict[str, Any] = {"confusion": None}
    if (confusion := score.confusion) is not None:
        few = len(confusion.labels) <= IN_JSON
        found = {
            "confusion": {"labels": confusion.labels, "counts": list(confusion.rows()) if few else None},
            "confusions": confusions(confusion, IN_JSON),
        }
    if score.figures:
        found["figures"] = dict(score.figures)
    if score.labels:
        found["labels"] = [label_row(one) for one in score.labels]
    return found


def confusions(confusion: Confusion, limit: int) -> list[dict[str, Any]]:
    """Return the most frequent confusions of two labels, at most `limit`."""
    return [{"actual": a, "predicted": p, "count": n} for a, p, n in confusion.largest()[:limit]]


def label_row(one: LabelScore) -> dict[str, Any]:
    """Return what is known of one label."""
    return {"label": one.label, "precision": one.precision, "recall": one.recall, "F1": one.f1, "support": one.support}
