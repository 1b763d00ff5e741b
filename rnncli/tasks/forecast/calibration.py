"""Intervals from the errors of a backtest, step by step: split conformal prediction (Vovk et al., 2005).

An error is measured in units of the spread expected for it, so that a calm window gets narrow intervals and a wild
one wide ones (Lei et al., 2018). Errors keep their sign: the same share of values lies beyond each end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.tasks.forecast.windows import Windowing

SHARES = np.linspace(0.0, 1.0, 201)[1:-1]  # at which the errors are kept
RECEIPTS = (50, 80, 90, 95)  # percent
SHOWN = (80, 95)  # of these, where none are asked for
_FEWEST = 39  # errors of one step, for an interval of 95%; else those of all steps are taken together


@dataclass(frozen=True)
class Receipt:
    """A coverage check: an interval of `asked` percent held `got` percent of `count` values it was not fitted to."""

    asked: int
    got: float
    count: int

    def __str__(self) -> str:
        return f"asked {self.asked}%, got {self.got:.1f}%, n = {self.count:,}"


@dataclass(frozen=True)
class Calibration:
    """The quantiles of errors at each step: errors (H, G) at levels SHARES, in units of spread; and coverage checks."""

    errors: np.ndarray
    receipts: tuple[Receipt, ...]

    def quantile(self, point: np.ndarray, spread: np.ndarray, share: float, windowing: Windowing) -> np.ndarray:
        """Return the quantiles (H, B, C) at level `share`, from the forecasts `point` and their spread, (H, B, C) each.

        Steps beyond the calibrated ones use the errors of the last calibrated step.
        """
        error = np.array([self.error(step, share) for step in range(len(point))])[:, None, None]
        return windowing.back(windowing.forward(point) + error * spread)

    def error(self, step: int, share: float) -> float:
        """Return the error that this share of a step's errors does not exceed, in units of spread."""
        return float(np.interp(share, SHARES, self.errors[min(step, len(self.errors) - 1)]))

    def interval(
        self, point: np.ndarray, spread: np.ndarray, level: float, windowing: Windowing
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends, low and high, of intervals of `level` percent, each in the shape of `point`."""
        tail = (1 - level / 100) / 2
        low, high = (self.quantile(point, spread, share, windowing) for share in (tail, 1 - tail))
        return low, high

    def to_header(self) -> dict[str, Any]:
        """Return the calibration as JSON for a model file."""
        return {"errors": self.errors.tolist(), "receipts": [vars(receipt) for receipt in self.receipts]}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Calibration:
        """The inverse of `to_header`."""
        return cls(np.array(header["errors"], np.float64), tuple(Receipt(**one) for one in header["receipts"]))


def calibrated(errors: np.ndarray, groups: np.ndarray) -> Calibration | None:
    """Calibrate from errors (H, W, C) in units of spread, NaN where not known; return None if no error is known.

    groups (W,): windows with the same number depend on each other. For the receipts, every other group is calibrated
    on and the rest is checked, and the other way round.
    """
    if not np.isfinite(errors).any():
        return None
    fold = np.unique(groups, return_inverse=True)[1] % 2
    held = {level: [0, 0] for level in RECEIPTS}
    for half in (0, 1):
        kept, others = errors[:, fold != half], errors[:, fold == half]
        if not (np.isfinite(kept).any() and np.isfinite(others).any()):
            continue
        at = _kept_errors(kept)
        for level, counts in held.items():
            tail = (1 - level / 100) / 2
            for step, seen in enumerate(others):
                seen = seen[np.isfinite(seen)]
                low, high = (np.interp(share, SHARES, at[step]) for share in (tail, 1 - tail))
                counts[0] += int(((low <= seen) & (seen <= high)).sum())
                counts[1] += seen.size
    receipts = [Receipt(level, 100 * inside / count, count) for level, (inside, count) in held.items() if count]
    return Calibration(_kept_errors(errors), tuple(receipts))


def _kept_errors(errors: np.ndarray) -> np.ndarray:
    """Return quantiles (H, G) of errors (H, W, C) by step; a step with few errors uses those of all steps."""
    flat: Sequence[np.ndarray] = [step[np.isfinite(step)] for step in errors.reshape(len(errors), -1)]
    everything = np.concatenate(flat)
    return np.stack([_quantiles(step if step.size >= _FEWEST else everything) for step in flat])


def _quantiles(sample: np.ndarray) -> np.ndarray:
    """Quantiles at SHARES, a little wider than the sample's: with n errors, share p is the (n + 1)·p-th of them."""
    n = sample.size
    outer = np.clip((SHARES * (n + 1) - 1) / max(n - 1, 1), 0, 1)
    return np.quantile(sample, outer)
