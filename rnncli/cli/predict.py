"""The command `rnncli predict`."""

from __future__ import annotations

from typing import Any

import click

from rnncli.cli.options import (
    QUIET,
    UNKNOWN,
    Number,
    example,
    given,
    picture_option,
    reading_options,
    taken_reading,
    writing,
)


def levels_of(context: click.Context, option: click.Parameter, text: str | None) -> tuple[float, ...]:
    """Return percents, such as 80,95, as numbers; click's BadParameter for anything else."""
    try:
        levels = tuple(float(percent) for percent in (text or "").split(",") if text)
    except ValueError:
        levels = (0.0,)
    if any(not 0 < level < 100 for level in levels):
        raise click.BadParameter(f"{text!r} are no percents between 0 and 100; write them as in 80,95")
    return tuple(dict.fromkeys(levels))


def draw(charts: Any, form: str | None, plot: str | None) -> None:
    """Draw the charts on the terminal, into a file, or both."""
    from rnncli.ui.forecast_chart import write_charts
    from rnncli.ui.pictures import canvas, forecast

    if plot is not None:
        with writing("--plot", plot) as path:
            canvas.save(lambda: forecast.draw(charts), path)
    if form == "plot":
        write_charts(charts)


def draw_attention(maps: Any, plot: str) -> None:
    """Draw where a seq2seq model looked when it wrote its first answer, if it wrote one."""
    from rnncli.ui.output import say
    from rnncli.ui.pictures import attention, canvas

    if not maps:
        say(f"--plot {plot}: nothing was written, so that there is nothing to draw")
        return
    with writing("--plot", plot) as path:
        canvas.save(lambda: attention.draw(maps[0]), path)


@click.command("predict", epilog=example("rnncli predict runs/co2 --horizon 12 --levels 80 -f plot"))
@click.argument("run")
@click.argument("data", nargs=-1, metavar="[DATA|-]...")
@click.option(
    "--horizon",
    type=click.IntRange(1, 100_000),
    help="Forecast: the number of rows; by default the horizon of training.",
)
@click.option("--levels", callback=levels_of, metavar="80,95", help="Forecast: prediction intervals, in percent.")
@click.option(
    "--samples",
    type=click.IntRange(1, 100_000),
    help="Forecast: draw this many paths, from the learnt distribution or with errors of the backtest.",
)
@click.option(
    "--sum", is_flag=True, help="Forecast: the total over the horizon of each series, with an interval of its own."
)
@click.option("--network", is_flag=True, help="Forecast: use the network even if a baseline was better on validation.")
@click.option("--future", metavar="FILE", help="Forecast: a file with the known covariates of the rows to forecast.")
@click.option(
    "--explain",
    is_flag=True,
    help="Forecast: show what moved each row: baseline, what the network adds, effects of known covariates.",
)
@click.option(
    "--follow",
    is_flag=True,
    help="Forecast: answer each row of DATA as it comes, with an anomaly score, the mean over all forecasts of it. "
    "transcribe: write each symbol of sound as it comes, a WAV or raw samples, by a model of one direction.",
)
@click.option(
    "--state", metavar="FILE", help="Forecast with --follow: the file that keeps what is needed to go on later."
)
@click.option(
    "--rate",
    type=click.IntRange(1, 1_000_000),
    help="transcribe with --follow: the raw samples a second; by default the rate of the model.",
)
@click.option(
    "--coding",
    type=click.Choice(["u8", "s16", "s24", "s32", "f32", "f64"]),
    help="transcribe with --follow: how a raw sample is written, little-endian; s16 by default.",
)
@click.option(
    "--channels", type=click.IntRange(1, 256), help="transcribe with --follow: the channels of raw sound; 1 by default."
)
@picture_option(
    "Forecast: draw it after its history, with its intervals. seq2seq: where it looked when it wrote the first answer."
)
@click.option(
    "--top",
    type=click.IntRange(1, 65_536),
    help="Language model: the number of next tokens after each line; 5 by default.",
)
@click.option(
    "--threshold",
    type=Number(0, 1),
    help="classify with several labels: answer those of at least this probability; 0.5 by default.",
)
@click.option(
    "--n-best", type=click.IntRange(1, 1000), help="seq2seq, caption, transcribe: the number of answers to each input."
)
@click.option(
    "--beam",
    type=click.IntRange(1, 1000),
    help="seq2seq, caption, transcribe: the number of hypotheses that beam search keeps; 4 by default, of transcribe "
    "1, which is greedy.",
)
@click.option(
    "--length-penalty",
    type=Number(0, 10),
    help="seq2seq, caption: rank answers by log-probability / length to this power; 1 by default.",
)
@click.option(
    "--scores",
    is_flag=True,
    help="seq2seq, caption, transcribe: write a tab and the log-probability after each answer.",
)
@click.option(
    "--timestamps", is_flag=True, help="transcribe: write when each symbol begins and ends, in seconds or steps."
)
@click.option("--lm", metavar="RUN", help="transcribe: a language model of the same tokens, whose say counts too.")
@click.option(
    "--lm-weight", type=Number(0, 10), help="transcribe: how much its log-probabilities count; 0.5 by default."
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "jsonl", "plot"]),
    help="By default a table on a terminal and csv in a pipe; for seq2seq, caption and transcribe a line for each "
    "answer.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="End at the first line that cannot be answered; by default its answer is empty, and the exit code 3 at last.",
)
@QUIET
@UNKNOWN
@reading_options
def command(run: str, data: tuple[str, ...], form: str | None, plot: str | None, quiet: bool, **options: Any) -> None:
    """Predict what comes next, or what a sequence is, with the model of RUN (a run directory or a model file).

    A forecast gives the next rows, under the input's own column names, after its training data or after DATA.
    A language model gives the most probable next tokens after each line of DATA.
    A classify, regress or tag model answers each sequence of DATA.
    A seq2seq or caption model writes answers to each input of DATA.
    A transcribe model writes what each recording of DATA, files, folders or a list of them, says, or with --follow
    the symbols of sound as it comes (arecord -t raw … | rnncli predict RUN - --follow).
    Lines are answered as they come; one that cannot be answered keeps its place.
    """
    from rnncli.notes import noting
    from rnncli.tasks.answers import Pieces, Stream
    from rnncli.ui.output import say, say_notes, saying
    from rnncli.ui.results import write_as_they_come, write_rows, write_stream
    from rnncli.workflows.opening import first_run
    from rnncli.workflows.predict import predict

    say_notes(first_run(), quiet=quiet)
    notes: list[str] = []
    reading = taken_reading(options)
    asked = given({**options, "plot": "--plot" if plot is not None else "-f plot" if form == "plot" else None})
    with noting(notes.append):
        answers = predict(run, data[0] if data else None, reading, asked, say, data[1:])
    say_notes(notes, quiet=quiet)
    with noting(saying(quiet=quiet)):
        if isinstance(answers, Stream):
            write_stream(answers, form)
            return
        if isinstance(answers, Pieces):
            if form == "plot":
                raise click.UsageError("-f plot is for forecasts; --plot FILE draws where a seq2seq model looked")
            write_as_they_come(answers, form)
            if plot is not None:
                draw_attention(answers.charts(), plot)
            return
    if answers.charts:
        draw(answers.charts, form, plot)
    if form != "plot":
        write_rows(answers.rows, answers.nested, form, answers.delimiter, answers.decimal, answers.encoding)
