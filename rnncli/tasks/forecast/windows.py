"""Windows of series: `context` rows in, the next `horizon` rows out, everything scaled by the context alone.

A window is named by its origin, the row of its first forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from rnncli.data.scaling import scaler
from rnncli.tasks.forecast.transforms import TRANSFORMS

NaiveForecast = Callable[[np.ndarray, int, int], np.ndarray]  # (w, horizon, season) → (horizon, B, C)

EVALUATED_AT_ONCE = 256


@dataclass(frozen=True)
class Features:
    """What windows are cut from, R rows of S series one under another.

    values (R, C), known (R, C) where they are not filled in, past (R, P) and ahead (R, K) covariates, static (S, Z),
    series (R,) which series a row is of.
    """

    values: np.ndarray
    known: np.ndarray
    past: np.ndarray
    ahead: np.ndarray
    static: np.ndarray
    series: np.ndarray


@dataclass(frozen=True)
class Contexts:
    """What B forecasts are made from, as in `Features`.

    values, known (T, B, C), past (T, B, P), ahead (T + horizon, B, K), static (B, Z), series (B,).
    """

    values: np.ndarray
    known: np.ndarray
    past: np.ndarray
    ahead: np.ndarray
    static: np.ndarray
    series: np.ndarray


@dataclass(frozen=True)
class Frame:
    """Contexts as a network sees them: x (T, B, C) values, less the centre (B, C), in units of the scale (B, C).

    baseline (horizon, B, C), what is corrected, of transformed values as are centre and scale. coming, coming_known
    (horizon, B, C): in training, the scaled values ahead and which of them are known, for a network that reads its own
    forecasts later.
    """

    x: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    baseline: np.ndarray
    contexts: Contexts
    coming: np.ndarray | None = None
    coming_known: np.ndarray | None = None


@dataclass(frozen=True)
class Windowing:
    """How windows are cut and scaled.

    baseline: one of `baselines`; None corrects nothing. fixed: (centre, scale), each (S, C), of whole series,
    for scalings "none" and "last-value". power: of a Box-Cox transform.
    """

    context: int
    horizon: int
    season: int
    scaling: str
    baseline: NaiveForecast | None
    fixed: tuple[np.ndarray, np.ndarray]
    transform: str = "none"
    power: float = 1.0

    def contexts(self, features: Features, origins: np.ndarray) -> Contexts:
        """The rows before each origin, and what is known beforehand of those after it."""
        rows = origins[None, :] + np.arange(-self.context, self.horizon)[:, None]
        before = rows[: self.context]
        # A row after the data has no covariates here; who forecasts from there brings them.
        ahead = features.ahead[np.minimum(rows, len(features.ahead) - 1)]
        series = features.series[origins - 1]
        return Contexts(
            features.values[before],
            features.known[before],
            features.past[before],
            ahead,
            features.static[series],
            series,
        )

    def past(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """(context, B, C) rows before each origin."""
        return rows_before(values, origins, self.context)

    def futures(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """(horizon, B, C) rows from each origin on."""
        return values[origins[None, :] + np.arange(self.horizon)[:, None]]

    def frame(self, contexts: Contexts) -> Frame:
        """The contexts scaled, and the baseline."""
        w = contexts.values
        z = self.forward(w)
        if self.scaling in ("none", "last-value"):
            centre, scale = (part[contexts.series] for part in self.fixed)
            centre = z[-1] if self.scaling == "last-value" else centre
        else:
            centre, scale = scaler(self.scaling, z, self.season)
        if self.baseline is None:
            baseline = np.broadcast_to(centre, (self.horizon, *centre.shape))
        else:
            baseline = self.forward(self.baseline(w, self.horizon, self.season))
        return Frame((z - centre) / scale, centre, scale, baseline, contexts)

    def corrections(self, frame: Frame, futures: np.ndarray) -> np.ndarray:
        """What a perfect network would say of what came, (horizon, B, C)."""
        return (self.forward(futures) - frame.baseline) / frame.scale

    def forecasts(self, frame: Frame, corrections: np.ndarray) -> np.ndarray:
        """Corrections (…, horizon, B, C) as values in the series' own units."""
        return self.back(frame.baseline + corrections * frame.scale)

    def forward(self, y: np.ndarray) -> np.ndarray:
        return TRANSFORMS[self.transform].forward(y, self.power)

    def back(self, z: np.ndarray) -> np.ndarray:
        return TRANSFORMS[self.transform].back(z, self.power)

    def origins(self, first: int, last: int, begin: int = 0) -> np.ndarray:
        """Every origin whose forecast rows lie in first ≤ row < last, and whose context begins at `begin` or later."""
        return np.arange(max(first, begin + self.context), last - self.horizon + 1)


def rows_before(values: np.ndarray, origins: np.ndarray, count: int) -> np.ndarray:
    """(count, B, C) rows before each origin."""
    return values[origins[None, :] + np.arange(-count, 0)[:, None]]


def in_batches(origins: np.ndarray) -> Iterator[np.ndarray]:
    """`origins` in order, as many at a time as are worth evaluating at once."""
    for start in range(0, len(origins), EVALUATED_AT_ONCE):
        yield origins[start : start + EVALUATED_AT_ONCE]
