"""rnncli evaluate"""

from __future__ import annotations

from typing import Any

import click

from rnncli.cli.options import SET, reading_options, taken_reading


@click.command("evaluate")
@click.argument("run")
@click.argument("data", required=False, metavar="[DATA|-]")
@SET
@click.option("--metric", type=click.Choice(["exact", "chrf", "bleu"]),
              help="What written answers are measured by; chrf and bleu need the extra rnncli[metrics].")  # fmt: skip
@click.option("-f", "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table",
              show_default=True, help="How the score is written.")  # fmt: skip
@reading_options
def command(
    run: str, data: str | None, overrides: tuple[str, ...], metric: str | None, form: str, **options: Any
) -> None:
    """The model of RUN (a run directory) beside its floors.

    On the test part that training held out, or else the validation part; or on DATA, a file like the training data. The
    floors learn from the training data, which must still be where it was.
    """
    from rnncli.ui.notes import say_notes
    from rnncli.ui.scores import write_score
    from rnncli.workflows.evaluate import Request, evaluate
    from rnncli.workflows.opening import first_run

    say_notes(first_run())
    notes: list[str] = []
    score = evaluate(Request(run, data, overrides, metric, taken_reading(options)), notes)
    say_notes(notes)
    write_score(score, form)
