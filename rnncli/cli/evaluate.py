"""The command `rnncli evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from rnncli.cli.options import (
    PRECISION,
    QUIET,
    SET,
    Number,
    as_overrides,
    example,
    given,
    in_a_folder,
    picture_option,
    reading_options,
    taken_reading,
    writing,
)


def levels_of(context: click.Context, option: click.Parameter, text: str | None) -> tuple[float, ...]:
    """Return levels of quantiles, such as 0.1,0.5,0.9, as numbers; click's BadParameter for anything else."""
    try:
        levels = tuple(float(level) for level in (text or "").split(",") if text)
    except ValueError:
        levels = (0.0,)
    if any(not 0.005 <= level <= 0.995 for level in levels):
        what = f"{text!r} are no levels from 0.005 to 0.995; write them as in 0.1,0.5,0.9"
        raise click.BadParameter(f"{what}{_ends_of(levels)}")
    return tuple(dict.fromkeys(levels))


def _ends_of(percents: Sequence[float]) -> str:
    """Return which levels the ends of intervals in percent are, as predict takes them; "" if these are none."""
    if any(not 1 <= percent <= 99 for percent in percents):
        return ""
    ends = sorted({(100 + sign * percent) / 200 for percent in percents for sign in (-1, 1)})
    return f", or {','.join(f'{end:g}' for end in ends)} for the ends of intervals in percent, as predict takes them"


def _matrix(context: click.Context, option: click.Parameter, path: str | None) -> str | None:
    """Refuse, before any work begins, a file that holds anything else, or whose folder is missing."""
    path = in_a_folder(context, option, path)
    if path is not None:
        from rnncli.ui.label_tables import require_matrix_file

        require_matrix_file(option.opts[-1], path)
    return path


def draw(made: Any, plot: str) -> None:
    """Draw the windows of a forecast that were worst, a confusion matrix, or how surprising a text was."""
    from rnncli.ui.pictures import canvas, confusion, forecast, surprise

    charts = made.charts()
    with writing("--plot", plot) as path:
        if made.score.unit.startswith("nats per token"):
            canvas.save(lambda: surprise.draw(charts[0]), path)
        elif made.score.confusion is None:
            canvas.save(lambda: forecast.draw(charts, "The windows that were forecast worst"), path)
        else:
            canvas.save(lambda: confusion.draw(made.score.confusion), path)


@click.command("evaluate", epilog=example("rnncli evaluate runs/co2 --windows 24 --fail-if 'mase > 1'"))
@click.argument("run", metavar="RUN|CONFIG")
@click.argument("data", nargs=-1, metavar="[DATA|-]...")
@SET
@click.option(
    "--metric",
    type=click.Choice(["exact", "chrf", "bleu"]),
    help="seq2seq, caption: the metric; chrf and bleu need the extra rnncli[metrics].",
)
@click.option(
    "--threshold",
    type=Number(0, 1),
    help="classify with several labels: predict those of at least this probability; 0.5 by default.",
)
@click.option(
    "--confusion",
    metavar="FILE.csv",
    callback=_matrix,
    help="classify, tag, transcribe: write the whole confusion matrix as CSV, a row for each actual label.",
)
@click.option(
    "--horizon",
    type=click.IntRange(1, 100_000),
    help="Forecast: the number of rows to forecast from each origin; by default the horizon of training.",
)
@click.option(
    "--levels",
    callback=levels_of,
    metavar="0.1,0.5,0.9",
    help="Forecast: the levels of the weighted quantile loss; 0.1 to 0.9 by default.",
)
@click.option("--sum", is_flag=True, help="Forecast: check the intervals of totals over the horizon too.")
@click.option(
    "--windows",
    type=click.IntRange(1, 10**6),
    help="Forecast: the number of rolling origins, the newest ones; all by default.",
)
@click.option(
    "--step", type=click.IntRange(1, 10**6), help="Forecast: the number of rows between origins; 1 by default."
)
@click.option(
    "--must-beat",
    multiple=True,
    callback=lambda context, option, names: tuple(name.replace(" ", "-") for name in names),  # as tables write them
    metavar="BASELINE",
    help="Exit with code 7 unless the verdict beside this baseline (as in naive-bayes) is that the network is better.",
)
@click.option(
    "--fail-if",
    multiple=True,
    metavar="RULE",
    help="Forecast: exit with code 7 if this holds, such as 'mase > 1' or 'coverage_80 < 0.75'.",
)
@picture_option("classify, tag, transcribe: draw the confusion matrix; forecast: the windows that were forecast worst.")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How the score is written.",
)
@QUIET
@PRECISION
@reading_options
def command(
    run: str,
    data: tuple[str, ...],
    overrides: tuple[str, ...],
    form: str,
    confusion: str | None,
    plot: str | None,
    precision: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Score the model of RUN (a run directory) beside its baselines; a CONFIG is trained first.

    The score is on the test split that training held out, or else on the validation split. DATA, a file like the
    training data, is scored instead, of a forecast the rows after the end of these; with a CONFIG, DATA is the training
    data. The baselines learn from the training data, which must still be as they were; a file may have grown.

    A forecast is backtested from many origins beside up to five baselines, which need no training; as CSV every
    window is written, with the time of its cutoff.
    """
    from rnncli.notes import noting
    from rnncli.ui.label_tables import save_confusion
    from rnncli.ui.output import say_notes, saying
    from rnncli.ui.scores import write_backtest, write_score
    from rnncli.ui.training_view import training_view
    from rnncli.workflows.evaluate import Request, evaluate
    from rnncli.workflows.names import is_config
    from rnncli.workflows.opening import first_run
    from rnncli.workflows.together import lead_of

    notes: list[str] = []
    reading = taken_reading(options)
    asked = given({**options, "confusion": confusion, "plot": plot is not None})
    if is_config(run):  # then DATA is training data, and the reading options are keys of the config
        chosen = [f"training.precision={precision}"] if precision else []
        overrides, reading, precision = (*overrides, *as_overrides(reading), *chosen), {}, None
    request = Request(run, data, overrides, reading, asked, precision)
    lead = lead_of(request, [run, *data])
    say_notes(first_run(), quiet=quiet)
    with training_view(quiet=quiet, form="text") as view, noting(notes.append):
        made = evaluate(request, view.show, lead)
    say_notes(notes, quiet=quiet)
    if confusion is not None and made.score.confusion is not None:
        with writing("--confusion", confusion) as path:
            save_confusion(made.score.confusion, path)
    if plot is not None:
        draw(made, plot)
    if made.report is None:
        write_score(made.score, form)
    else:
        write_backtest(made, form)
    with noting(saying(quiet=quiet)):
        made.check()
