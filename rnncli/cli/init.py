"""The command `rnncli init`."""

from __future__ import annotations

from typing import Any

import click

from rnncli.cli.options import QUIET, SET, as_overrides, example, reading_options, taken_reading


@click.command("init", epilog=example("rnncli init sample_data/co2.csv > co2.yaml"))
@click.argument("data", nargs=-1, required=True, metavar="DATA|-...")
@click.option("-o", "--out", metavar="FILE", help="Write the config into this new .yaml file, not to standard output.")
@SET
@QUIET
@reading_options
def command(data: tuple[str, ...], out: str | None, overrides: tuple[str, ...], quiet: bool, **options: Any) -> None:
    """Write a config for DATA, with a comment on every line.

    It looks at the data as rnncli train DATA would, and trains the same network. Change in it what you like.
    Paths in it are relative to its folder; on standard output, to the folder that you are in.
    """
    from rnncli.notes import noting
    from rnncli.ui.output import Output, say_next, saying
    from rnncli.workflows.init import Request, init

    changes = [*overrides, *as_overrides(taken_reading(options))]
    with noting(saying(quiet=quiet)):
        text = init(Request(list(data) if len(data) > 1 else data[0], out, changes))
    if out is None:
        Output().write(text)
    elif not quiet:
        say_next("check", out)
