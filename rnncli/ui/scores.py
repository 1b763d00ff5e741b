"""Output of a score as text, CSV or JSON, always beside its baselines, so that it can be judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rnncli.tasks.forecast.reports import BacktestReport, Covered, Judged, LevelScore
from rnncli.tasks.task import Evaluation
from rnncli.training.folds import CROSS_VALIDATED
from rnncli.training.paired_bootstrap import FEWEST
from rnncli.training.reports import Finished, Score
from rnncli.training.score_object import first_sentence, score_object
from rnncli.ui.label_tables import write_labels
from rnncli.ui.numbers import figure, figures
from rnncli.ui.output import TIED, Output, told, unbroken, visible
from rnncli.ui.results import as_csv, rounded, write_csv, write_table

CHOSE = {
    "validation": "weights were chosen by this split, so that new data may score worse; hold out data.test to know",
    CROSS_VALIDATED: "the number of epochs was chosen by this score, so that new data may score worse",
}


def finished_text(report: Finished) -> str:
    """Return the text at the end of training: the score, or the lowest training loss where nothing was held out."""
    if report.score is None:
        return f"nothing was held out to score on; lowest training loss {report.best_loss:.4f}\n"
    fit = visible("\n".join(told(report.fit.text(), "  "))) + "\n" if report.fit else ""
    return score_text(report.score) + fit


def finished_json(report: Finished) -> str:
    """Return the end of training as one JSON object; `score` is null where nothing was held out to score on, `kept` is
    "last" where nothing was held out for validation.
    """
    score = None if report.score is None else score_object(report.score)
    found = {"run": report.run, "best_step": report.best_update, "kept": report.kept, "score": score}
    if report.fit is not None:
        found["fit"] = report.fit.to_json()
    return json.dumps(found) + "\n"


def score_text(score: Score) -> str:
    """Return a text of the network's score beside its baselines, and whether it beat each of them."""
    width = max(len(name) for name in ("network", *(name for name, _ in score.baselines)))
    lines = told(first_sentence(score))
    ours, *theirs = figures([score.network, *(value for _, value in score.baselines)])
    lines += told(f"{score.split} score, {score.unit} ({score.detail}):")
    lines.append(f"  {'network':<{width}}  {ours}")
    for (name, value), shown in zip(score.baselines, theirs, strict=True):
        lines += unbroken(f"{shown}  {compared(score, name, value)}", f"  {name:<{width}}  ")
    further = ", ".join(f"{name} {figure(value)}".replace(" ", TIED) for name, value in score.figures)
    lines += told(further, "  ")
    if score.compressed is not None:
        lines += told(score.compressed.text(), "  ")
    if score.used not in ("", "network"):
        lines += told(instead(score.used), "  ")
    lines += told(CHOSE.get(score.split, ""), "  ")
    return visible("\n".join(lines)) + "\n"


def compared(score: Score, name: str, baseline: float) -> str:
    """Return in words how far the network's score is from a baseline's, and the verdict if there is one."""
    network, neutral = score.network, score.higher_is_better or bool(score.verdicts)
    words = (("lower", "higher") if neutral else ("better", "worse"))[network > baseline]
    if network == baseline:
        words = "equal"
    elif score.higher_is_better:
        words = f"{figure(abs(network - baseline)).strip()} {words}"
    elif network <= 3 * baseline:
        words = f"{abs(network - baseline) / abs(baseline):.1%} {words}"
    elif baseline > 0:
        words = f"{network / baseline:.3g} times as large"
    return f"network {words}" + (f": {score.verdicts[name]}" if name in score.verdicts else "")


def instead(used: str) -> str:
    """Return a sentence on the baseline that is used in place of the network."""
    return f"predict gives {used.replace('-', ' ')}, no worse on validation; see predict --network"


def evaluation_object(score: Score, report: BacktestReport | None = None) -> dict[str, Any]:
    """Return the score as `evaluate -f json` writes it, of a forecast with its backtest."""
    found = score_object(score) | ({} if report is None else {"backtest": _object(report)})
    made: dict[str, Any] = rounded(found)
    return made


def write_score(score: Score, form: str) -> None:
    """Write the score as `form`, table, csv or json; tables of labels follow, if there are any."""
    out = Output()
    if form == "json":
        out.write(json.dumps(evaluation_object(score), ensure_ascii=False, indent=2) + "\n")
    elif form == "csv":
        named, rest = (("network", score.network), *score.baselines), {"unit": score.unit, "split": score.split}
        verdicts = score.verdicts
        out.write(as_csv([{"name": n, "score": value, **rest, "verdict": verdicts.get(n, "")} for n, value in named]))
    else:
        out.write(score_text(score))
        write_labels(score)


