"""The command `rnncli check`."""

from __future__ import annotations

from typing import Any

import click

from rnncli.cli.options import SET, as_overrides, example, reading_options, taken_reading


@click.command("check", epilog=example("rnncli check sample_configs/sunspots.yaml"))
@click.argument("first", metavar="CONFIG|DATA")
@click.argument("data", required=False, metavar="[DATA|-]")
@SET
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the plan is written to standard output.",
)
@reading_options
def command(first: str, data: str | None, overrides: tuple[str, ...], form: str, **options: Any) -> None:
    """Say everything that is wrong with a config and its data at once, or else what training would be.

    Each mistake comes with its line, marked at its place. Without a mistake the plan follows: what is read as what, the
    network, its memory, the number of updates, and the time, from two seconds of training. Nothing is written. A config
    that names no data is checked alone.
    """
    look(first, data, [*overrides, *as_overrides(taken_reading(options))], form)


def look(first: str, data: str | None, overrides: list[str], form: str) -> None:
    """Check, and write the plan; mistakes are shown with their lines."""
    from rnncli.errors import ConfigError
    from rnncli.notes import noting
    from rnncli.ui.output import say_next, say_notes, working
    from rnncli.ui.prospect import write_prospect
    from rnncli.workflows.check import Request, check

    notes: list[str] = []
    try:
        with working("checking") as tell, noting(notes.append):
            found = check(Request(first, data, overrides), tell)
    except ConfigError as error:
        error.quoting = True
        raise
    finally:
        say_notes(dict.fromkeys(notes))
    write_prospect(found, first, form)
    say_next("train" if found else "check", first, *([data] if data else [] if found else ["DATA"]))
