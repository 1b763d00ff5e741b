"""report: pages on finished runs, from what stands in them and from their held-out data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rnncli.errors import RnncliError, UsageError, quoted
from rnncli.notes import noting
from rnncli.tasks.page import Page
from rnncli.tasks.task import Table
from rnncli.training.reports import Confusion
from rnncli.workflows.evaluate import Request, evaluate
from rnncli.workflows.plot import curve_of_run
from rnncli.workflows.predict import predict
from rnncli.workflows.run_directory import RunDirectory


def report(runs: Sequence[str], tell: Callable[[str], None]) -> list[Page]:
    """Return a page on each of `runs`; an error where one is no finished run. `tell` shows the progress."""
    ended = {run: _ended(run) for run in dict.fromkeys(runs)}
    pages = []
    for run, found in ended.items():
        tell(run)
        with noting(lambda text: None):  # what they say of the model was told after training
            pages.append(_page(run, found))
    return pages


def _ended(run: str) -> Mapping[str, Any]:
    """Return how a run ended; UsageError where it did not or is no run, RunInUseError while it is being trained."""
    directory = RunDirectory(Path(run))
    if not directory.path.is_dir():
        raise UsageError(f"{run}: is no run directory; name one")
    directory.require_idle()
    if not (directory.config.is_file() or directory.model.is_file()):
        raise UsageError(f"{run}: holds no run; train first, or name another folder")
    found = directory.read_report()
    if found is None:
        raise UsageError(
            f"{run}: has no report.json, so that training did not end, or an older version trained it; go on with: "
            f"rnncli train -o {quoted(run)} --resume"
        )
    return found.to_json()


def _page(run: str, found: Mapping[str, Any]) -> Page:
    curve = curve_of_run(run)
    if found["task"] != "forecast":
        return Page(run, found, curve, _confusion(found["score"] or {}))
    absent: list[str] = []
    charts: tuple[Any, ...] = ()
    worst: tuple[Any, ...] = ()
    backtest = None
    try:
        answers = predict(run, None, {}, {"plot": True}, lambda text: None)
        charts = answers.charts if isinstance(answers, Table) else ()
    except RnncliError as error:
        absent.append(f"What comes next: {error}")
    try:
        made = evaluate(Request(run), lambda event: None)
        worst, backtest = made.charts(), made.report
    except RnncliError as error:
        absent.append(f"The worst windows, and what intervals held: {error}")
    return Page(run, found, curve, None, charts, worst, backtest, tuple(absent))


def _confusion(score: Mapping[str, Any]) -> Confusion | None:
    """Return the matrix in a score, if it has the whole one."""
    kept = score.get("confusion") or {}
    if not kept.get("counts"):
        return None
    pairs = ((i, k, count) for i, row in enumerate(kept["counts"]) for k, count in enumerate(row) if count)
    return Confusion(tuple(kept["labels"]), tuple(pairs))
