"""What a forecast is learnt from and with, in the words that stand above its training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnncli.errors import shown
from rnncli.tasks.forecast.config import ForecastConfig
from rnncli.tasks.forecast.hierarchy import Hierarchy
from rnncli.tasks.forecast.panel import Panel, ending_early
from rnncli.tasks.forecast.panel_columns import Columns
from rnncli.tasks.task import count_of_networks


def facts_of(
    config: ForecastConfig, name: str, panel: Panel, columns: Columns, windows: int, weights: int
) -> tuple[tuple[str, str], ...]:
    """Return the facts by name; name: that of the data; windows: to train on; weights: how many there are."""
    data, model = config.data, config.model
    step = f", one {panel.timelines[0].frequency} apart" if panel.timelines else ""
    season = f", season {data.season}" if data.season else ""
    several, targets = len(panel.ids) > 1, ", ".join(columns.targets)
    what = f"{len(panel.ids):,} series" if several else f"{len(panel.values):,} rows of {targets}"
    rows = f", {len(panel.values):,} rows in all" if several else ""
    corrected = "" if data.residual == "none" else f", correcting the {(data.residual or '').replace('-', ' ')}"
    contexts = " or ".join(map(str, data.contexts))
    return (
        ("data", f"{name}: {what}{rows}{step}{season}"),
        *_roles(panel, columns),
        ("windows", f"{windows:,} of {contexts} rows in, the next {data.horizon} out{corrected}"),
        (
            "model",
            f"{count_of_networks(config)}{model.num_layers} × {model.cell} of {model.hidden_size}, "
            f"{model.decoder}, {weights:,} parameters",
        ),
    )


def rows_to_forecast(panel: Panel) -> int:
    """Return how many rows after the end of every series known covariates stand in, of those that go on to the end."""
    return int(np.delete(panel.counts_to_come, ending_early(panel)).min())


def times_of(panel: Panel) -> str:
    """Return how times are read, and the first and the last of the first series; nothing without times."""
    if not panel.timelines:
        return ""
    timeline, N = panel.timelines[0], int(panel.lengths[0])
    form = timeline.written or timeline.format
    zone = f" in {timeline.zone}" if timeline.zone else ""
    return f"read as {form}{zone}, {timeline.stamp(1 - N)} to {timeline.stamp(0)}"


def _roles(panel: Panel, columns: Columns) -> Iterator[tuple[str, str]]:
    """Yield which columns tell the time and the series, how times are read, and which are covariates."""
    if panel.timelines:
        yield "times", f"{shown(str(columns.time))}, {times_of(panel)}"
    if columns.id is not None:
        yield "series", f"named by {shown(columns.id)}, with {', '.join(columns.targets)}"
    known = f"known ahead, for {_to_come(panel)} to forecast" if columns.known_covariates else ""
    roles = {"up to the last row": columns.past, known: columns.known_covariates, "static": columns.static}
    if told := [f"{', '.join(names)} {role}" for role, names in roles.items() if names]:
        yield "covariates", "; ".join(told)
    if columns.hierarchy:
        yield "sums", Hierarchy.of(columns, panel.ids).described()


def _to_come(panel: Panel) -> str:
    """Return for how many rows covariates are known, and of how many series if they are not of all."""
    counts = panel.counts_to_come
    coming = rows_to_forecast(panel) or int(counts[counts > 0].min(initial=counts.max()))
    told = int((counts >= coming).sum())
    which = "" if told == len(counts) else f" of {told:,} of {len(counts):,} series"
    return f"{coming:,} {'row' if coming == 1 else 'rows'}{which}"
