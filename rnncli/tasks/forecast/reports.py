"""The results of a forecast beside its score: frozen, plain values, which the user interface draws."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Judged:
    """One forecaster in a backtest: its mean errors; the probability that the network is better, also in words.

    owa: sMAPE and MASE in units of those of Naive 2, on average. wql: the weighted quantile loss, of a baseline that of
    its forecast at all levels; None without intervals.
    """

    name: str
    mae: float
    rmse: float
    smape: float
    mase: float
    rmsse: float
    network_better: float | None = None
    verdict: str = ""
    owa: float = float("nan")
    wql: float | None = None


@dataclass(frozen=True)
class Covered:
    """The coverage of intervals at steps `first` to `last`: those of `asked` percent, whose mean width is `width`, held
    `got` percent of `count` values. in_sample: True if they were made from the errors of these very values."""

    asked: float
    got: float
    count: int
    first: int
    last: int
    width: float
    in_sample: bool = False


@dataclass(frozen=True)
class LevelScore:
    """The network on one level of a hierarchy of so many series: its MASE, and what it was before reconciliation."""

    level: str
    series: int
    mase: float
    unreconciled: float


@dataclass(frozen=True)
class RowsBefore:
    """How many known rows of its series there were before a window's forecast: the least, the median, the most; and in
    how many windows fewer than the context that a network reads."""

    least: int
    median: float
    most: int
    fewer_than_context: int


@dataclass(frozen=True)
class BacktestReport:
    """A rolling-origin backtest: the network first, then the baselines. wql is the network's, if it has intervals, at
    wql_levels; wql_in_sample: True if these were made from the errors of the very rows that are scored. independent:
    the number of groups of windows that share nothing, on which verdicts rest. totals: the coverage of the intervals of
    totals over the horizon, if it was to be checked. levels: of a hierarchy.
    """

    split: str
    windows: int
    step: int
    horizon: int
    series: int
    independent: int
    forecasters: tuple[Judged, ...]
    wql: float | None
    coverage: tuple[Covered, ...]
    totals: tuple[Covered, ...] = ()
    levels: tuple[LevelScore, ...] = ()
    rows_before: RowsBefore | None = None
    wql_levels: tuple[float, ...] = ()
    wql_in_sample: bool = False


FORECAST_BY = "forecast_by"  # the column that says which method made a forecast
SPAN = ("first", "last")  # the columns with the first and the last time of a total
AVERAGED_WITH = "averaged_with"  # the field that names the baseline which is part of the network's, if one is


@dataclass(frozen=True)
class ForecastChart:
    """A series and its forecast, oldest first, in its own units; `title` has the series' id, the target, or both.

    history and forecast pair a label (a stamp or a row's number) with a value, None where it is missing; a forecast
    has at least one row. A band is (level in percent, lows, highs) with one low and one high per row of the
    forecast; bands stand in any order. target: the column of the values. seconds: what the clock shows at each row of
    both, since 1970; empty where rows have no date. decimal: the mark of the data. actual: what came true, where known.
    unit: of the values, unless the name of the target has it or nothing tells it.
    """

    title: str
    history: tuple[tuple[str, float | None], ...]
    forecast: tuple[tuple[str, float], ...]
    bands: tuple[tuple[float, tuple[float, ...], tuple[float, ...]], ...]
    target: str = ""
    seconds: tuple[int, ...] = ()
    decimal: str = "."
    actual: tuple[float | None, ...] = ()
    unit: str = ""
