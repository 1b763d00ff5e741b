"""A backtest as figures: the network beside the baselines, and whether the difference is more than luck."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from rnncli.config.suggestions import did_you_mean
from rnncli.data.written import Written
from rnncli.errors import CheckFailedError, DataError, UsageError, shown
from rnncli.notes import doubt, note
from rnncli.tasks.forecast.answers import stamped
from rnncli.tasks.forecast.backtest import MOST_DRAWN, NETWORK, UNRECONCILED, Backtest, evenly
from rnncli.tasks.forecast.baselines import NAIVE_FORECASTS, applicable
from rnncli.tasks.forecast.calibration import SHOWN, Calibration, ranges
from rnncli.tasks.forecast.experiment import ForecastExperiment
from rnncli.tasks.forecast.hierarchy import Hierarchy, alike
from rnncli.tasks.forecast.members import SEED
from rnncli.tasks.forecast.metrics import WQL_LEVELS
from rnncli.tasks.forecast.panel import digits_of
from rnncli.tasks.forecast.paths import Walk
from rnncli.tasks.forecast.reports import BacktestReport, Covered, Judged, LevelScore, RowsBefore
from rnncli.tasks.forecast.splits import SPLITS
from rnncli.tasks.forecast.totals import totals

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_IN_SAMPLE = ", of intervals made from these rows, of which they hold about what they promise"
_METRICS = ("mae", "rmse", "smape", "mase", "rmsse", "owa")
_RULE = re.compile(
    r"\s*(mae|rmse|smape|mase|rmsse|owa|wql|coverage_(\d+))\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*",
    re.I,
)


def require_rule(text: str) -> re.Match[str]:
    """Return the parts of a rule such as `mase > 1`; UsageError for anything else."""
    match = _RULE.fullmatch(text)
    if match is None:
        metric = re.split(r"[\s<>=]", text.strip(), maxsplit=1)[0].lower()
        raise UsageError(
            f"--fail-if {shown(text)}: write METRIC > NUMBER, with one of {', '.join(_METRICS)}, wql, coverage_80, "
            f"coverage_95 and one of < <= > >={'' if metric in _METRICS else did_you_mean(metric, _METRICS)}"
        )
    if match[2] and not 0 <= (share := float(match[4])) <= 1:
        hint = f"; did you mean {share / 100:g}?" if 1 < share <= 100 else ""
        raise UsageError(f"--fail-if {shown(text)}: coverage is a share from 0 to 1{hint}")
    return match


def check(report: BacktestReport, must_beat: Sequence[str], fail_if: Sequence[str]) -> None:
    """Raise CheckFailedError unless the verdict on each baseline is that the network is better, or if a rule holds.

    That a rule judges intervals by the rows that they were made from is told, also where it does not hold.
    """
    network, others = report.forecasters[0], {one.name: one for one in report.forecasters}
    failed = []
    for name in must_beat:
        other = others[name]
        metric = "mae" if network.mase != network.mase else "mase"  # series that are constant have no MASE
        if other.verdict != "better":
            ours, theirs = (getattr(one, metric) for one in (network, other))
            failed.append(
                f"--must-beat {name}: the network is not shown to be better: {other.verdict} ({metric.upper()} of the "
                f"network {ours:.4g}, of {name} {theirs:.4g})"
            )
    for text in fail_if:
        metric, level, sign, number = require_rule(text).groups()
        value, in_sample = _value(report, metric.lower(), level, text)
        told = f"--fail-if {text!r}: {metric} is {value:.4g}" + (_IN_SAMPLE if in_sample else "")
        if _COMPARISONS[sign](value, float(number)) or value != value:
            failed.append(told)
        elif in_sample:
            doubt(f"{told}; hold out data.test, or name new data")
    if failed:
        raise CheckFailedError("; ".join(failed))


def require_baselines(names: Sequence[str], season: int) -> None:
    """Raise UsageError if one of `names` is no naive forecast of series with this season, 1 for none."""
    there = applicable(season)
    for name in names:
        if name in NAIVE_FORECASTS and name not in there:
            raise UsageError(
                f"--must-beat {name}: these series have no season; name one of {', '.join(there)}, or set data.season"
            )
        if name not in there:
            hint = did_you_mean(name, there) or f"; name one of {', '.join(there)}"
            raise UsageError(f"--must-beat {name}: is no baseline of a forecast{hint}")


def _value(report: BacktestReport, metric: str, level: str | None, text: str) -> tuple[float, bool]:
    """Return a figure, that of all rows ahead, and whether it is of intervals that were made from these very rows."""
    if level is None and metric != "wql":
        return float(getattr(report.forecasters[0], metric)), False
    whole = (one for one in report.coverage if (one.first, one.last) == (1, report.horizon))
    found = {f"coverage_{one.asked:g}": (one.got / 100, one.in_sample) for one in whole}
    if report.wql is not None:
        found["wql"] = report.wql, report.wql_in_sample
    if metric not in found:
        raise UsageError(
            f"--fail-if {text!r}: this backtest has no {metric}; it has {', '.join(found) or 'no intervals'}"
        )
    return found[metric]


def backtested(
    experiment: ForecastExperiment,
    windows: int | None,
    step: int,
    horizon: int | None,
    levels: Sequence[float] = WQL_LEVELS,
) -> tuple[str, Backtest]:
    """Return the held-out split (test, or else validation) and a backtest on each series' last `windows` origins.

    Origins are `step` rows apart, and `horizon` rows are forecast from each. levels: of the weighted quantile loss.
    UsageError if nothing was held out, or too little for so many windows or rows.
    """
    split = experiment.held_out()
    if split is None:
        raise UsageError(f"{experiment.name}: nothing was held out; name data to test on, or set data.test")
    origins = experiment.origins(split, horizon)
    if not len(origins):
        raise _too_few(experiment, split, horizon)
    chosen = _every(experiment, origins, windows, step)
    calibration, begins = experiment.validated.calibrations.get(NETWORK), experiment.splits.begins(split)
    if calibration is not None and calibration.windows is None and (horizon or 0) > calibration.horizon:
        note(f"no intervals beyond the horizon of {calibration.horizon} rows: too few windows were held out")
        calibration = None
    if calibration is not None and experiment.method != NETWORK:
        note(f"intervals and quantiles are the network's; predict answers with {experiment.method.replace('-', ' ')}")
    return SPLITS[split], experiment.tester().run(chosen, calibration, begins, horizon, levels)


def _too_few(experiment: ForecastExperiment, split: int, horizon: int | None) -> DataError | UsageError:
    """Return the error for a split without an origin from which so many rows can be scored."""
    if not experiment.given:
        return UsageError(
            f"--horizon {horizon}: the {SPLITS[split]} split has fewer rows; lower it, or hold out more with data.test"
        )
    rows, wanted = int(np.diff(experiment.splits.ends)[:, -1].max()), horizon or experiment.members.widest.horizon
    mend = f"score {rows} ahead with --horizon {rows}, or give it more" if rows else "give it more"
    return DataError(f"{experiment.splits.last}: has {rows} rows to score, too few for a horizon of {wanted}; {mend}")


def _every(experiment: ForecastExperiment, origins: np.ndarray, windows: int | None, step: int) -> np.ndarray:
    """Return each series' last origin and those a multiple of `step` rows before it; at most `windows`.

    UsageError if there are not so many, in a panel with padding in no series.
    """
    series = experiment.features.series[origins - 1]
    kept = []
    for s in np.unique(series):
        mine = origins[series == s]
        mine = mine[(mine[-1] - mine) % step == 0]
        kept.append(mine if windows is None else mine[-windows:])
    fewer = [len(mine) for mine in kept if windows is not None and len(mine) < windows]
    if fewer and (len(fewer) == len(kept) or not experiment.config.data.padding):
        raise UsageError(
            f"--windows {windows}: {fewer[0]} origins, {step} rows apart, fit into what was held out; lower one, "
            "or hold out more with data.test"
        )
    if fewer:
        note(f"{len(fewer):,} of {len(kept):,} series have fewer than {windows} windows; all that they have are scored")
    return np.concatenate(kept)


def report(
    split: str,
    tested: Backtest,
    step: int,
    trained: int,
    hierarchy: Hierarchy | None = None,
    made_from: Calibration | None = None,
) -> BacktestReport:
    """Return every forecaster's figures, and the probability that the network is better than each baseline.

    trained: the horizon of training. hierarchy: that of the series, whose levels are scored each. made_from: the
    calibration of the intervals, if it was made from the errors on this very split.
    """
    judged, scores = [], tested.scores()
    for name, score in scores.items():
        better, words = tested.verdicts.get(name, (None, ""))
        judged.append(
            Judged(
                name=name,
                mae=score.mae,
                rmse=score.rmse,
                smape=score.smape,
                mase=score.mase,
                rmsse=score.rmsse,
                network_better=better,
                verdict=words,
                owa=score.owa,
                wql=score.wql,
            )
        )
    return BacktestReport(
        split=split,
        windows=len(tested.origins),
        step=step,
        horizon=len(tested.actual),
        series=len(np.unique(tested.series)) * tested.actual.shape[2],
        independent=tested.independent,
        forecasters=tuple(judged),
        wql=scores[NETWORK].wql,
        coverage=tuple(_covered(tested, trained, made_from)),
        levels=() if hierarchy is None else tuple(_levels(hierarchy, tested)),
        wql_levels=tested.wql_levels,
        wql_in_sample=tested.quantiles is not None and made_from is not None,
    )


def _levels(hierarchy: Hierarchy, tested: Backtest) -> Iterator[LevelScore]:
    """Yield the network's scores on each level, from the top down."""
    for level, name in enumerate(hierarchy.names):
        chosen = hierarchy.levels == level
        scores = tested.of_series(chosen).scores()
        yield LevelScore(name, int(chosen.sum()), scores[NETWORK].mase, scores[UNRECONCILED].mase)


