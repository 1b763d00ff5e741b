"""The display of a run: live on a terminal, plain lines anywhere else, and the score at the end on stdout."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from rnncli.inspection.reports import percent
from rnncli.notes import Doubt
from rnncli.training.folds import CROSS_VALIDATED
from rnncli.training.reports import Evaluated, Finished, Memory, Note, Progress, Report, Started
from rnncli.ui.numbers import figure, loss
from rnncli.ui.output import Output, say, say_next, say_on
from rnncli.ui.scores import finished_json, finished_text
from rnncli.ui.thinned import Thinned

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

SECONDS = 10.0, 1800.0  # between two progress lines when stderr is no terminal, at least and at most
FIRST = 20  # evaluations that have a line each


class TrainingView:
    """A view of plain lines on stderr; `quiet` leaves only doubts about the data and the final score."""

    def __init__(self, form: str = "text", quiet: bool = False):
        self.form, self.quiet = form, quiet
        self._begin()

    def _begin(self) -> None:
        """Begin the lines of one training, of which metrics.jsonl has all."""
        self._began, self._count = time.monotonic(), 0
        self._evaluations, self._seconds = Thinned(FIRST, 1), Thinned(0.0, *SECONDS)
        self._unshown_best: Evaluated | None = None

    def show(self, report: Report) -> None:
        if isinstance(report, Finished):
            self._finished(report)
        elif self.quiet and not (isinstance(report, Note) and isinstance(report.text, Doubt)):
            return
        elif isinstance(report, Note):
            self._line(report.text, "rnncli: ")
        elif isinstance(report, Started):
            self._begin()
            for label, text in report.facts:
                self._line(text, f"{label:>11}  ")
            self._started(report)
        elif isinstance(report, Progress):
            self._progress(report)
        elif isinstance(report, Evaluated):
            self._evaluated(report)

    def _line(self, text: str, lead: str = "") -> None:
        say(text, lead)

    def _started(self, report: Started) -> None:
        resumed = f", resumed after {report.update:,}" if report.resumed else ""
        self._line(f"{report.updates:,} updates{resumed}; losses in {report.unit}", f"{'plan':>11}  ")

    def _evaluated(self, report: Evaluated) -> None:
        self._count += 1
        last = report.reason != "scheduled"
        shown = self._evaluations.lets(self._count, always=last)
        if report.improved:
            self._unshown_best = None if shown else report
        if shown:
            self._evaluation(report)
        if report.reason == "patience":
            self._line("stopped early: no better evaluation within training.patience")
        if last and self._unshown_best is not None:
            self._evaluation(self._unshown_best)

    def _evaluation(self, report: Evaluated) -> None:
        self._line(evaluation_line(report))
        width = max([11, *(len(memory.layer) for memory in report.memory)])
        for memory in report.memory:
            self._line(memory_line(memory, width))

    def _progress(self, report: Progress) -> None:
        if self._seconds.lets(time.monotonic() - self._began):
            self._line(progress_line(report))

    def _finished(self, report: Finished) -> None:
        if not self.quiet:
            kept = "best" if report.kept == CROSS_VALIDATED else report.kept
            what = ", their average" if report.averaged else ""
            when = (
                f"after update {report.best_update:,}" if report.best_update else "are the weights that it began with"
            )
            self._line(f"{kept} {when}{what}; saved in {report.run}")
        Output().write(finished_json(report) if self.form == "json" else finished_text(report))
        if not self.quiet:
            say_next(*report.next, always=True)


class LiveView(TrainingView):
    """A view with a progress bar and an ETA under the lines."""

    def __init__(self, form: str, console: Console | None = None) -> None:
        super().__init__(form)
        self._bar: Bar | None = None
        self._console = console

    def _started(self, report: Started) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        super()._started(report)
        self.stop()  # that of the folds
        self._bar = Bar(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[status]}", markup=False),
            console=self._console or console_of_errors(),
            refresh_per_second=8,
        )
        self._task = self._bar.add_task("", total=report.updates, completed=report.update, status="")
        self._valid = ""
        self._bar.start()

    def _line(self, text: str, lead: str = "") -> None:
        if self._bar is None:
            super()._line(text, lead)
        else:
            say_on(self._bar.console, text, lead=lead)

    def _progress(self, report: Progress) -> None:
        if self._bar is not None:
            shown = status(report, self._valid)
            self._bar.update(self._task, total=report.updates, completed=report.update, status=shown)

    def show(self, report: Report) -> None:
        if isinstance(report, Evaluated):
            valid = "none" if report.valid_loss is None else loss(report.valid_loss, 3)
            self._valid = f" valid {valid}" + "".join(f" {reach(one)}" for one in report.memory[-1:])
        if isinstance(report, Finished):
            self.stop()
        super().show(report)

    def stop(self) -> None:
        """Stop the progress bar, which leaves the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class ProgramView(LiveView):
    """A view for a program, in a notebook too: it writes by `console` alone, and neither notes nor the score, which the
    program has. live: with a progress bar.
    """

    def __init__(self, console: Console, *, live: bool) -> None:
        super().__init__("text", console)
        self._live = live

    def _started(self, report: Started) -> None:
        if self._live:
            super()._started(report)
        else:
            TrainingView._started(self, report)

    def _line(self, text: str, lead: str = "") -> None:
        assert self._console is not None
        say_on(self._console, text, lead=lead)

    def _progress(self, report: Progress) -> None:
        if self._live:
            super()._progress(report)
        else:
            TrainingView._progress(self, report)

    def show(self, report: Report) -> None:
        if isinstance(report, Finished):
            self.stop()
        elif not isinstance(report, Note):
            super().show(report)


