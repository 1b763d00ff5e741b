"""What a page on a run shows: how it ended, and what can be drawn of it without training it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnncli.inspection.reports import GradientReport
from rnncli.tasks.forecast.reports import BacktestReport, ForecastChart
from rnncli.tasks.language_model.surprise import Surprise
from rnncli.training.curves import Curve
from rnncli.training.reports import Confusion
from rnncli.training.wrong_answers import WrongAnswer

MOST = 8  # runs that are looked at again, and drawn; of more only what their own files say is shown


@dataclass(frozen=True)
class Page:
    """A run. report: as report.json has it. forecasts: what comes next; worst: the windows that were forecast worst.

    stale: what is to know of `forecasts` where the data have changed since training. backtest: of a forecast, on what
    was held out; surprise, wrong: of a text, of single answers. absent: what could not be shown, each with its reason.
    """

    name: str
    report: Mapping[str, Any]
    curve: Curve | None = None
    confusion: Confusion | None = None
    forecasts: tuple[ForecastChart, ...] = ()
    stale: str = ""
    worst: tuple[ForecastChart, ...] = ()
    backtest: BacktestReport | None = None
    surprise: Surprise | None = None
    wrong: tuple[WrongAnswer, ...] = ()
    gradients: GradientReport | None = None
    absent: tuple[str, ...] = ()
