"""Intervals from the errors of a backtest, step by step: split conformal prediction (Vovk et al., 2005).

An error is measured in units of the spread expected for it, so that a calm window gets narrow intervals and a wild
one wide ones (Lei et al., 2018). Errors keep their sign: the same share of values lies beyond each end.

Beyond the trained horizon the spread is that of drawn paths (see `paths`), and errors are those of a backtest that
goes as far: up to twice the horizon, and up to four times. A backtest of few windows that share nothing says little
there, so its errors and those of the paths are mixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from rnncli.data.typed import array, typed
from rnncli.tasks.forecast.error_quantiles import SHARES, Together, at, by_step, quantiles_of, smeared, worth_of
from rnncli.tasks.forecast.windows import Windowing

WIDEST = 99.0  # percent of an interval whose ends are among SHARES
RECEIPTS = (50, 80, 90, 95)  # percent
_TAILS = tuple((1 - level / 100) / 2 for level in RECEIPTS)
SHOWN = (80, 95)  # of these, where none are asked for
MULTIPLES = (2, 4)  # of the horizon: where ranges of rows end that are calibrated and checked together
_BELIEVED = 5  # independent errors count as much as the paths


@dataclass(frozen=True)
class Receipt:
    """A coverage check: an interval of `asked` percent held `got` percent of `count` values it was not fitted to, which
    are all of those at steps from `first` to `last`."""

    asked: int
    got: float
    count: int
    first: int
    last: int

    def __str__(self) -> str:
        return f"asked {self.asked}%, got {self.got:.1f}%, n = {self.count:,} ({in_words(self.first, self.last)})"


@dataclass(frozen=True)
class Beyond:
    """The errors (G,) at levels SHARES of all steps of a range that ends at `last`, in units of the paths' spread, and
    how many independent errors they are worth."""

    last: int
    errors: np.ndarray
    worth: float

    def mixed(self, drawn: np.ndarray) -> np.ndarray:
        """Return these errors mixed with those of paths (…, G), in their shape."""
        weight = self.worth / (self.worth + _BELIEVED)
        return weight * self.errors + (1 - weight) * drawn


@dataclass(frozen=True)
class Outlook:
    """What is known of N rows to forecast: point (N, B, C), and the spread of values around it in transformed units.

    drawn: for each of the `ranges` of rows beyond the horizon, the errors (B, G) of paths at levels SHARES, in units of
    the spread.
    """

    point: np.ndarray
    spread: np.ndarray
    drawn: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """The quantiles of errors at each step: errors (H, G) at levels SHARES, in units of spread; and coverage checks.

    windows (H, N, C): the errors of whole windows, of which paths are made; None in models of version 0.1. beyond: the
    errors of ranges of steps beyond H that a backtest reached.
    """

    errors: np.ndarray
    receipts: tuple[Receipt, ...]
    windows: np.ndarray | None = None
    beyond: tuple[Beyond, ...] = ()

    @property
    def horizon(self) -> int:
        return len(self.errors)

    def error(self, step: int, share: float) -> float:
        """Return the error that this share of a step's errors does not exceed, in units of spread."""
        return float(np.interp(share, SHARES, self.errors[min(step, self.horizon - 1)]))

    def quantile(self, outlook: Outlook, share: float, windowing: Windowing) -> np.ndarray:
        """Return the quantiles (N, B, C) at level `share`, in the series' own units.

        Beyond the horizon H no interval is narrower than that of the row before, and than those within the horizon
        are on average: rows that are forecast from forecast ones are not known better than these.
        """
        tail, side = min(share, 1 - share), int(share > 0.5)
        furthest = np.maximum if side else np.minimum
        within = [narrower for narrower in _TAILS if narrower > tail]  # no interval ends within a narrower one
        away = furthest.reduce([self._ends(outlook, one)[side] for one in (*within, tail)])
        return windowing.bounded(windowing.back(windowing.forward(outlook.point) + away), outlook.point)

    def _ends(self, outlook: Outlook, tail: float) -> np.ndarray:
        """Return how far from the point the two ends (2, N, B, C) of an interval are, beyond each of which are `tail`
        of all values, in transformed units."""
        ends, H = np.stack([self._away(outlook, tail), self._away(outlook, 1 - tail)]), self.horizon
        width = ends[1] - ends[0]
        if len(width) > H:
            least = np.maximum(width[H - 1], width[:H].mean(axis=0))
            lacking = np.maximum.accumulate(np.maximum(width[H:], least)) - width[H:]
            ends[:, H:] += np.array([-0.5, 0.5])[:, None, None, None] * lacking
        return ends

    def _away(self, outlook: Outlook, share: float) -> np.ndarray:
        """Return how far from the point quantiles (N, B, C) are at level `share`, in transformed units."""
        N, H = len(outlook.point), self.horizon
        errors = np.array([self.error(step, share) for step in range(min(N, H))])
        rows = [errors[:, None, None] * outlook.spread[:H]]
        for (first, last), drawn in zip(ranges(H, N), outlook.drawn, strict=True):
            its = next((one for one in self.beyond if one.last >= last), self.beyond[-1] if self.beyond else None)
            ends = at(share, drawn if its is None else its.mixed(drawn))
            rows.append(ends[None, :, None] * outlook.spread[first:last])
        return np.concatenate(rows)

    def interval(self, outlook: Outlook, level: float, windowing: Windowing) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends, low and high, of intervals of `level` percent, each in the shape of the point."""
        tail = (1 - level / 100) / 2
        low, high = (self.quantile(outlook, share, windowing) for share in (tail, 1 - tail))
        return low, high

    def to_header(self) -> dict[str, Any]:
        """Return all but the windows as JSON for a model file."""
        beyond = [asdict(one) | {"errors": one.errors.tolist()} for one in self.beyond]
        return {"errors": self.errors.tolist(), "receipts": [vars(one) for one in self.receipts], "beyond": beyond}

    @classmethod
    def from_header(cls, header: Mapping[str, Any], windows: np.ndarray | None = None) -> Calibration:
        """The inverse of `to_header`; what version 0.1 did not write is left out."""
        errors = array(header["errors"], "errors", None, len(SHARES))
        whole = {"first": 1, "last": len(errors)}
        beyond = (
            typed(Beyond, one, "beyond", errors=array(one["errors"], "errors", len(SHARES)))
            for one in header.get("beyond", ())
        )
        receipts = (typed(Receipt, whole | one, "receipts") for one in header["receipts"])
        return cls(errors, tuple(receipts), windows, tuple(beyond))


def in_words(first: int, last: int) -> str:
    """Return words for the rows from `first` to `last`."""
    return f"row {first:,}" if first == last else f"rows {first:,} to {last:,}"


def ranges(horizon: int, wanted: int) -> list[tuple[int, int]]:
    """Return the ranges of steps, from first to before last, beyond `horizon` that are calibrated together: each ends
    where twice as many rows do, and the last one at `wanted`."""
    ends = [horizon]
    while ends[-1] < wanted:
        ends.append(min(2 * ends[-1], wanted))
    return list(pairwise(ends))


def calibrated(
    errors: np.ndarray, together: Together, windows: np.ndarray | None = None, grain: np.ndarray | None = None
) -> Calibration | None:
    """Calibrate from errors (H, W, C) in units of spread, NaN where not known; return None if no error is known.

    together: which of the windows depend on each other. windows: see `Calibration`. grain (H, W, C): see `smeared`.
    """
    if not np.isfinite(errors).any():
        return None
    return Calibration(by_step(smeared(errors, grain), together), receipts(errors, together, grain), windows)


def beyond(
    seen: np.ndarray,
    held_out: np.ndarray,
    together: tuple[Together, Together],
    drawn: np.ndarray,
    first: int,
    last: int,
    grain: np.ndarray | None = None,
) -> tuple[Beyond, tuple[Receipt, ...]]:
    """Calibrate the steps from `first` (from 0) to before `last` by their errors in units of the paths' spread.

    seen, held_out: errors (n, W, C) of windows of the training split and of others, of which `together` tells more;
    those of counts are smeared in `seen`, and `grain` (n, W, C) tells by how much to smear the others. drawn (G,): the
    errors of paths. The receipts say what held the held-out errors before they were used too.
    """
    both = [errors[np.isfinite(errors)] for errors in (seen, smeared(held_out, grain))]
    worth = [worth_of(*one) for one in zip((seen, held_out), together, strict=True)]
    before = Beyond(last, quantiles_of(both[0]), worth[0]).mixed(drawn) if both[0].size else drawn
    everything = np.concatenate(both)
    made = Beyond(last, quantiles_of(everything) if everything.size else drawn, sum(worth))
    checked = held_out[np.isfinite(held_out)]
    n = checked.size
    checks = (_inside(checked, before, level) for level in RECEIPTS if n)
    return made, tuple(
        Receipt(level, 100 * inside / n, n, first + 1, last) for level, inside in zip(RECEIPTS, checks, strict=False)
    )


def receipts(errors: np.ndarray, together: Together, grain: np.ndarray | None = None) -> tuple[Receipt, ...]:
    """Return coverage checks of errors (H, W, C): every other group of windows is checked by the rest, and the other
    way round."""
    fold = np.unique(together.groups, return_inverse=True)[1] % 2
    held = {level: [0, 0] for level in RECEIPTS}
    fine = smeared(errors, grain)
    for half in (0, 1):
        some, others = fine[:, fold != half], errors[:, fold == half]
        if not (np.isfinite(some).any() and np.isfinite(others).any()):
            continue
        each = by_step(some, together.only(fold != half))
        for step, kept in zip(others, each, strict=True):
            seen = step[np.isfinite(step)]
            for level, counts in held.items():
                counts[0] += _inside(seen, kept, level)
                counts[1] += seen.size
    return tuple(
        Receipt(level, 100 * inside / count, count, 1, len(errors)) for level, (inside, count) in held.items() if count
    )


def _inside(errors: np.ndarray, kept: np.ndarray, level: float) -> int:
    """Return how many of the errors (n,) are in an interval of `level` percent by the quantiles `kept` (G,)."""
    tail = (1 - level / 100) / 2
    low, high = np.interp((tail, 1 - tail), SHARES, kept)
    return int(((low <= errors) & (errors <= high)).sum())
