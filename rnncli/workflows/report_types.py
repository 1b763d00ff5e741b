"""The types of a report.json, which anybody may have written: what is checked before one is believed.

A hundred runs are listed in the time of one import of numpy, so that pydantic, by which models and states are read, is
not loaded for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_NONE = type(None)
_FINITE = "finite"  # a float that is neither NaN nor infinite, which a score may be
_MOST = 1 << 64  # the size of a whole number: beyond, it may fit no float
_EACH = "*"  # the name of every field that is not named itself
_SCORE = {
    "split": str,
    "unit": str,
    "network": float,
    "floors": {_EACH: float},
    "detail": str,
    "higher_is_better": bool,
    "confusion?": ({"labels": [str], "counts": (([[int]]), _NONE)}, _NONE),
    "confusions?": [{"actual": str, "predicted": str, "count": int}],
    "labels?": [{"label": str}],
    "figures?": {_EACH: (float, _NONE)},
    "strongest?": (str, _NONE),
    "headline?": {"text": str},
    "verdicts?": {_EACH: str},
    "independent?": (int, _NONE),
    "compressed?": {"unit": str, _EACH: (float, str)},
    "used?": str,
}
_REPORT = {
    "task": str,
    "score": (_SCORE, _NONE),
    "kept?": str,
    "best_step?": int,
    "best_loss?": (float, _NONE),
    "steps": int,
    "seconds": _FINITE,
    "seed?": int,
    "threads?": int,
    "cpu?": str,
    "versions?": {_EACH: str},
    "data": {"path": (str, [str], _NONE), "bytes": int, "sha256": str},
    "config": {"data": {"path?": (str, [str], _NONE)}, "model": dict, "training?": dict},
    "model_sha256?": str,
    "ended": str,
    "fit?": ({"text": str}, _NONE),
}
"""By field its type, a list or an object of such, or several; a field that ends in ? may be missing."""
_LINE = {"step?": int, "seconds?": _FINITE}


def require_types(report: Any) -> None:
    """Raise TypeError unless the fields of a report have the types that training writes, and are about each other."""
    if not _fits(report, _REPORT):
        raise TypeError
    score: Mapping[str, Any] = report["score"] or {"floors": {}}
    if score.get("strongest") is not None and score["strongest"] not in score["floors"]:
        raise TypeError
    matrix = score.get("confusion") or {"counts": None}
    if matrix["counts"] and any(len(side) != len(matrix["labels"]) for side in (matrix["counts"], *matrix["counts"])):
        raise TypeError


def is_evaluation(line: Any) -> bool:
    """True for a line of metrics.jsonl whose step and seconds are numbers, if it has them."""
    return _fits(line, _LINE)


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        return any(_fits(value, one) for one in wanted)
    if isinstance(wanted, list):
        return isinstance(value, list) and all(_fits(item, wanted[0]) for item in value)
    if isinstance(wanted, dict):
        return isinstance(value, dict) and _fields_fit(value, wanted)
    if wanted is object:
        return True
    if wanted is int:
        return type(value) is int and 0 <= value < _MOST
    if wanted in (float, _FINITE):
        number = type(value) is float or (type(value) is int and abs(value) < _MOST)
        return number and (wanted is float or math.isfinite(value))
    return isinstance(value, wanted)


def _fields_fit(value: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    needed = {name for name in wanted if not name.endswith("?") and name != _EACH}
    kinds = {name.removesuffix("?"): kind for name, kind in wanted.items()}
    other = kinds.get(_EACH, object)
    return needed <= value.keys() and all(_fits(item, kinds.get(name, other)) for name, item in value.items())
