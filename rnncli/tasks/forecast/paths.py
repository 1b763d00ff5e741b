"""Forecasts that go on: rows beyond the trained horizon, and drawn paths.

A forecaster knows one horizon of rows. Rows further on are forecast from forecast ones, a horizon at a time, as if
they had been seen; the scale of a window stays that of the rows which were.

A path is a future that may come. Each horizon of it is a forecast plus the errors of one whole window of the
backtest, drawn at random, and the next horizon is forecast from that: so it carries what is uncertain about the rows
before. Errors are in units of the spread that is expected of a window, as in `calibration`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from rnncli.tasks.forecast.baselines import WALKED
from rnncli.tasks.forecast.calibration import Calibration, Outlook, ranges
from rnncli.tasks.forecast.error_quantiles import SHARES, rising, smeared
from rnncli.tasks.forecast.members import LEAST_SHARE, Members
from rnncli.tasks.forecast.padding import of_each_length
from rnncli.tasks.forecast.recursive import Recursive
from rnncli.tasks.forecast.windows import Features, in_batches

PATHS = 150  # drawn for an interval
_AT_ONCE = 2048  # paths in memory
_SPREAD_BY = 4  # paths tell the spread of their next horizon

Fed = Callable[[np.ndarray, "Past", np.ndarray], np.ndarray]
"""Point (horizon, B, C), the past and the kept scales → the rows that are read in place of those to come."""


@dataclass(frozen=True)
class Past:
    """What B windows forecast from: features of T rows, and the known covariates of all rows ahead; `lengths`
    (B, C) of the T rows, the newest, are of the window's series and no padding."""

    features: Features
    lengths: np.ndarray
    keys: np.ndarray | None = None

    @property
    def seeds(self) -> np.ndarray:
        """A seed for each window (B,): `keys`, such as the names of series in numbers, or else the series' numbers."""
        return self.features.series if self.keys is None else self.keys

    def of(self, windows: np.ndarray) -> Past:
        """Return these windows, by number."""
        one = self.features
        return Past(
            Features(
                one.values[:, windows],
                one.known[:, windows],
                one.past[:, windows],
                one.known_covariates[:, windows],
                one.static[windows],
                one.series[windows],
            ),
            self.lengths[windows],
            None if self.keys is None else self.keys[windows],
        )

    def reaching(self, wanted: int) -> Past:
        """Return the past with known covariates for so many rows; where they end, the last ones are repeated."""
        one = self.features
        rows = np.minimum(np.arange(len(one.values) + wanted), len(one.known_covariates) - 1)
        return replace(self, features=replace(one, known_covariates=one.known_covariates[rows]))

    def then(self, rows: np.ndarray, kept: int | None) -> Past:
        """Return the past after `rows` (h, B, C) more, of which the last `kept` are kept, or all if that is None."""
        one, h = self.features, len(rows)
        cut = 0 if kept is None else max(len(one.values) + h - kept, 0)
        made = replace(
            one,
            values=np.concatenate([one.values, rows])[cut:],
            known=np.concatenate([one.known, np.ones(rows.shape, bool)])[cut:],
            past=np.concatenate([one.past, np.repeat(one.past[-1:], h, axis=0)])[cut:],
            known_covariates=one.known_covariates[cut:],
        )
        return Past(made, self.lengths + h, self.keys)


