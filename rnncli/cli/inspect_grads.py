"""The command `rnncli inspect-grads`."""

from __future__ import annotations

import os
from typing import Any

import click

from rnncli.cli.options import (
    QUIET,
    SET,
    as_overrides,
    example,
    picture_option,
    reading_options,
    taken_reading,
    writing,
)

VERDICTS = ("vanishing", "exploding")


def listed(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Split the text a,b,c into the tuple (a, b, c)."""
    return tuple(filter(None, (cell.strip() for cell in (text or "").split(","))))


def compared_names(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    names = listed(context, parameter, text)
    if text is not None and not names:
        raise click.BadParameter("name what to compare, such as rnn,gru,lstm.")
    return names


def verdicts(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    chosen = listed(context, parameter, text)
    for one in chosen:
        if one not in VERDICTS:
            raise click.BadParameter(f"{one!r} is not one of {', '.join(VERDICTS)}.")
    return chosen


@click.command("inspect-grads", epilog=example("rnncli inspect-grads sample_configs/fables.yaml --set model.cell=rnn"))
@click.argument("first", metavar="CONFIG|RUN")
@click.argument("data", required=False, metavar="[DATA|-]")
@SET
@click.option(
    "--at",
    type=click.Choice(["init", "best", "last", "failure"]),
    help="The weights of a RUN, best by default; failure is the batch at which training diverged.",
)
@click.option(
    "--batches",
    type=click.IntRange(1, 1000),
    default=4,
    show_default=True,
    help="The number of batches to look at, spread over an epoch.",
)
@click.option(
    "--lags",
    type=click.IntRange(1, 100_000),
    help="The longest lag to show; by default where 1% is left, at most 512, or of whole sequences the longest.",
)
@click.option(
    "--compare",
    callback=compared_names,
    metavar="NAME,NAME",
    help="Compare networks before and after training: cells, KEY=VALUE changes, or other runs.",
)
@click.option(
    "--check", is_flag=True, help="Compare gradients with central differences; exit with code 7 if they differ."
)
@click.option(
    "--fail-on",
    callback=verdicts,
    metavar="VERDICT,VERDICT",
    help="Exit with code 7 if a layer explodes, or if all layers vanish.",
)
@picture_option("Draw the gradient by lag as a picture.")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "plot", "csv", "json"]),
    help="By default a table on a terminal and csv (the norms by lag) in a pipe; plot draws lines.",
)
@QUIET
@reading_options
def command(
    first: str,
    data: str | None,
    overrides: tuple[str, ...],
    at: str | None,
    batches: int,
    lags: int | None,
    compare: tuple[str, ...],
    check: bool,
    fail_on: tuple[str, ...],
    plot: str | None,
    form: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Show how far back in time gradients reach, and what to change.

    CONFIG shows a network before training, RUN (a run directory or a model file) a trained one. The gradient by lag
    is the norm of the gradient of one step's loss with respect to the hidden state k steps before. The report adds
    the Jacobian of a step, gates, every parameter, and how much clipping acts. All of it is computed in float64.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's own threads would compete with ours
    from rnncli.cli.launched import require_compared
    from rnncli.inspection.reports import Compared
    from rnncli.notes import noting
    from rnncli.ui import comparison_tables
    from rnncli.ui.gradient_tables import write_gradients
    from rnncli.ui.output import say_notes, working
    from rnncli.ui.pictures import canvas, gradients
    from rnncli.ui.training_view import training_view
    from rnncli.workflows.compare_grads import compare_grads
    from rnncli.workflows.inspect_grads import Request, check_gradients, inspect_grads
    from rnncli.workflows.opening import first_run
    from rnncli.workflows.together import lead_of

    require_compared(compare)
    notes: list[str] = []
    request = Request(first, data, [*overrides, *as_overrides(taken_reading(options))], at, batches, lags, check)
    lead = lead_of((request, compare), [first, data])
    say_notes(first_run(), quiet=quiet)
    if compare:
        with training_view(quiet=quiet, form="text") as view, noting(notes.append):
            compared = compare_grads(request, compare, view.show, lead)
        say_notes(notes, quiet=quiet)
        if plot is not None:
            with writing("--plot", plot) as path:
                canvas.save(lambda: gradients.draw_compared(compared), path)
        comparison_tables.write_comparison(compared, form)
        check_gradients(compared, fail_on)
        return
    with working("looking at gradients") as tell, noting(notes.append):
        report = inspect_grads(request, tell)
    say_notes(notes, quiet=quiet)
    if plot is not None:
        with writing("--plot", plot) as path:
            canvas.save(lambda: gradients.draw(report), path)
    write_gradients(report, form)
    check_gradients([Compared(first, report)], fail_on)