_FIGURES = {"mae": "MAE", "rmse": "RMSE", "smape": "sMAPE", "mase": "MASE", "rmsse": "RMSSE", "owa": "OWA"}


def write_backtest(made: Evaluation, form: str) -> None:
    """Write a backtest: as tables, as csv with every row of every window, or as json with score and backtest."""
    if form == "csv":
        write_csv(made.rows, made.delimiter, made.decimal, made.encoding)
    elif form == "json":
        Output().write(json.dumps(evaluation_object(made.score, made.report), ensure_ascii=False, indent=2) + "\n")
    else:
        Output().write(score_text(made.score) + "\n")
        _write_text(made.report)


def _object(report: BacktestReport) -> dict[str, Any]:
    coverage: dict[str, Any] = {}
    for one in report.coverage:  # the whole first, then each range of steps
        its = {name: value for name, value in asdict(one).items() if name != "asked"}
        if f"{one.asked:g}" in coverage:
            coverage[f"{one.asked:g}"].setdefault("ranges", []).append(its)
        else:
            coverage[f"{one.asked:g}"] = its
    kept = ("got", "count", "width", "in_sample")
    totals = {f"{one.asked:g}": {name: getattr(one, name) for name in kept} for one in report.totals}
    made = asdict(report) | {"coverage": coverage, "totals": totals}
    return {key: value for key, value in made.items() if value or key not in ("levels", "totals", "units")}


def _write_text(report: BacktestReport) -> None:
    write_table(_rows(report.forecasters), figures=_FIGURES.values())
    out, groups = Output(), f"{report.independent:,} group{'' if report.independent == 1 else 's'}"
    if report.levels:
        out.write("\n")
        write_table([_level(one) for one in report.levels])
    out.write("\n")
    out.tell(f"network is: by a paired bootstrap over {groups} of windows that share little")
    if report.independent < FEWEST:
        out.tell("so few groups cannot tell; hold out more with data.test")
    for one in report.coverage:
        rows = "" if one.first == 1 and one.last == report.horizon else f" (rows {one.first:,} to {one.last:,})"
        out.tell(f"intervals: {_held(one)}{rows}, {figure(one.width)} wide on average{_MADE_FROM[one.in_sample]}")
    for one in report.totals:
        out.tell(f"totals over {report.horizon:,} rows: {_held(one)}{_MADE_FROM[one.in_sample]}")
    before = report.rows_before
    if before is not None and before.fewer_than_context:
        out.tell(
            f"rows before a forecast: {before.least:,} at least, {before.median:,g} in the median, {before.most:,} at "
            f"most; fewer than a context in {before.fewer_than_context:,} windows"
        )
    if report.wql is not None and report.wql == report.wql:  # of zeros alone there is none
        levels = [f"{level:g}" for level in report.wql_levels]
        listed = f"{levels[0]} to {levels[-1]}" if len(levels) > 3 else ", ".join(levels)
        out.tell(f"weighted quantile loss of the network at {listed}: {report.wql:.4f}")
        if report.wql_in_sample:
            out.tell("of quantiles calibrated on these rows", "  ")
        others = [(one.wql, one.name) for one in report.forecasters if one.verdict and one.wql is not None]
        if others:
            least, name = min(others)
            out.tell(f"of {name.replace('-', ' ')}, the best baseline by this, as a point: {least:.4f}", "  ")


_MADE_FROM = {True: "; made from these rows", False: ""}  # by whether the coverage is in-sample


def _held(one: Covered) -> str:
    return f"asked {one.asked:g}%, got {one.got:.1f}%, n = {one.count:,}"


def _rows(forecasters: Sequence[Judged]) -> list[dict[str, Any]]:
    """Return the rows of a table, each column of which has the decimals that matter; the number of groups, which is
    that of all verdicts, is told below it."""
    columns = {title: figures([getattr(one, name) for one in forecasters]) for name, title in _FIGURES.items()}
    return [
        {
            "forecast": one.name.replace("-", " "),
            **{title: column[i].strip() for title, column in columns.items()},
            "network is": one.verdict.partition(",")[0],
        }
        for i, one in enumerate(forecasters)
    ]


def _level(one: LevelScore) -> dict[str, Any]:
    return {
        "level": one.level,
        "series": one.series,
        "network MASE": figure(one.mase),
        "unreconciled MASE": figure(one.unreconciled),
    }
