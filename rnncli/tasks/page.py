"""What a page on a run shows: how it ended, and what can be drawn of it without training it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnncli.tasks.forecast.reports import BacktestReport, ForecastChart
from rnncli.training.curves import Curve
from rnncli.training.reports import Confusion


@dataclass(frozen=True)
class Page:
    """A run. report: as report.json has it. forecasts: what comes next; worst: the windows that were forecast worst.

    backtest: of a forecast, on what was held out. absent: what could not be shown, each with its reason.
    """

    name: str
    report: Mapping[str, Any]
    curve: Curve | None = None
    confusion: Confusion | None = None
    forecasts: tuple[ForecastChart, ...] = ()
    worst: tuple[ForecastChart, ...] = ()
    backtest: BacktestReport | None = None
    absent: tuple[str, ...] = field(default=())