def rows_before(experiment: ForecastExperiment, tested: Backtest) -> RowsBefore:
    """Return how many known rows there are before the windows' forecasts, in short."""
    rows, context = _rows_before(experiment, tested), experiment.members.context
    return RowsBefore(int(rows.min()), float(np.median(rows)), int(rows.max()), int((rows < context).sum()))


def _rows_before(experiment: ForecastExperiment, tested: Backtest) -> np.ndarray:
    """Return how many known rows its series has before each window's forecast, (W,)."""
    known = np.concatenate([[0], np.cumsum(experiment.features.known.any(axis=1))])
    return np.asarray(known[tested.origins] - known[experiment.splits.panel.starts[tested.series]])


def _covered(tested: Backtest, horizon: int, made_from: Calibration | None) -> Iterator[Covered]:
    """Yield the coverage of the usual interval levels, over all known values; beyond the trained `horizon` also that of
    each range of steps that is calibrated by itself.

    Intervals hold about what they promise of the errors that they were made from. There the coverage is that of the
    receipt on the same values, which is of intervals made from others, and which `predict` tells too.
    """
    if tested.quantiles is None:
        return
    receipts = made_from.receipts if made_from else ()
    checked = {(one.asked, one.first, one.last, one.count): one.got for one in receipts}
    N = len(tested.actual)
    spans = [(0, N), (0, horizon), *ranges(horizon, N)] if N > horizon else [(0, N)]
    for level in SHOWN:
        low, high = tested.band(level)
        rounding = 1e-9 * np.abs(tested.actual)  # of a transform and back
        inside = (low <= tested.actual + rounding) & (tested.actual - rounding <= high)
        for first, last in spans:
            known = ~np.isnan(tested.actual[first:last])
            if known.any():
                count, width = int(known.sum()), float((high - low)[first:last].mean())
                seen, got = 100 * float(inside[first:last][known].mean()), checked.get((level, first + 1, last, count))
                in_sample = made_from is not None and got is None
                yield Covered(level, seen if got is None else got, count, first + 1, last, width, in_sample)


