"""The command `rnncli score`."""

from __future__ import annotations

from typing import Any

import click

from rnncli.cli.options import (
    PRECISION,
    QUIET,
    UNKNOWN,
    Number,
    example,
    given,
    reading_options,
    taken_reading,
    writing,
)

ON_TERMINAL = "-"


def _most(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """Return a number of lines, or a share such as 1% as a fraction; click's BadParameter for anything else."""
    if text is None:
        return None
    try:
        value = float(text.removesuffix("%")) / 100 if text.endswith("%") else int(text)
    except ValueError:
        value = 0
    if not (0 < value < 1 if text.endswith("%") else 1 <= value <= 1_000_000):
        raise click.BadParameter(f"{text!r} is neither a number of lines nor a share below 100%; write 20 or 1%")
    return value


def _page(context: click.Context, option: click.Parameter, path: str | None) -> str | None:
    if path not in (None, ON_TERMINAL) and not str(path).lower().endswith((".html", ".htm")):
        raise click.BadParameter(f"{path} is no .html file; name one, or leave it out for colours on the terminal")
    return path


@click.command(
    "score",
    epilog=example(
        "rnncli score runs/fables sample_data/fables.txt --most-surprising 5",
    ),
)
@click.argument("run")
@click.argument("data", metavar="[FILE|-]", default="-")
@click.option(
    "--above",
    type=Number(0),
    metavar="BITS",
    help="Write only lines of at least this many bits per token, as they come.",
)
@click.option(
    "--most-surprising",
    callback=_most,
    metavar="N|P%",
    help="Write only so many lines, or this share of all, the most surprising first; a table has 10.",
)
@click.option("--tokens", is_flag=True, help="Write a row for each token instead of each line.")
@click.option(
    "--heat",
    is_flag=False,
    flag_value=ON_TERMINAL,
    callback=_page,
    metavar="[FILE.html]",
    help="Write the text coloured by the bits of its tokens, on the terminal or into a file.",
)
@click.option(
    "--adapt",
    is_flag=True,
    help="Also score by a copy of the model that learns from the text as it reads (dynamic evaluation), as a second "
    "number.",
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "jsonl"]),
    help="By default a table on a terminal and csv in a pipe.",
)
@click.option("--strict", is_flag=True, help="End at the first line that cannot be read; by default it is left out.")
@QUIET
@UNKNOWN
@PRECISION
@reading_options
def command(
    run: str,
    data: str,
    above: float | None,
    most_surprising: float | None,
    tokens: bool,
    heat: str | None,
    form: str | None,
    precision: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Tell how surprising each line of a text is to the language model of RUN (a run directory or a model file).

    A line's score is its bits per token: the more, the less the model expected it after the lines before it. Lines
    are scored as they come, so that a pipe can be watched. The totals of all lines follow.
    """
    if heat is not None and (form or tokens):
        raise click.UsageError("--heat writes the text itself; leave out --format and --tokens")
    from rnncli.notes import noting
    from rnncli.ui.heat import save_heat, write_heat
    from rnncli.ui.line_scores import SHOWN, say_totals, write_lines
    from rnncli.ui.output import Output, say, say_notes, saying
    from rnncli.workflows.opening import first_run
    from rnncli.workflows.score import Request, score

    say_notes(first_run(), quiet=quiet)
    reading = taken_reading(options)
    form = form or ("table" if Output().terminal else "csv")
    shown = most_surprising or (SHOWN if form == "table" and not (heat or tokens or above is not None) else None)
    with noting(saying(quiet=quiet)):
        scored = score(Request(run, data, reading, given(options), above, shown, precision), say)
        in_table = None
        if heat is None:
            in_table = write_lines(
                scored, form, of_tokens=tokens, watching=above is not None and most_surprising is None
            )
        elif heat == ON_TERMINAL:
            write_heat(scored)
        else:
            with writing("--heat", heat) as path:
                save_heat(scored, path)
        say_totals(scored, form if heat is None else "", in_table)
        if heat not in (None, ON_TERMINAL) and not quiet:
            say(f"written to {heat}")
