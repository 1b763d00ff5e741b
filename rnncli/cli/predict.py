"""rnncli predict"""

from __future__ import annotations

from typing import Any

import click

from rnncli.cli.options import reading_options, taken_reading


@click.command("predict")
@click.argument("run")
@click.argument("data", required=False, metavar="[DATA|-]")
@click.option(
    "--horizon", type=click.IntRange(1, 100_000), help="How many rows of a series; by default as many as trained."
)
@click.option("--top", type=click.IntRange(1, 65_536), default=5, show_default=True,
              help="How many next tokens after each line of text.")  # fmt: skip
@click.option("-f", "--format", "form", type=click.Choice(["table", "csv", "json", "jsonl"]),
              help="table on a terminal, csv in a pipe by default.")  # fmt: skip
@reading_options
def command(run: str, data: str | None, horizon: int | None, top: int, form: str | None, **options: Any) -> None:
    """What comes next, by the model of RUN (a run directory or a model file).

    A series: the next rows under the input's own column names, after the data it was trained on, or after DATA.
    A language model: the most probable next tokens after each line of DATA.
    """
    from rnncli.ui.notes import say_notes
    from rnncli.ui.results import write_rows
    from rnncli.workflows.opening import first_run
    from rnncli.workflows.predict import Request, predict

    say_notes(first_run())
    notes: list[str] = []
    answer = predict(Request(run, data, horizon, top, taken_reading(options)), notes)
    say_notes(notes)
    write_rows(answer.rows, answer.nested, form, answer.delimiter, answer.decimal)
