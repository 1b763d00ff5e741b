"""Everything about series, beyond the networks, that the training rows decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncli.data.scaling import whole_series
from rnncli.errors import ConfigError
from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.features import Encoders
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.splits import Divided
from rnncli.tasks.forecast.transforms import TRANSFORMS, fitted_power, require_transformable


@dataclass(frozen=True)
class Fitted:
    """fixed: (centre, scale), each (S, C), of whole series; power: of a Box-Cox transform; how columns are encoded."""

    fixed: tuple[np.ndarray, np.ndarray]
    power: float
    encoders: Encoders

    @classmethod
    def to(cls, parts: Divided, data: SeriesConfig, name: str) -> Fitted:
        """Fit to the training rows of `parts`, which came from the file `name`."""
        panel, rows = parts.panel, parts.rows(0)
        if data.calendar and not panel.timelines:
            raise ConfigError("data.calendar: needs a time column; name it in data.time, or set data.calendar to false")
        require_transformable(panel.values, data.transform, name)
        spans = [parts.span(s, 0) for s in range(len(panel.ids))]
        power = 1.0
        if data.transform == "box-cox":
            series = (column for first, last in spans for column in panel.values[first:last].T)
            power = fitted_power(series, data.season or 1)
        z = TRANSFORMS[data.transform].forward(panel.values, power)
        # A series without training rows is seen by its first one.
        each = [whole_series(z[first : max(last, first + 1)]) for first, last in spans]
        fixed = np.stack([centre for centre, _ in each]), np.stack([scale for _, scale in each])
        return cls(fixed, power, Encoders.fit(panel, rows, data.calendar))

    def for_series(self, panel: Panel, ids: Sequence[str], data: SeriesConfig) -> Fitted:
        """The same for the series of `panel`, fitted on those called `ids`: others are centred by their own rows."""
        places = {name: s for s, name in enumerate(ids)}
        z = TRANSFORMS[data.transform].forward(panel.values, self.power)
        each = [
            (self.fixed[0][places[name]], self.fixed[1][places[name]])
            if name in places
            else whole_series(z[panel.rows(s)])
            for s, name in enumerate(panel.ids)
        ]
        return replace(self, fixed=(np.stack([centre for centre, _ in each]), np.stack([scale for _, scale in each])))

    def to_header(self) -> dict[str, Any]:
        """JSON for a model file."""
        return {
            "fixed": [part.tolist() for part in self.fixed],
            "power": self.power,
            "encoders": self.encoders.to_header(),
        }

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Fitted:
        """The inverse of `to_header`."""
        centre, scale = (np.array(part, np.float64) for part in header["fixed"])
        return cls((centre, scale), float(header["power"]), Encoders.from_header(header["encoders"]))
