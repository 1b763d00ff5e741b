"""The command `rnncli check`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from rnncli.cli.options import QUIET, SET, as_overrides, example, reading_options, retyped, taken_reading


def print_schema(context: click.Context, option: click.Parameter, asked: bool) -> None:
    """Write the JSON Schema of configs, tell how an editor finds it, and end."""
    if not asked or context.resilient_parsing:
        return
    import json

    from rnncli.tasks.registry import json_schema
    from rnncli.ui.output import Output, say

    Output().write(json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n")
    say("saved as rnncli.schema.json beside a config, it lets editors check the config that begins with this line:")
    click.echo("# yaml-language-server: $schema=rnncli.schema.json", err=True)
    context.exit()


@click.command("check", epilog=example("rnncli check sample_configs/sunspots.yaml"))
@click.argument("first", metavar="CONFIG|DATA|RUN")
@click.argument("data", nargs=-1, metavar="[DATA|-]...")
@SET
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How the plan, or what was checked, is written to standard output.",
)
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_schema,
    help="Write the JSON Schema of configs to standard output, for editors, and do nothing else.",
)
@QUIET
@reading_options
def command(
    first: str, data: tuple[str, ...], overrides: tuple[str, ...], form: str, quiet: bool, **options: Any
) -> None:
    """Say everything that is wrong with a config and its data at once, or else what training would be.

    Each mistake comes with its line, marked at its place. Without a mistake the plan follows: what is read as what, the
    network, its memory, the number of updates, and the time, from two seconds of training. Nothing is written. A config
    that names no data is checked alone.

    Of a RUN it checks whether the model is the file that training wrote and its weights are finite, whether config and
    data are unchanged (a file may have grown), and whether it reproduces its score; exit code 7 if not. --set data.path
    says where the data are now.
    """
    from rnncli.workflows.names import is_run
    from rnncli.workflows.runs import refuse_study

    refuse_study(first)
    if is_run(first):
        if data or taken_reading(options):
            raise click.UsageError(f"{first} is a run, which is checked as it was trained; leave out what follows it")
        verify_run(first, overrides, form, quiet=quiet)
        return
    look(first, data, [*overrides, *as_overrides(taken_reading(options))], form, quiet=quiet)


def look(
    first: str, data: tuple[str, ...], overrides: list[str], form: str, command: str = "check", *, quiet: bool
) -> None:
    """Check, and write the plan; mistakes are shown with their lines. command: by which it was asked for."""
    from rnncli.errors import ConfigError, RnncliError
    from rnncli.notes import noting
    from rnncli.ui.output import say_next, say_notes, working
    from rnncli.ui.prospect import write_problems, write_prospect
    from rnncli.workflows.check import Request, check

    notes: list[str] = []
    try:
        with working("checking", quiet=quiet) as tell, noting(notes.append):
            found = check(Request(first, data, overrides, command), tell)
    except RnncliError as error:
        if isinstance(error, ConfigError):
            error.quoting = True
        if form == "json":
            write_problems(str(error).split("\n"), first)
        raise
    finally:
        say_notes(notes, quiet=quiet)
    write_prospect(found, first, form)
    if not quiet:
        say_next("train" if found else "check", first, *(data or ([] if found else ["DATA"])), *retyped(overrides))


def verify_run(run: str, overrides: Sequence[str], form: str, *, quiet: bool) -> None:
    """Check a run, and write a line for each check."""
    from rnncli.notes import noting
    from rnncli.ui.output import say_notes
    from rnncli.ui.verified import write_verified
    from rnncli.workflows.opening import first_run
    from rnncli.workflows.verify import verify

    say_notes(first_run(), quiet=quiet)
    with noting(lambda text: None):  # training told them
        write_verified(verify(run, overrides), run, form)
