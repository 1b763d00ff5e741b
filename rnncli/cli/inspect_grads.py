"""rnncli inspect-grads"""

from __future__ import annotations

from typing import Any

import click

from rnncli.cli.options import SET, as_overrides, reading_options, taken_reading


@click.command("inspect-grads")
@click.argument("first", metavar="CONFIG|RUN")
@click.argument("data", required=False, metavar="[DATA|-]")
@SET
@click.option("-f", "--format", "form", type=click.Choice(["table", "csv", "json"]),
              help="table on a terminal, csv (the norms by lag) in a pipe by default.")  # fmt: skip
@reading_options
def command(first: str, data: str | None, overrides: tuple[str, ...], form: str | None, **options: Any) -> None:
    """One backward pass: every parameter's gradient norm, and the gradient at each time lag.

    CONFIG shows a network before training, RUN (a run directory or a model file) a trained one.
    """
    from rnncli.ui.gradient_tables import write_gradients
    from rnncli.ui.notes import say_notes
    from rnncli.workflows.inspect_grads import Request, inspect_grads
    from rnncli.workflows.opening import first_run

    say_notes(first_run())
    notes: list[str] = []
    changes = [*overrides, *as_overrides(taken_reading(options))]
    report = inspect_grads(Request(first, data, changes), notes)
    say_notes(notes)
    write_gradients(report, form)
