"""Which naive forecast a network corrects, where a config leaves it open."""

from __future__ import annotations

import numpy as np

from rnncli.tasks.forecast.backtest import scales_before
from rnncli.tasks.forecast.baselines import last_value, seasonal_naive
from rnncli.tasks.forecast.config import ForecastConfig
from rnncli.tasks.forecast.features import Fitted
from rnncli.tasks.forecast.members import windowing
from rnncli.tasks.forecast.splits import TRAINING, Divided
from rnncli.tasks.forecast.windows import Features

_JUDGED_BY = 2000  # windows


def with_residual(config: ForecastConfig, splits: Divided, features: Features, fitted: Fitted) -> ForecastConfig:
    """Return the config; a naive forecast it leaves open is the one that is better on the training split."""
    if config.data.residual is not None:
        return config
    windows = windowing(config, max(config.data.contexts), "none", fitted)
    origins = splits.origins(windows, TRAINING, config.data.missing)
    origins = origins[:: max(1, len(origins) // _JUDGED_BY)]
    residual = "last-value"
    if len(origins) and 1 < windows.season <= windows.context:
        contexts, actual = windows.contexts(features, origins), windows.futures(features.values, origins)
        ends = {s: splits.span(s, TRAINING)[1] for s in range(len(splits.ends))}
        steps = scales_before(splits.panel, windows.season, ends)[0][contexts.series]
        steps = np.where(np.isnan(steps), 1.0, steps)  # each series in its own unit
        last, seasonal = (
            (np.abs(actual - windows.naive(naive, contexts)) / steps).mean(axis=(0, 1))
            for naive in (last_value, seasonal_naive)
        )
        # Of the columns, each counts alike, whatever its unit.
        if (seasonal / np.maximum(last + seasonal, 1e-30)).mean() < 0.5:
            residual = "seasonal-naive"
    return config.changed(data={"residual": residual})
