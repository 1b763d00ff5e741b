"""Why a forecast's config has the values that the data chose, in the words of a config's comments."""

from __future__ import annotations

from rnncli.data.timeline import Timeline
from rnncli.tasks.forecast.config import ForecastConfig, SeriesConfig

_SCALINGS = {
    "standard": "each context less its mean, by its standard deviation",
    "seasonal-error": "each context less its last value, by the steps between seasons",
    "mean": "each context in units of its mean",
}
_LAYOUTS = {"rows": "one series in each row", "long": "series one under another"}
_DECODERS = {
    "direct": "all rows ahead at once",
    "recursive": "row by row, from the network's own forecasts",
    "segments": "several rows at a time",
}


def reasons(
    config: ForecastConfig, timeline: Timeline | None, times: str, windows: int, weights: int
) -> dict[str, str]:
    """Return the reasons by key; times: how they are read; windows: to train on; weights: how many there are."""
    data = config.data
    every = f"one {timeline.frequency} apart" if timeline else ""
    return {
        "data.time": times,
        "data.id": "names the series that a row belongs to",
        "data.target": "what is forecast; other columns can help as covariates",
        "data.layout": _LAYOUTS.get(data.layout or "", ""),
        "data.channels": "each column is a series of its own" if data.channels == "independent" else "",
        "data.freq": f"the rows are {every}",
        "data.season": f"rows, as is usual where they are {every}"
        if timeline and data.season == timeline.season
        else "rows after which these values repeat themselves most",
        "data.horizon": f"rows to forecast{_as_seasons(data.horizon, data) or ': a twentieth of a series, at most 12'}",
        "data.context": f"past rows to read{_as_seasons(max(data.contexts), data)}",
        "data.padding": _padding(data),
        "data.validation": "the newest rows of each series tell when the network is best",
        "data.scaling": _SCALINGS.get(data.scalings[0], "") if len(data.scalings) == 1 else "by networks in turn",
        "data.residual": "" if data.residual == "none" else "the naive forecast that the network corrects",
        "model.decoder": _DECODERS.get(config.model.decoder, ""),
        "model.segment": "rows at a time",
        "model.hidden_size": f"units, for {windows:,} windows to train on: {weights:,} parameters",
        "training.bptt": "rows that gradients flow back through: a whole context and horizon",
    }


def _padding(data: SeriesConfig) -> str:
    if not data.padding:
        return ""
    return (
        "masked values are left out of figures" if data.missing == "mask" else "some series are shorter than a context"
    )


def _as_seasons(rows: int | None, data: SeriesConfig) -> str:
    """Return rows as a number of whole seasons or horizons, empty where they are none."""
    for size, name in ((data.season, "season"), (data.horizon, "horizon")):
        if rows and size and size > 1 and rows % size == 0 and not (name == "horizon" and rows == size):
            count = rows // size
            return f": {count} {name}s" if count > 1 else f": one {name}"
    return ""
