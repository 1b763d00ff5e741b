"""What a forecast's model file keeps must fit together: its series, what is fitted to them, and how it reads them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rnncli.tasks.forecast.config import SeriesConfig
from rnncli.tasks.forecast.features import Encodings, Fitted
from rnncli.tasks.forecast.panel import Panel
from rnncli.tasks.forecast.panel_columns import Columns
from rnncli.tasks.forecast.settings import MOST_HORIZON, most_context


def require_kept(data: SeriesConfig, columns: Columns, panel: Panel, fitted: Fitted, channels: int) -> None:
    """Raise ValueError where these parts of a model file are not of one forecast.

    A context is no longer than the series that it reads, of which as many rows are in the file; only a padded one may
    be somewhat longer.
    """
    longest = int(panel.lengths.max())
    if data.horizon is None or not data.contexts:
        raise ValueError("it has no horizon, or no context")
    if max(data.contexts) > (most_context(longest) if data.padding else longest):
        raise ValueError(f"a context of {max(data.contexts):,} rows, and its longest series has {longest:,}")
    if data.horizon > MOST_HORIZON:
        raise ValueError(f"a horizon of {data.horizon:,} rows is longer than any")
    shape = len(panel.ids), panel.values.shape[1]
    apart = columns.layout == "wide" and shape == (len(columns.targets), 1)  # each column is a series
    if any(values.shape != shape for values in fitted.fixed) or not (shape[1] == len(columns.targets) or apart):
        raise ValueError("its scales are not of its series")
    if not 0 <= fitted.power <= 1:
        raise ValueError(f"its power is {fitted.power:g}, which no Box-Cox transform of it has")
    if channels not in (1, shape[0]):
        raise ValueError("it tells apart other series than it has")
    encoders = fitted.encoders
    for names, found, encodings in (
        (columns.past, panel.past, encoders.past),
        (columns.known_covariates, panel.known_covariates, encoders.known_covariates),
        (columns.static, panel.static, encoders.static),
        *((columns.known_covariates, coming, encoders.known_covariates) for coming in panel.coming),
    ):
        _require_encoded(names, found, encodings)


def _require_encoded(names: tuple[str, ...], columns: Mapping[str, np.ndarray], encodings: Encodings) -> None:
    if not set(names) == columns.keys() == {one.name for one in encodings} or len(encodings) != len(columns):
        raise ValueError("its covariates are not those that its network reads")
    if any((columns[one.name].dtype.kind == "U") != bool(one.words) for one in encodings if len(columns[one.name])):
        raise ValueError("its covariates are not words or numbers as its network reads them")
