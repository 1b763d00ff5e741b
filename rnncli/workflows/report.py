"""report: pages on finished runs, from what stands in them and from their held-out data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from rnncli.errors import RnncliError, UsageError, quoted
from rnncli.inspection.reports import GradientReport
from rnncli.notes import note, noting
from rnncli.tasks.answers import Table
from rnncli.tasks.page import MOST, Page
from rnncli.training.reports import Confusion
from rnncli.training.wrong_answers import WrongAnswer
from rnncli.workflows.evaluate import Request, evaluate, recalled
from rnncli.workflows.inspect_grads import Request as Looking
from rnncli.workflows.inspect_grads import inspect_grads
from rnncli.workflows.names import similar_run
from rnncli.workflows.opening import open_model, open_sound
from rnncli.workflows.plot import curve_of_run
from rnncli.workflows.predict import predict
from rnncli.workflows.run_directory import RunDirectory
from rnncli.workflows.runs import named_runs, require_trained
from rnncli.workflows.trained_on import changed_since, training_data

T = TypeVar("T")


def report(runs: Sequence[str], tell: Callable[[str], None]) -> list[Page]:
    """Return a page on each of `runs`, see `named_runs`; an error where one is no finished run. `tell` shows the
    progress."""
    ended = {run: _ended(run) for run in named_runs(runs)}
    pages = []
    for run, found in ended.items():
        tell(run)
        page = Page(run, found, curve_of_run(run), _confusion(found["score"] or {}))
        with noting(lambda text: None):  # what they say of the model was told after training
            pages.append(_Looked(run).at(page) if len(ended) <= MOST else page)
        for sentence in filter(None, (pages[-1].stale, *pages[-1].absent)):
            note(f"{run}: {sentence[0].lower()}{sentence[1:]}")
    return pages


def _ended(run: str) -> Mapping[str, Any]:
    """Return how a run ended; UsageError where it did not or is no run, RunInUseError while it is being trained."""
    directory = RunDirectory(Path(run))
    if not directory.path.is_dir():
        raise UsageError(f"{run}: is no run directory{similar_run(run) or '; name one'}")
    directory.require_idle()
    if not (directory.config.is_file() or directory.model.is_file()):
        raise UsageError(f"{run}: holds no run; train first, or name another folder")
    require_trained(directory.path)
    found = directory.read_report()
    if found is None:
        raise UsageError(
            f"{run}: has no report.json, so that training did not end, or an older version trained it; go on with: "
            f"rnncli train -o {quoted(run)} --resume"
        )
    return found.to_json()


class _Looked:
    """A run that is looked at again with its data, as far as these are there."""

    def __init__(self, run: str):
        self.run = run
        self._absent: dict[str, list[str]] = {}  # what could not be shown, by the reason

    def at(self, page: Page) -> Page:
        """Return the page with all that the model tells."""
        task = page.report["task"]
        if task == "forecast":
            worst, backtest = self._tried("the worst windows and what intervals held", self._backtested, ((), None))
            page = replace(page, forecasts=self._tried("what comes next", self._coming, ()))
            page = replace(page, worst=worst, backtest=backtest, stale=self._stale() if page.forecasts else "")
        elif task == "language-model":
            page = replace(page, surprise=self._tried("what was surprising", self._surprising, None))
        else:
            page = replace(page, wrong=self._tried("the worst answers", self._wrong, ()))
        gradients = self._tried("the gradient by lag", self._gradients, None)
        absent = tuple(f"Not shown, {' and '.join(what)}: {why}" for why, what in self._absent.items())
        return replace(page, gradients=gradients, absent=absent)

    def _tried(self, what: str, find: Callable[[], T], otherwise: T) -> T:
        """Return what `find` finds, or else what is given in its place."""
        try:
            return find()
        except RnncliError as error:
            self._absent.setdefault(str(error), []).append(what)
            return otherwise

    def _gradients(self) -> GradientReport:
        _, data = training_data(open_model(self.run), why="gradients are those of a batch of the training data")
        return inspect_grads(Looking(self.run, data, batches=1), _quietly)

    def _coming(self) -> tuple[Any, ...]:
        answers = predict(self.run, None, {}, {"plot": True}, _quietly)
        return answers.charts if isinstance(answers, Table) else ()

    def _stale(self) -> str:
        """Return what is to know of what comes next where it does not follow what the training data are now."""
        if (name := changed_since(self.run)) is None:
            return ""
        after = f"To forecast after its rows: rnncli predict {quoted(self.run)} {quoted(name)}"
        return f"What comes next follows the rows of training; {name} has changed since. {after}"

    def _backtested(self) -> tuple[Any, Any]:
        made = evaluate(Request(self.run), _quietly)
        return made.charts(), made.report

    def _surprising(self) -> Any:
        return next(iter(evaluate(Request(self.run), _quietly).charts()), None)

    def _wrong(self) -> tuple[WrongAnswer, ...]:
        with recalled(open_sound(self.run)) as (experiment, _):
            return experiment.wrong()


def _quietly(event: Any) -> None:
    """Show no progress of a part."""


def _confusion(score: Mapping[str, Any]) -> Confusion | None:
    """Return the matrix in a score, if it has the whole one."""
    kept = score.get("confusion") or {}
    if not kept.get("counts"):
        return None
    pairs = ((i, k, count) for i, row in enumerate(kept["counts"]) for k, count in enumerate(row) if count)
    return Confusion(tuple(kept["labels"]), tuple(pairs))
