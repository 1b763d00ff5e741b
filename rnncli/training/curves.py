"""The course of a training, as the lines of metrics.jsonl tell it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnncli.training.listed import differing


@dataclass(frozen=True)
class Curve:
    """The losses of a run after each of its evaluations, NaN where there is none.

    figure: (name, values) of what the score prints, where that is not the loss. best: the index of the evaluation whose
    weights were kept, None if unknown. loss: what the losses are of, such as `forecast (mae)`; empty if unknown.
    unit: that of the losses, empty if unknown. basis: what they are losses on, by aspect, as far as that is known.
    """

    name: str
    steps: tuple[float, ...]
    train: tuple[float, ...]
    valid: tuple[float, ...]
    figure: tuple[str, tuple[float, ...]] | None = None
    best: int | None = None
    loss: str = ""
    unit: str = ""
    basis: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def kept(self) -> float | None:
        """The loss of the weights that were kept: on validation, or in training where nothing was held out."""
        if self.best is None:
            return None
        return self.valid[self.best] if math.isfinite(self.valid[self.best]) else self.train[self.best]


def caution(curves: Sequence[Curve]) -> str:
    """Return a sentence on why the losses of these runs may not be compared; an empty one where they may."""
    aspects = differing(curve.basis for curve in curves)
    aspects = ["task"] if "task" in aspects else aspects  # which says it all
    return f"losses are not comparable: the runs differ in {' and '.join(aspects)}" if aspects else ""


def curve_of(name: str, lines: Iterable[Mapping[str, Any]]) -> Curve | None:
    """Return the curve that lines of metrics give, or None if none of them is such a line."""
    found = [line for line in lines if math.isfinite(_number(line.get("step"))) and "train_loss" in line]
    if not any(math.isfinite(_number(line.get(key))) for line in found for key in ("train_loss", "valid_loss")):
        return None
    named = [str(line["figure_name"]) for line in found if line.get("figure_name")]
    kept = [i for i, line in enumerate(found) if line.get("improved") in (True, "true", "True")]

    def column(key: str) -> tuple[float, ...]:
        return tuple(_number(line.get(key)) for line in found)

    figure = (named[-1], column("figure")) if named else None
    return Curve(name, column("step"), column("train_loss"), column("valid_loss"), figure, kept[-1] if kept else None)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
