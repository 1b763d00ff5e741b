"""The command `rnncli runs`."""

from __future__ import annotations

import click

from rnncli.cli.options import QUIET, example

SORTED_BY = ("name", "task", "state", "score", "seconds", "ended")


@click.command("runs", epilog=example("rnncli runs --sort score"))
@click.argument("folder", required=False, default="runs", metavar="[DIR]")
@click.option("--sort", type=click.Choice(SORTED_BY), default="name", show_default=True, help="What to sort by.")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    help="By default a table on a terminal and csv in a pipe.",
)
@QUIET
def command(folder: str, sort: str, form: str | None, quiet: bool) -> None:
    """List the runs in DIR (runs by default): their scores beside baselines, which is best, and what differs.

    Runs compare if they were scored on the same split of the same data by the same measure; the best of them is
    marked, and only the config keys in which they differ are shown, as --set takes them. Sorted by score, runs that
    compare stand together, the best first. A narrow terminal shows what differs below, and fewer columns; -f csv has
    all.
    """
    from rnncli.notes import noting
    from rnncli.ui.output import say_next, saying
    from rnncli.ui.run_list import write_runs
    from rnncli.workflows.runs import runs

    with noting(saying(quiet=quiet)):
        found = runs(folder, sort)
    write_runs(found, form, quiet=quiet)
    best = next((one for one in found if one.best_of), None) or next((one for one in found if one.score), None)
    if not quiet and best is not None and best.can_be_evaluated:
        say_next("evaluate", best.path)