@dataclass(frozen=True)
class Walk:
    """One way to forecast on and on: the networks, or a baseline by name, with which `members` share their windows."""

    members: Members
    baseline: str | None = None

    @property
    def horizon(self) -> int:
        return self.members.first.windowing.horizon

    @property
    def looks_back(self) -> bool:
        """True if a baseline is asked too, which reads more rows than the networks."""
        return self.baseline is not None or self.members.average is not None

    def points(self, past: Past, wanted: int) -> np.ndarray:
        """Return the forecasts (wanted, B, C) in the series' own units."""
        if self.baseline is not None:
            return self._naive(past, wanted, self.baseline)
        reaching = self.members.reaching(wanted)
        if isinstance(reaching.first.decoder, Recursive) or wanted <= self.horizon:
            return Walk(reaching)._network(past, None)[:wanted]
        return self._walked(past, wanted, lambda point, *_: point)

    def outlook(self, past: Past, wanted: int, calibration: Calibration | None, seed: int) -> Outlook:
        """Return forecasts with their spread; beyond the horizon it is that of paths, and NaN if there are none."""
        H, near = self.horizon, self._spread(past, seed)[:wanted]
        unknown = np.full((max(wanted - H, 0), *near.shape[1:]), np.nan)
        if wanted <= H or calibration is None or calibration.windows is None:
            return Outlook(self.points(past, wanted), np.concatenate([near, unknown]))
        # To the end of a range, so that the spread of a row does not depend on how many are wanted.
        whole = H << (-(-wanted // H) - 1).bit_length()
        past = past.reaching(whole)
        point, forward = self.points(past, whole), self.members.first.windowing.forward
        spread = np.concatenate([near, np.empty((whole - H, *near.shape[1:]))])
        shapes = [np.empty((point.shape[1], len(SHARES))) for _ in ranges(H, whole)]
        least = LEAST_SHARE * self.members.scales(past.features)[0]
        for some, paths in self.drawn(past, whole, calibration, PATHS, seed):
            away = forward(paths) - forward(point[:, some])
            away = away if self.members.first.loss.signed else smeared(away, np.ones(1))
            for shape, (first, last) in zip(shapes, ranges(H, whole), strict=True):
                low, high = np.quantile(away[:, first:last], (0.1, 0.9), axis=0)
                spread[first:last, some] = rising(np.maximum((high - low) / 2, least[some]))
                units = away[:, first:last] / spread[first:last, some]
                shape[some] = np.quantile(units, SHARES, axis=(0, 1, 3)).T
        return Outlook(point[:wanted], spread[:wanted], tuple(shapes))

    def drawn(
        self, past: Past, wanted: int, calibration: Calibration, count: int, seed: int, *, free: bool = False
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the numbers of some windows (n,) and their `paths`, until all windows have been."""
        each = max(1, _AT_ONCE // count)
        for first in range(0, len(past.lengths), each):
            some = np.arange(first, min(first + each, len(past.lengths)))
            yield some, self.paths(past.of(some), wanted, calibration, count, seed, free=free)

    def paths(
        self, past: Past, wanted: int, calibration: Calibration, count: int, seed: int, *, free: bool = False
    ) -> np.ndarray:
        """Return paths (count, wanted, B, C), whose windows' errors are drawn for each series by itself.

        free: return values that may pass any bound, so that errors are those of the backtest on average too; what is
        read on never does.
        """
        windows, B, h = calibration.windows, len(past.lengths), self.horizon
        assert windows is not None
        drawn = _drawn(past.seeds, windows.shape[1], count, -(-wanted // h), seed)
        windowing, horizons, unlimited = self.members.first.windowing, iter(drawn), list[np.ndarray]()

        def fed(point: np.ndarray, past: Past, scales: np.ndarray) -> np.ndarray:
            few = np.arange(min(_SPREAD_BY, count) * B)
            spread = self._spread(past.of(few), seed, scales[:, few])
            spread = np.tile(spread.reshape(h, -1, B, spread.shape[2]).mean(axis=1), (1, count, 1))
            z = windowing.forward(point) + windows[:, next(horizons).ravel()] * spread
            unlimited.append(windowing.unlimited(z))
            return windowing.bounded(windowing.back(z), point)

        made = self._walked(past.of(np.tile(np.arange(B), count)), wanted, fed)
        made = np.concatenate(unlimited)[:wanted] if free else made
        return made.reshape(wanted, count, B, -1).swapaxes(0, 1)

    def _walked(self, past: Past, wanted: int, fed: Fed) -> np.ndarray:
        """Forecast a horizon at a time, and read on what `fed` makes of each; return these rows, (wanted, B, C)."""
        scales, made, h = self.members.scales(past.features), [], self.horizon
        kept = None if self.looks_back else self.members.context
        for _ in range(0, wanted, h):
            point = self._naive(past, h, self.baseline) if self.baseline else self._network(past, scales)
            made.append(fed(point, past, scales))
            past = past.then(made[-1], kept)
        return np.concatenate(made)[:wanted]

    def _network(self, past: Past, scales: np.ndarray | None) -> np.ndarray:
        made, by = self._each(past, scales, self.members.point), self.members.average
        if by is None:
            return made
        return by.share * made + (1 - by.share) * self._naive(past, len(made), by.baseline)

    def _spread(self, past: Past, seed: int, scales: np.ndarray | None = None) -> np.ndarray:
        return self._each(past, scales, lambda features, its: self.members.spread(features, seed, its))

    def _each(
        self, past: Past, scales: np.ndarray | None, ask: Callable[[Features, np.ndarray | None], np.ndarray]
    ) -> np.ndarray:
        """Return what `ask` has for one horizon (horizon, B, C), a batch of windows at a time."""

        def asked(some: np.ndarray) -> np.ndarray:
            features = past.of(some).features
            end = len(features.values) + self.horizon
            features = replace(features, known_covariates=features.known_covariates[:end])
            return ask(features, None if scales is None else scales[:, some])

        batches, ranks = list(in_batches(np.arange(len(past.lengths)))), self.members.first.driver.pool.ranks
        return np.concatenate(ranks.shared(batches, lambda few: list(map(asked, few))), axis=1)

    def _naive(self, past: Past, wanted: int, baseline: str) -> np.ndarray:
        windowing, values = self.members.first.windowing, past.features.values
        naive, lengths = WALKED[baseline], np.minimum(past.lengths, len(values))

        def forecast(w: np.ndarray) -> np.ndarray:
            return windowing.transformable(naive(w, wanted, windowing.season), w)

        return of_each_length(forecast, values, lengths, wanted)


def _drawn(series: np.ndarray, windows: int, count: int, horizons: int, seed: int) -> np.ndarray:
    """Return numbers of `windows`, (horizons, count, B): each is drawn as often as any other, in an order that depends
    on `seed` and the series (B,) alone."""
    made = np.empty((horizons, count, len(series)), np.int64)
    for b, s in enumerate(series.tolist()):
        generator = np.random.default_rng([seed, s])
        for one in made[..., b]:
            rounds = [generator.permutation(windows) for _ in range(-(-count // windows))]
            one[...] = np.concatenate(rounds)[:count]
    return made