def console_of_errors() -> Console:
    """Return a console on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@contextlib.contextmanager
def program_view(progress: bool | None) -> Iterator[Callable[[Report], None]]:
    """Yield what shows reports to whoever runs a program: always, never, or for None on a terminal and in a notebook.

    A notebook has a bar if ipywidgets is there, by which rich draws it; else it has lines.
    """
    if progress is False or sys.stderr is None:
        yield lambda report: None
        return
    console = console_of_errors()
    if progress is None and not (console.is_terminal or console.is_jupyter):
        yield lambda report: None
        return
    live = find_spec("ipywidgets") is not None if console.is_jupyter else console.is_terminal
    view = ProgramView(console, live=live)
    try:
        yield view.show
    finally:
        view.stop()


@contextlib.contextmanager
def training_view(quiet: bool, form: str) -> Iterator[TrainingView]:
    """Yield a live view if stderr is a terminal and `quiet` is not set, else a view of plain lines."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield TrainingView(form, quiet)
        return
    view = LiveView(form)
    try:
        yield view
    finally:
        view.stop()


def status(report: Progress, valid: str) -> str:
    speed = f"{report.tokens_per_second:,.0f} tok/s"
    return f"loss {loss(report.train_loss, 3)}{valid} |grad| {report.grad_norm:.2g} {speed}"


def progress_line(report: Progress) -> str:
    return (
        f"update {report.update:,}/{report.updates:,}  epoch {report.epoch} train {loss(report.train_loss)} "
        f"|grad| {report.grad_norm:.3g} {report.tokens_per_second:,.0f} tok/s"
    )


def evaluation_line(report: Evaluated) -> str:
    if report.valid_loss is None:  # and nothing can be the best
        valid, mark = "none", ""
    else:
        valid = f"{'avg ' if report.averaged else ''}{loss(report.valid_loss)}"
        mark = " best" if report.improved else ""
    judged = "" if report.figure is None else f" {report.figure.name} {figure(report.figure.value)}"
    where, rest = f"epoch {report.epoch:>3} update {report.step:>5,}", f"valid {valid}{judged}{mark:<5}"
    if report.train_loss is None or report.grad_norm is None:  # nothing was trained yet
        return f"{where} {rest}".rstrip()
    speed = f"{report.tokens_per_second:,.0f} tok/s"
    return f"{where} train {loss(report.train_loss)} {rest} |grad| {report.grad_norm:<5.3g} {speed}"


def memory_line(memory: Memory, width: int) -> str:
    """Return a line on how far back a layer's gradient reaches, after the layer's name in so many cells."""
    points = [] if memory.memory_1_percent is None else [("1%", memory.memory_1_percent)]
    points += [] if memory.left is None else [(percent(memory.left), memory.longest)]
    left = [f"{share} of the gradient left after {lag:,} steps" for share, lag in points]
    return f"{memory.layer:>{width}}  {', '.join([*left, memory.verdict])}"


def reach(memory: Memory) -> str:
    """Return how far back a layer's gradient reaches, short enough for the status line."""
    return f"reach {memory.memory_1_percent or f'>{memory.longest}'}"
