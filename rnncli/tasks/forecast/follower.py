"""A series followed row by row: the next forecast, its intervals, and a score of how unusual each arriving row is.

There are two ways; `carries` is True for the first. A single recursive network whose scale is that of the whole
series goes on from its hidden state: one step of the network to read a row, and one for each row ahead. Any other
model reads its context anew for each row, and a baseline that looks further back up to 1,000 rows, as of a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnncli.data.timeline import Timeline
from rnncli.errors import ModelFileError, UsageError, quoted
from rnncli.kernels.cells import CELLS
from rnncli.tasks.forecast.backtest import NETWORK
from rnncli.tasks.forecast.baselines import CORRECTABLE, LOOKED_BACK
from rnncli.tasks.forecast.calibration import Calibration, Outlook
from rnncli.tasks.forecast.features import last_contexts
from rnncli.tasks.forecast.forecaster import Band, Forecaster
from rnncli.tasks.forecast.members import SEED
from rnncli.tasks.forecast.panel import Panel, filled
from rnncli.tasks.forecast.recursive import Carried, Recursive

_LEAST = 1e-9  # half an interval, in units of spread
EDGE = 95.0  # percent: a value at the end of this interval is 1 from its middle


@dataclass(frozen=True)
class Followed:
    """The result after one row: its score (C,), NaN if it was not forecast; the next forecast (C,) and its bands."""

    score: np.ndarray
    point: np.ndarray
    bands: dict[float, Band]


class Follower:
    """A forecaster that goes on row by row from its series, which is one, or several side by side."""

    def __init__(self, forecaster: Forecaster, levels: Sequence[float], *, network: bool = False):
        if forecaster.columns.layout != "wide":
            columns, name = forecaster.columns, quoted(forecaster.panel.ids[0])
            if columns.layout == "rows":
                mend = "train it on a table with a column for each"
            else:
                header = quoted(columns.sources(columns.time or columns.id)[0])
                mend = (
                    f"train one on the rows of each, and send it those: grep -e {header} -e {name} | rnncli predict …"
                )
            raise UsageError(f"--follow: is for one series, or several side by side, and this model has others; {mend}")
        if forecaster.columns.known_covariates or forecaster.columns.past:
            raise UsageError(
                "--follow: this model reads covariates, which a stream of targets does not have; train one without, or "
                "predict RUN FILE from time to time"
            )
        self.forecaster, self.levels, self.network = forecaster, tuple(levels), network
        self.method = NETWORK if network else forecaster.method
        self.calibration: Calibration | None = forecaster.validated.calibrations.get(self.method)
        if levels:
            forecaster.require_intervals(self.method)
        self.horizon = forecaster.horizon
        self.kept = max(int(forecaster.panel.lengths.max()), forecaster.members.context)
        asked = {NETWORK if network else forecaster.method}
        asked |= {forecaster.members.average.baseline} if forecaster.members.average and NETWORK in asked else set()
        # What looks far back gets more rows to read as they come, up to those that it reads of a whole file.
        self.most = self.kept if asked <= {NETWORK, *CORRECTABLE} else max(self.kept, LOOKED_BACK)
        # Side by side, each is as long as the longest.
        forecaster.panel = forecaster.panel.at_least(self.kept, masked=bool(forecaster.data.padding))
        first = forecaster.members.first
        self.carries = (
            isinstance(first.decoder, Recursive)
            and first.windowing.scaling == "none"
            and len(forecaster.members.members) == 1
            and self.method == NETWORK
        )
        self._carried: Carried | None = None
        self._made: list[tuple[np.ndarray, np.ndarray]] = []  # newest first: forecasts (H, C) and their spread
        self._forecast()

    @property
    def panel(self) -> Panel:
        return self.forecaster.panel

    def push(self, values: np.ndarray) -> Followed:
        """Append one row of values (C,), NaN where missing; return its score and the next forecast."""
        score = self._score(values)
        self._append(values)
        self._forecast()
        return self.now(score)

    def now(self, score: np.ndarray | None = None) -> Followed:
        """Return the forecast of the next row, beside the score of the last."""
        score = np.full(len(self._last), np.nan) if score is None else score
        point, spread = (made[:1].reshape(1, -1, self.panel.values.shape[1]) for made in self._made[0])
        ends = self.forecaster.bands(self.method, Outlook(point, spread), self.levels)
        return Followed(
            score, point.ravel(), {level: (low.ravel(), high.ravel()) for level, (low, high) in ends.items()}
        )

    def begin_with(self, rows: np.ndarray, timeline: Timeline) -> None:
        """Forget everything, and go on from these rows (`kept`, C) instead, NaN where missing; no column is empty."""
        S, panel = len(self.panel.ids), self.panel
        whole = np.stack([filled(column, "ffill") for column in rows.T], axis=1)
        values, known = (
            each.reshape(self.kept, S, -1).swapaxes(0, 1).reshape(-1, panel.values.shape[1])
            for each in (whole, ~np.isnan(rows))
        )
        self._take(values, known, (timeline,) * len(panel.timelines))
        self._carried, self._made = None, []
        self._forecast()

    def skip(self, rows: int, value: float) -> None:
        """Append this number of missing rows, whose values are all `value`: NaN, or 0 if that is what they count as."""
        for _ in range(rows):
            self.push(np.full(len(self._last), value))

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the last rows, and which of their values are known, (`kept`, C) each."""
        S, panel = len(self.panel.ids), self.panel
        values, known = (
            each.reshape(S, self._count, -1).swapaxes(0, 1).reshape(self._count, -1)[-self.kept :]
            for each in (panel.values, panel.known)
        )
        return values, known

    def last_known(self) -> np.ndarray:
        """Return the newest row of values, (C,), NaN where missing."""
        ends = self.panel.starts[1:] - 1
        return np.where(self.panel.known[ends].ravel(), self._last, np.nan)

    @property
    def _last(self) -> np.ndarray:
        """The newest row of values, (C,)."""
        ends = self.panel.starts[1:] - 1
        return self.panel.values[ends].ravel()

    def _score(self, values: np.ndarray) -> np.ndarray:
        """Return how far each value is from the middle of a forecast's 95% interval, in half-widths of it, as the mean
        over all forecasts of this row, some of them made long before.

        A deviation that lasts for hours keeps its high score so, even when the latest forecasts have adapted to it. By
        the latest alone three of five strange days of nyc_taxi are among the ten highest, and by the mean all.
        """
        if self.calibration is None:
            return np.full(len(values), np.nan)
        windowing, scores = self.forecaster.members.first.windowing, []
        for k, (points, spreads) in enumerate(self._made[: self.horizon]):
            error = (windowing.forward(values) - windowing.forward(points[k])) / spreads[k]
            tail = (1 - EDGE / 100) / 2
            low, high = (self.calibration.error(k, share) for share in (tail, 1 - tail))
            scores.append(np.abs(error - (low + high) / 2) / max((high - low) / 2, _LEAST))
        return np.mean(scores, axis=0)

    def _append(self, values: np.ndarray) -> None:
        """Append a row to the panel, and drop its oldest if it has all that are read."""
        panel, known = self.panel, ~np.isnan(values)
        filled = np.where(known, values, self._last)
        S, N = len(panel.ids), self._count
        first = int(N == self.most)
        rows = np.concatenate([panel.values.reshape(S, N, -1)[:, first:], filled.reshape(S, 1, -1)], axis=1)
        flags = np.concatenate([panel.known.reshape(S, N, -1)[:, first:], known.reshape(S, 1, -1)], axis=1)
        C = panel.values.shape[1]
        self._take(rows.reshape(-1, C), flags.reshape(-1, C), tuple(one.moved(1) for one in panel.timelines))

    def _take(self, values: np.ndarray, known: np.ndarray, timelines: tuple[Timeline, ...]) -> None:
        """Go on from these values and flags, (S · N, C) each, in place of those of the panel."""
        starts = np.arange(len(self.panel.ids) + 1) * (len(values) // len(self.panel.ids))
        self.forecaster.panel = replace(self.panel, starts=starts, values=values, known=known, timelines=timelines)

    @property
    def _count(self) -> int:
        """The number of rows of each series."""
        return len(self.panel.values) // len(self.panel.ids)

    def _forecast(self) -> None:
        """Forecast all rows ahead, and keep the forecasts to score the rows when they arrive."""
        if self.carries:
            made = self._by_one_step()
        else:
            found = self.forecaster.forecasts(None, network=self.network)
            made = found.point.reshape(self.horizon, -1), found.spread.reshape(self.horizon, -1)
        self._made = [made, *self._made[: self.horizon - 1]]

    def _by_one_step(self) -> tuple[np.ndarray, np.ndarray]:
        """Let the network read one more row; return its forecasts (H, C) and their spread."""
        member, forecaster = self.forecaster.members.first, self.forecaster
        decoder = member.decoder
        assert isinstance(decoder, Recursive)
        contexts = last_contexts(self.panel, forecaster.fitted.encoders, member.windowing, self.horizon)
        frame = member.frame(contexts)
        if self._carried is None:
            self._carried = decoder.begun(frame, member.driver)
        else:
            self._carried = decoder.gone_on(self._carried, frame, member.driver)
        corrections = decoder.point_after(self._carried, frame, member.driver, member.loss)
        point = member.windowing.forecasts(frame, corrections)
        return point.reshape(self.horizon, -1), forecaster.members.spread(contexts, SEED).reshape(self.horizon, -1)

    def saved(self) -> dict[str, np.ndarray]:
        """Return all arrays that are needed to go on later."""
        made = np.array(self._made)  # (n, 2, H, C)
        arrays = {"values": self.panel.values, "known": self.panel.known.astype(np.uint8), "made": made}
        if self._carried is not None:
            arrays["outputs"] = self._carried.outputs
            for names, layer in zip(self._state_names(self._carried), self._carried.state, strict=True):
                arrays |= dict(zip(names, layer, strict=True))
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray], last: Sequence[str]) -> None:
        """Go on from saved arrays; last: the last stamp of each series. ModelFileError if they are another model's."""
        panel = self.panel
        count = len(arrays["values"]) // len(panel.ids)
        if not self.kept <= count <= self.most or _shapes(self.saved()) != _shapes(arrays):
            raise ModelFileError(
                "the state is of another model; remove it, or follow with the model that it belongs to"
            )
        timelines = tuple(one.restored(stamp) for one, stamp in zip(panel.timelines, last, strict=True))
        values, known = arrays["values"], arrays["known"].astype(bool)
        self._take(values, known, timelines)
        made = arrays["made"]
        shape = (2, self.horizon, values.shape[1] * len(panel.ids))
        if not 1 <= len(made) <= self.horizon or made.shape[1:] != shape:
            raise ValueError("the forecasts that it made are of another model")
        self._made = [(points, spreads) for points, spreads in made]
        if self._carried is not None:
            state = [tuple(arrays[name] for name in names) for names in self._state_names(self._carried)]
            self._carried = Carried(state, arrays["outputs"])

    def _state_names(self, carried: Carried) -> list[list[str]]:
        """The names that the states of every layer have in a file."""
        names = CELLS[self.forecaster.config.model.cell].state_names
        return [[f"{name}.{l}" for name in names] for l in range(len(carried.state))]


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all non-empty arrays but `made`, of values and flags without the number of rows; version 0.1
    wrote an empty memory for cells without one."""
    return {
        name: array.shape[1:] if name in ("values", "known") else array.shape
        for name, array in arrays.items()
        if name != "made" and array.size
    }
