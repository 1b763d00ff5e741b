"""A panel as what windows are cut from: covariates encoded, calendar features added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncli.data.calendar import calendar_features
from rnncli.errors import DataError, shown
from rnncli.tasks.forecast import covariates
from rnncli.tasks.forecast.covariates import Encoding
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.windows import Contexts, Features, Windowing


@dataclass(frozen=True)
class Encoders:
    """How columns beside the targets become features. calendar: whether the time column does too."""

    past: tuple[Encoding, ...]
    ahead: tuple[Encoding, ...]
    static: tuple[Encoding, ...]
    calendar: bool

    @classmethod
    def fit(cls, panel: Panel, rows: np.ndarray, calendar: bool) -> Encoders:
        """From these rows of the panel, which are those trained on."""
        everyone = np.arange(len(panel.ids))
        return cls(
            covariates.fit(panel.past, rows),
            covariates.fit(panel.ahead, rows),
            covariates.fit(panel.static, everyone),
            calendar,
        )

    def sizes(self, panel: Panel) -> dict[str, int]:
        """How many features there are of each kind."""
        calendar = self._calendar(panel, 0, 1, 0).shape[1]
        return {
            "past": covariates.size(self.past),
            "ahead": covariates.size(self.ahead) + calendar,
            "static": covariates.size(self.static),
        }

    def features(self, panel: Panel) -> Features:
        R = len(panel.values)
        calendar = [self._calendar(panel, s, int(length), 0) for s, length in enumerate(panel.lengths)]
        return Features(
            panel.values,
            panel.known,
            covariates.encode(self.past, panel.past, R),
            np.concatenate([covariates.encode(self.ahead, panel.ahead, R), np.concatenate(calendar)], axis=1),
            covariates.encode(self.static, panel.static, len(panel.ids)),
            np.repeat(np.arange(len(panel.ids)), panel.lengths),
        )

    def after(self, panel: Panel, s: int, needed: int, count: int) -> np.ndarray:
        """(count, K) features of the rows after the end of series s.

        DataError naming the first `needed` of them that are missing; the last known one stands for the others.
        """
        columns = panel.coming[s] if self.ahead else {}
        there = min((len(column) for column in columns.values()), default=count)
        if there < needed:
            which = f" of the series {shown(panel.ids[s])}" if panel.ids[s] else ""
            names = ", ".join(map(shown, columns))
            if panel.timelines:
                first, last = (panel.timelines[s].stamp(k) for k in (there + 1, needed))
            else:
                first, last = (f"row {k} after its end" for k in (there + 1, needed))
            missing = f"{first} is" if first == last else f"{first} to {last} are"
            raise DataError(
                f"the known covariates {names}{which} end too early: {missing} missing; add rows without a target, or "
                "give them in a second file with --future"
            )
        known = {name: column[np.minimum(np.arange(count), there - 1)] for name, column in columns.items()}
        encoded = covariates.encode(self.ahead, known, count)
        return np.concatenate([encoded, self._calendar(panel, s, 1, count)[1:]], axis=1)

    def _calendar(self, panel: Panel, s: int, count: int, ahead: int) -> np.ndarray:
        if not (self.calendar and panel.timelines):
            return np.zeros((count + ahead, 0))
        return calendar_features(panel.timelines[s], count, ahead)[1]

    def to_header(self) -> dict[str, Any]:
        """JSON for a model file."""
        parts = {name: covariates.to_header(getattr(self, name)) for name in ("past", "ahead", "static")}
        return {**parts, "calendar": self.calendar}

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Encoders:
        """The inverse of `to_header`."""
        past, ahead, static = (covariates.from_header(header[name]) for name in ("past", "ahead", "static"))
        return cls(past, ahead, static, bool(header["calendar"]))


def last_contexts(panel: Panel, encoders: Encoders, windowing: Windowing, wanted: int) -> Contexts:
    """What the `wanted` rows after the end of every series are forecast from, known covariates being those of whole
    horizons."""
    count = -(-wanted // windowing.horizon) * windowing.horizon
    features = encoders.features(panel)
    contexts = windowing.contexts(features, panel.starts[1:])
    after = np.stack([encoders.after(panel, s, wanted, count) for s in range(len(panel.ids))], axis=1)
    return replace(contexts, ahead=np.concatenate([contexts.ahead[: windowing.context], after]))
