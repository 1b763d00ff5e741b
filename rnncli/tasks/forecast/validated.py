"""What the validation split tells beside a score: intervals, and whether a naive forecast beats the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from rnncli.data.typed import typed
from rnncli.tasks.forecast.backtest import NETWORK, WITH_BASELINE, Backtest, Tester, evenly
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS
from rnncli.tasks.forecast.calibration import Calibration, beyond, calibrated, ranges
from rnncli.tasks.forecast.error_quantiles import Together, half_of_middle, smeared
from rnncli.tasks.forecast.members import Average
from rnncli.tasks.forecast.windows import Bounds

LEAST_KEPT, _MOST_KEPT = 10, 400  # windows whose errors make paths
_MOST_ERRORS = 200_000  # that a model file has of them
_LEAST_DRAWN, _MOST_DRAWN = 24, 96  # windows of a split that calibrate the rows beyond the horizon, one a series
_ARRAY = "validated.{}.windows"

Further = Sequence[Mapping[int, np.ndarray]]
"""For the training and the validation split, the origins from which so many rows, beyond the horizon, can be scored."""


@dataclass(frozen=True)
class Validated:
    """calibrations: those of intervals, by the method that forecasts. prefers: a baseline that is better, or None.
    bounds: what intervals do not pass, see `windows.bounds_of`; None for no bounds. average: what the networks'
    forecast is averaged with, if anything."""

    calibrations: dict[str, Calibration] = field(default_factory=dict)
    prefers: str | None = None
    bounds: Bounds | None = None
    average: Average | None = None

    def method(self, *, fallback: bool) -> str:
        """Return what `predict` forecasts with: the network, or, with `fallback`, the baseline that was better."""
        return self.prefers if self.prefers and fallback else NETWORK

    def require_of(self, horizon: int, targets: int) -> None:
        """Raise ValueError unless all of it is of forecasts of so many rows of so many targets."""
        for one in self.calibrations.values():
            windows = one.windows
            if one.horizon != horizon or (windows is not None and windows.shape[::2] != (horizon, targets)):
                raise ValueError("its intervals are of another horizon")
        if self.bounds is not None and any(len(side) != targets for side in self.bounds):
            raise ValueError("its bounds are of other targets")

    def to_header(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return everything as JSON, and arrays by name, for a model file."""
        header = {
            "calibrations": {name: one.to_header() for name, one in self.calibrations.items()},
            "prefers": self.prefers,
            "bounds": self.bounds and [[None if np.isinf(end) else float(end) for end in side] for side in self.bounds],
            "average": self.average and asdict(self.average),
        }
        arrays = {name: one.windows for name, one in self.calibrations.items()}
        return header, {_ARRAY.format(name): windows for name, windows in arrays.items() if windows is not None}

    @classmethod
    def from_header(cls, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Validated:
        """The inverse of `to_header`."""
        calibrations = {
            name: Calibration.from_header(one, arrays.get(_ARRAY.format(name)))
            for name, one in typed(dict[str, Any], header["calibrations"], "calibrations").items()
        }
        prefers = header["prefers"] if header["prefers"] in tuple(NAIVE_FORECASTS) else None
        average = typed(Average | None, header.get("average"), "average")
        if average is not None and not (average.baseline in NAIVE_FORECASTS and 0 <= average.share <= 1):
            raise ValueError("its average is with no baseline")
        return cls(calibrations, prefers, _bounds(header.get("bounds")), average)

    @classmethod
    def of(cls, tester: Tester, tested: Backtest, further: Further, bounds: Bounds | None) -> Validated:
        """Learn from `tested`, a backtest on the validation split of what `tester` forecasts with."""
        average = tester.members.average
        if np.isnan(tested.actual).all():
            return cls(bounds=bounds, average=average)
        own = WITH_BASELINE if WITH_BASELINE in tested.forecasts else NETWORK
        squared = tester.members.first.loss.mean
        errors = {name: float(np.nanmean(tested.errors(name, squared=squared))) for name in tested.forecasts}
        best = min((name for name in errors if name in NAIVE_FORECASTS), key=lambda name: errors[name])
        prefers = best if errors[best] <= errors[own] else None
        spread = tester.outlook(tested.origins, tester.horizon).spread
        together, calibrations = tested.together, {}
        for name, method in ((NETWORK, own), (best, best)):
            missed = _missed(tester, tested.actual, tested.forecasts[method]) / spread
            made = calibrated(missed, together, _whole_windows(missed), _grain(tester, spread))
            if made is not None:
                baseline = None if name == NETWORK else name
                used = baseline is None or baseline == prefers
                calibrations[name] = _reaching(made, tester, further, baseline) if used else made
        return cls(calibrations, prefers, bounds, average)


def _bounds(sides: Sequence[Sequence[float | None]] | None) -> Bounds | None:
    if sides is None:
        return None
    sides = typed(tuple[list[float | None], list[float | None]], sides, "bounds")
    low, high = (
        np.array([none if end is None else end for end in side], np.float64)
        for side, none in zip(sides, (-np.inf, np.inf), strict=True)
    )
    return low, high


def _missed(tester: Tester, actual: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    forward = tester.members.first.windowing.forward
    return forward(actual) - forward(forecast)


def _whole_windows(errors: np.ndarray) -> np.ndarray | None:
    """Return the errors (H, N, C) of some windows of (H, W, C), float32, or None if too few are known.

    An error that is not known, of windows of which most are, is that of the next window at the same step.
    """
    H, _, C = errors.shape
    known = np.isfinite(errors)
    some = np.flatnonzero(known.mean(axis=(0, 2)) > 0.5)
    if len(some) < LEAST_KEPT:
        return None
    some = evenly(some, max(min(_MOST_KEPT, _MOST_ERRORS // (H * C)), LEAST_KEPT))
    kept = errors[:, some].copy()
    for step in kept.reshape(H, len(some), C):
        for column in step.T:
            there = np.flatnonzero(np.isfinite(column))
            after = np.searchsorted(there, np.arange(len(some))) % max(len(there), 1)
            column[...] = column[there[after]] if len(there) else 0.0
    return kept.astype(np.float32)


def _reaching(made: Calibration, tester: Tester, further: Further, baseline: str | None) -> Calibration:
    """Return the calibration with those of rows beyond the horizon, as far as there are windows to learn them from.

    Validation has few windows that share nothing and go so far, so those of the training split tell too how errors
    grow; being fitted to, all of their errors are enlarged as those within the horizon need it. Receipts are of
    validation alone.
    """
    if made.windows is None:
        return made
    seen, held_out = (_far(tester, split, made, baseline) for split in further)
    near = half_of_middle(seen.errors[: made.horizon])
    errors = smeared(seen.errors, seen.grain)
    enlarged = errors * (half_of_middle(made.windows) / near if near > 0 else 1.0)
    reached, receipts = [], list(made.receipts)
    for k, (first, last) in enumerate(ranges(made.horizon, max(len(enlarged), len(held_out.errors)))):
        drawn = (held_out.drawn[k:] or seen.drawn[k:])[0].mean(axis=0)
        together = seen.together, held_out.together
        grain = None if held_out.grain is None else held_out.grain[first:last]
        found, checks = beyond(enlarged[first:last], held_out.errors[first:last], together, drawn, first, last, grain)
        reached.append(found)
        receipts += checks
    return replace(made, receipts=tuple(receipts), beyond=tuple(reached))


@dataclass(frozen=True)
class _Far:
    """The errors (N, W, C) of windows of one split, in units of the spread, as far as there are windows; which of
    these depend on each other; for each range of rows the errors (B, G) of paths; and the grain of counts."""

    errors: np.ndarray
    together: Together
    drawn: tuple[np.ndarray, ...] = ()
    grain: np.ndarray | None = None


def _grain(tester: Tester, spread: np.ndarray) -> np.ndarray | None:
    """Return one count in units of the spread (N, W, C); None if values are no counts."""
    return None if tester.members.first.loss.signed else 1 / spread


def _far(tester: Tester, split: Mapping[int, np.ndarray], made: Calibration, baseline: str | None) -> _Far:
    wanted = max((rows for rows, origins in split.items() if len(origins)), default=0)
    if not wanted:
        return _Far(np.zeros((0, 0, 1)), Together.of(np.zeros(0, np.int64)))
    count = min(max(len(tester.panel.ids), _LEAST_DRAWN), _MOST_DRAWN)
    chosen = tester.evenly(split[wanted], count)
    outlook = tester.outlook(chosen, wanted, made, baseline)
    errors = _missed(tester, tester.actual(chosen, wanted), outlook.point) / outlook.spread
    together = tester.together(chosen, wanted)
    return _Far(errors, together, outlook.drawn, _grain(tester, outlook.spread))