def covered_totals(experiment: ForecastExperiment, tested: Backtest, *, in_sample: bool) -> Iterator[Covered]:
    """Yield the coverage of the intervals of totals that `predict --sum` gives, from some windows of a backtest;
    in_sample: as in `Covered`."""
    if experiment.hierarchy is not None:
        raise UsageError("--sum: draws of the levels of data.hierarchy would not add up; leave it out")
    calibration = experiment.validated.calibrations.get(experiment.method)
    if calibration is None or calibration.windows is None:
        raise UsageError("--sum: too few windows were held out to tell intervals; hold out more in data.validation")
    tester, N = experiment.tester(), len(tested.actual)
    origins = evenly(tested.origins, MOST_DRAWN)
    actual = tester.actual(origins, N).sum(axis=0)
    known = ~np.isnan(actual)
    baseline = None if experiment.method == NETWORK else experiment.method
    past = tester.past(origins, N, baseline)
    _, bands = totals(Walk(tester.members, baseline), past, N, calibration, SHOWN, SEED)
    for level, (low, high) in bands.items():
        inside = ((low <= actual) & (actual <= high))[known]
        if inside.size:
            yield Covered(level, 100 * float(inside.mean()), inside.size, 1, N, float((high - low).mean()), in_sample)


def window_rows(experiment: ForecastExperiment, tested: Backtest) -> Iterator[dict[str, Any]]:
    """Yield every forecast row of every window: its cutoff, the actual value, and all forecasts."""
    panel, columns = experiment.splits.panel, experiment.columns
    side_by_side, steps = columns.layout == "wide" and len(panel.ids) > 1, range(len(tested.actual) + 1)
    digits = digits_of(panel) if experiment.hierarchy is None else alike(digits_of(panel))
    bands = {} if tested.quantiles is None else {level: tested.band(level) for level in SHOWN}
    before = _rows_before(experiment, tested).tolist()
    for w, (origin, s) in enumerate(zip(tested.origins.tolist(), tested.series.tolist(), strict=True)):
        end, timeline = int(panel.starts[s + 1]), panel.timelines[s] if panel.timelines else None
        place = origin - int(panel.starts[s])
        cutoff, *stamps = stamped(timeline, [origin - end + k for k in steps], [place + k for k in steps])
        for c, target in enumerate((panel.ids[s],) if side_by_side else columns.targets):
            for k, stamp in enumerate(stamps):
                row: dict[str, Any] = columns.cells(columns.id, panel.ids[s]) | {"cutoff": cutoff}
                row |= {"step": stamp} if columns.time is None else columns.cells(columns.time, str(stamp))
                row["rows_before"] = before[w]
                row["target"], row["actual"] = target, _known(tested.actual[k, w, c])
                number = digits[s][c].number
                row |= {name: number(made[k, w, c]) for name, made in tested.forecasts.items()}
                for level, (low, high) in bands.items():
                    row[f"lo_{level:g}"], row[f"hi_{level:g}"] = number(low[k, w, c]), number(high[k, w, c])
                yield row


def _known(value: float) -> float | None:
    return None if np.isnan(value) else Written(float(value))
