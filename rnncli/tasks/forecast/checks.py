"""Checks of a backtest that end in exit code 7, so that a script can rely on a forecast or do without."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence

from rnncli.errors import CheckFailedError, UsageError, shown
from rnncli.tasks.forecast.reports import BacktestReport, Judged

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_METRICS = ("mae", "rmse", "smape", "mase", "rmsse")
_RULE = re.compile(
    r"\s*(mae|rmse|smape|mase|rmsse|wql|coverage_(\d+))\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*",
    re.I,
)


def require_rule(text: str) -> re.Match[str]:
    """The parts of a rule such as `mase > 1`; UsageError for anything else."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--fail-if {shown(text)}: write METRIC > NUMBER, with one of {', '.join(_METRICS)}, wql, coverage_80, "
            "coverage_95 and one of < <= > >="
        )
    return match


def check(report: BacktestReport, must_beat: Sequence[str], fail_if: Sequence[str]) -> None:
    """CheckFailedError where the network does not beat a baseline, by MASE, or where a rule holds."""
    network = report.forecasters[0]
    failed = []
    for name in must_beat:
        other = next((one for one in report.forecasters if one.name == name), None)
        if other is None:
            raise UsageError(f"--must-beat {name}: is not in this backtest, whose series has no season")
        figure, floor = _compared(network, other)
        if not figure < floor:
            failed.append(f"--must-beat {name}: the network has {figure:.4g}, {name} {floor:.4g}")
    for text in fail_if:
        metric, level, sign, number = require_rule(text).groups()
        value = _value(report, metric.lower(), level, text)
        if _COMPARISONS[sign](value, float(number)) or value != value:
            failed.append(f"--fail-if {text!r}: {metric} is {value:.4g}")
    if failed:
        raise CheckFailedError("; ".join(failed))


def _compared(network: Judged, other: Judged) -> tuple[float, float]:
    """MASE; of constant series, which have none, MAE."""
    if network.mase == network.mase and other.mase == other.mase:
        return network.mase, other.mase
    return network.mae, other.mae


def _value(report: BacktestReport, metric: str, level: str | None, text: str) -> float:
    if level is None and metric != "wql":
        return float(getattr(report.forecasters[0], metric))
    found = {f"coverage_{one.asked:g}": one.got / 100 for one in report.coverage} | (
        {} if report.wql is None else {"wql": report.wql}
    )
    if metric not in found:
        raise UsageError(
            f"--fail-if {text!r}: this backtest has no {metric}; it has {', '.join(found) or 'no intervals'}"
        )
    return found[metric]
