"""A backtest as a table, and what there is to say of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rnncli.tasks.forecast.reports import BacktestReport, Judged
from rnncli.training.reports import Score
from rnncli.ui.output import Output
from rnncli.ui.results import rounded, write_csv, write_table
from rnncli.ui.scores import score_object, score_text

_FIGURES = {"mae": "MAE", "rmse": "RMSE", "smape": "sMAPE", "mase": "MASE", "rmsse": "RMSSE"}


def write_backtest(score: Score, report: BacktestReport, rows: Iterable[Mapping[str, Any]], form: str) -> None:
    """The table; as CSV every row of every window; as JSON the score and the backtest."""
    if form == "csv":
        write_csv(rows)
    elif form == "json":
        both = score_object(score) | {"backtest": _object(report)}
        Output().write(json.dumps(rounded(both), ensure_ascii=False, indent=2) + "\n")
    else:
        Output().write(score_text(score) + "\n")
        _write_text(report)


def _object(report: BacktestReport) -> dict[str, Any]:
    coverage = {f"{one.asked:g}": {"got": one.got, "count": one.count} for one in report.coverage}
    return asdict(report) | {"coverage": coverage}


def _write_text(report: BacktestReport) -> None:
    write_table([_row(one) for one in report.forecasters])
    out = Output()
    out.write(
        f"\nnetwork is: by a paired bootstrap over {report.independent:,} groups of windows that share few rows\n"
    )
    if report.independent < 5:
        out.write("fewer than five such groups can show nothing; hold out more with data.test\n")
    for one in report.coverage:
        out.write(f"intervals: asked {one.asked:g}%, got {one.got:.1f}%, n = {one.count:,}\n")
    if report.wql is not None:
        out.write(f"weighted quantile loss of the network: {report.wql:.4f}\n")


def _row(one: Judged) -> dict[str, Any]:
    figures = {title: _figure(getattr(one, name)) for name, title in _FIGURES.items()}
    return {"forecast": one.name.replace("-", " "), **figures, "network is": one.verdict}


def _figure(value: float) -> str:
    return "–" if value != value else f"{value:.4g}"
