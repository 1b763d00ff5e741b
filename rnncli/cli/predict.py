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
@click.option(
    "--top", type=click.IntRange(1, 65_536), help="How many next tokens after each line of text; 5 by default."
)
@click.option("--n-best", type=click.IntRange(1, 1000), help="How many answers of an encoder-decoder to each input.")
@click.option(
    "--beam", type=click.IntRange(1, 1000), help="How many hypotheses its search keeps; 1 is greedy, 4 usual."
)
@click.option("--length-penalty", type=click.FloatRange(0, 10),
              help="Answers are ranked by log-probability / length to this power; 1 by default.")  # fmt: skip
@click.option("--scores", is_flag=True, help="After each answer a tab and its log-probability.")
@click.option("-f", "--format", "form", type=click.Choice(["table", "csv", "json", "jsonl"]),
              help="table on a terminal, csv in a pipe by default; of an encoder-decoder a line for each answer.",
)  # fmt: skip
@reading_options
def command(
    run: str, data: str | None, horizon: int | None, top: int | None, n_best: int | None, beam: int | None,
    length_penalty: float | None, scores: bool, form: str | None, **options: Any,
) -> None:  # fmt: skip
    """What comes next, by the model of RUN (a run directory or a model file).

    A series: the next rows under the input's own column names, after the data it was trained on, or after DATA.
    A language model: the most probable next tokens after each line of DATA.
    A classify, regress or tag: an answer to each sequence of DATA.
    A seq2seq or caption: what it writes for each input of DATA, lines in a pipe as they come.
    """
    from rnncli.tasks.writing import Search
    from rnncli.ui.notes import say_notes
    from rnncli.ui.results import write_as_they_come, write_rows
    from rnncli.workflows.opening import first_run
    from rnncli.workflows.predict import Answer, Request, predict

    say_notes(first_run())
    notes: list[str] = []
    if length_penalty is not None and length_penalty != length_penalty:
        raise click.BadParameter("nan is no power", param_hint="--length-penalty")
    asked = {"n_best": n_best, "beams": beam, "length_penalty": length_penalty}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    search = Search(**given) if given else None
    answer = predict(Request(run, data, horizon, top, search, scores, taken_reading(options)), notes)
    say_notes(notes)
    if isinstance(answer, Answer):
        write_rows(answer.rows, answer.nested, form, answer.delimiter, answer.decimal)
    else:
        write_as_they_come(answer, form)
