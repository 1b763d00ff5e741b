"""The command `rnncli plot`."""

from __future__ import annotations

from pathlib import Path

import click

from rnncli.cli.options import QUIET, example, picture_option, writing


@click.command("plot", epilog=example("rnncli plot runs/co2 -o co2.png"))
@click.argument("runs", nargs=-1, required=True, metavar="RUN…|-")
@picture_option("Where to draw; by default curves.png in a single RUN, else plot.png here.", "-o", "--output")
@QUIET
def command(runs: tuple[str, ...], output: str | None, quiet: bool) -> None:
    """Draw the learning curves of RUN, its loss in training and on validation, or compare several runs, as a picture.

    A study, as rnncli tune makes it, stands for those of its runs that came to their end.

    From - it draws what is piped in: a forecast as predict writes it, or the lines of a metrics.jsonl. It needs the
    extra rnncli[plots].
    """
    from rnncli.notes import noting
    from rnncli.training.curves import Curve
    from rnncli.ui.output import say_notes, saying
    from rnncli.ui.pictures import canvas, curves, forecast
    from rnncli.workflows.names import is_study
    from rnncli.workflows.plot import PIPE, to_plot

    alone = len(runs) == 1 and runs[0] != PIPE and not is_study(runs[0])
    named = output or str(Path(runs[0]) / "curves.png" if alone else "plot.png")
    canvas.require_matplotlib("plot")
    with noting(saying(quiet=quiet)):
        found = to_plot(runs)
    with writing("-o", named) as path:
        if isinstance(found[0], Curve):
            canvas.save(lambda: curves.draw(found), path, named=output is not None)
        else:
            canvas.save(lambda: forecast.draw(found), path, named=output is not None)
    say_notes([f"drawn into {named}"], quiet=quiet)
