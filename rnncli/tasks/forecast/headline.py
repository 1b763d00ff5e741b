"""The first sentence on a forecast's score: how far off it is on average, and how far what is natural to take is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.data.stamps import DAY, HOUR, WEEK
from rnncli.data.timeline import Timeline
from rnncli.data.units import unit_of
from rnncli.tasks.forecast.backtest import NETWORK, Backtest
from rnncli.tasks.forecast.panel_columns import Columns
from rnncli.training.headline import ERRORS, IN_PERCENT, OFF_BY, Headline

_PERIODS = {DAY: "yesterday's value", WEEK: "last week's value", HOUR: "the value an hour before"}
_YEARS = range(360 * DAY, 367 * DAY)


def headline(tested: Backtest, columns: Columns, season: int, timelines: Sequence[Timeline]) -> Headline | None:
    """Return how far off the network of a backtest is, beside the seasonal naive forecast, or the last value without a
    season: in the unit of a single target, else in percent, else beside it, of the columns that MASE is of; None if
    no actual value is known."""
    name = "seasonal-naive" if "seasonal-naive" in tested.forecasts else "last-value"
    beside = in_words(season, timelines[0] if timelines else None) if name == "seasonal-naive" else "the last value"
    known = ~np.isnan(tested.actual)
    if len(columns.targets) > 1:
        known &= tested.counted  # what their score is of
    if not known.any():
        return None
    ours, theirs = (np.where(known, np.abs(tested.forecasts[one] - tested.actual), 0.0) for one in (NETWORK, name))
    size = np.where(known, np.abs(tested.actual), 0.0)
    signs = np.sign(tested.actual[known])
    one_sided = bool((signs >= 0).all() or (signs <= 0).all())  # of what is now above, now below zero, none is a share
    if len(columns.targets) == 1:
        target, unit = unit_of(columns.targets[0], columns.signs)
        total = float(size.sum()) if one_sided else 0.0
        return Headline(
            OFF_BY, float(ours.sum()), float(theirs.sum()), beside, int(known.sum()), target, unit, total or None
        )
    ours, theirs, size = (tested.by_column(each) for each in (ours, theirs, size))
    if one_sided and (size > 0).all():
        return Headline(
            IN_PERCENT, float((100 * ours / size).sum()), float((100 * theirs / size).sum()), beside, len(size)
        )
    scores = tested.scores()
    network, baseline = scores[NETWORK].mase, scores[name].mase
    return Headline(ERRORS, network, baseline, beside) if baseline > 0 and network == network else None


def in_words(season: int, timeline: Timeline | None) -> str:
    """Return what a seasonal naive forecast repeats, such as "last year's value"."""
    if timeline is None or timeline.clocks or timeline.decimals or timeline.unit == "step":
        return f"the value {season} rows before"
    span = season * timeline.step
    if timeline.unit == "second":
        return "last year's value" if span in _YEARS else _PERIODS.get(span, f"the value {season} rows before")
    if timeline.unit == "month" and span == 12:
        return "last year's value"
    if timeline.unit == "weekday" and span == len(timeline.days):
        return "last week's value"
    return f"the value {span} {timeline.unit.removeprefix('week')}s before"
