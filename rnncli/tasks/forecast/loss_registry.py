"""The losses of forecasts by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnncli.registry import Registry

if TYPE_CHECKING:
    from rnncli.tasks.forecast.losses import ForecastLoss

FORECAST_LOSSES: Registry[ForecastLoss] = Registry(
    {
        "mae": "rnncli.tasks.forecast.losses:MAE",
        "mse": "rnncli.tasks.forecast.losses:MSE",
        "quantile": "rnncli.tasks.forecast.losses:QUANTILE",
        "gaussian": "rnncli.tasks.forecast.losses:GAUSSIAN",
        "student-t": "rnncli.tasks.forecast.losses:STUDENT_T",
        "negative-binomial": "rnncli.tasks.forecast.losses:NEGATIVE_BINOMIAL",
    }
)
